"""The essentials in a running Airflow 2.11: from a submission to the DAG that its stored day starts."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.harness.oldest import OldAirflow

from airflow_provider_bulkexports.compat import AIRFLOW_VERSION
from airflow_provider_bulkexports.simulator import SimulatedClock, Simulator

EXAMPLES = Path(__file__).parents[2] / "example_dags"
STORE, EACH_DAY = "example_bulkexports_partitions", "example_bulkexports_each_day"
DAY = "2026-01-31"

ON_WORKER = "export_on_worker_or_cancel"
ON_WORKER_DAG = f"""
from datetime import datetime, timedelta
from airflow import DAG
from airflow_provider_bulkexports.operators.bulkexports import CreateExportCustomJobOperator

with DAG("{ON_WORKER}", schedule=None, start_date=datetime(2026, 1, 1)):
    CreateExportCustomJobOperator(
        task_id="create", resource_type="Messages", deferrable=False, wait_for_completion=True, cancel_on_kill=True,
        poll_interval=5, max_poll_interval=5, retries=1, retry_delay=timedelta(seconds=1),
    )
"""


@pytest.fixture
def simulator(twilio_ports: dict[str, int]) -> Iterator[Simulator]:
    """A simulator whose clock stands still."""
    with Simulator(clock=SimulatedClock(speed=0), **twilio_ports) as simulator:
        yield simulator


@pytest.fixture
def airflow(airflow_environment: dict[str, str], tmp_path: Path) -> Iterator[OldAirflow]:
    """An Airflow 2 with the partitions example."""
    if not AIRFLOW_VERSION.startswith("2."):
        pytest.skip("this test is for Airflow 2")
    (tmp_path / f"{STORE}.py").symlink_to(EXAMPLES / f"{STORE}.py")
    (tmp_path / f"{ON_WORKER}.py").write_text(ON_WORKER_DAG)
    airflow = OldAirflow(dags=tmp_path, environment=airflow_environment)
    try:
        airflow.start()
        yield airflow
    finally:
        airflow.stop()


def test_stored_day_starts_its_dag_after_a_triggerer_kill(
    airflow: OldAirflow, simulator: Simulator, exports: Path
) -> None:
    run_id = airflow.trigger(STORE, logical_date="2026-02-01T00:00:00+00:00")
    airflow.wait_for_state(STORE, run_id, "export.wait", "deferred")
    airflow.triggerer.kill()
    simulator.finish_jobs()
    airflow.triggerer.start()
    airflow.wait_for_state(STORE, run_id, "export.store", "success")

    query = "SELECT value FROM xcom WHERE dag_id = ? AND task_id = 'days_to_read'"
    ((value,),) = airflow.wait_until(lambda: airflow.sql(query, (EACH_DAY,)), "The stored day starts its reader")
    assert json.loads(value) == [DAY]
    assert (exports / f"resource_type=Messages/day={DAY}/part-0.json.gz").exists()
    query = "SELECT extra FROM dataset_event WHERE source_run_id = ? ORDER BY id"
    ((extra,),) = airflow.sql(query, (run_id,))
    assert json.loads(extra)["days"] == [DAY]
    assert len(simulator.state.jobs) == 1


def test_retry_adopts_the_job_and_marking_failed_deletes_it(airflow: OldAirflow, simulator: Simulator) -> None:
    run_id = airflow.trigger(ON_WORKER, logical_date="2026-02-01T00:00:00+00:00")
    airflow.wait_until(lambda: simulator.state.jobs, "A job is submitted")
    (job,) = simulator.state.jobs.values()
    seen = lambda: simulator.requests.matching(method="GET", path=f"/v1/Exports/Jobs/{job.sid}")  # noqa: E731
    airflow.wait_until(seen, "The task polls the job")
    ((pid,),) = airflow.sql("SELECT pid FROM task_instance WHERE dag_id = ?", (ON_WORKER,))
    os.kill(pid, signal.SIGTERM)

    query = "SELECT try_number, state FROM task_instance WHERE dag_id = ?"
    airflow.wait_until(lambda: airflow.sql(query, (ON_WORKER,)) == [(2, "running")], "The retry runs", timeout=180)
    before = len(seen())
    airflow.wait_until(lambda: len(seen()) > before, "The retry polls the job", timeout=180)
    assert list(simulator.state.jobs.values()) == [job]
    assert not job.is_deleted

    airflow.execute("UPDATE task_instance SET state = 'failed' WHERE run_id = ?", (run_id,))
    airflow.wait_until(lambda: job.is_deleted, "The job is deleted", timeout=180)
