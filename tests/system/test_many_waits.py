"""Many sensors in one triggerer share their polls and do not block its event loop."""

from __future__ import annotations

import os
from datetime import timedelta

from support.harness import Airflow

from airflow_provider_bulkexports.simulator import Simulator

DAG_ID = "many_waits"

#: Each wait costs the test a few seconds: a worker runs its task before and after the deferral.
WAITS = int(os.environ.get("BULKEXPORTS_SYSTEM_WAITS", "40"))

WINDOW = timedelta(seconds=30)


def test_many_waits_send_hardly_more_requests_than_one(airflow: Airflow, simulator: Simulator) -> None:
    simulator.knobs.queue_seconds = 24 * 3600  # real time passes below, and no job may end by itself
    jobs = [simulator.create_job("Messages", "2026-01-01", "2026-01-01") for _ in range(WAITS)]
    run_id = airflow.trigger(DAG_ID, conf={"job_sids": [job.sid for job in jobs]})
    airflow.wait_until(lambda: waits_in(airflow, run_id, "deferred") == WAITS, "All wait in the triggerer", timeout=400)

    said_before = len(airflow.triggerer.log_text())
    simulator.knobs.latency_seconds = 1.5  # would be seen if it blocked the event loop
    simulator.clock.speed = 1
    began = simulator.clock.now()
    airflow.wait_until(lambda: [*simulator.requests][-1].at > began + WINDOW, "The triggerer keeps polling", timeout=90)
    polled = [request for request in simulator.requests if began <= request.at <= began + WINDOW]
    assert 3 <= len(polled) <= 20

    simulator.knobs.latency_seconds = 0
    simulator.finish_jobs()
    assert airflow.wait_for_run(DAG_ID, run_id, timeout=400) == "success"
    assert waits_in(airflow, run_id, "success") == WAITS
    assert "async thread was blocked" not in airflow.triggerer.log_text()[said_before:]


def waits_in(airflow: Airflow, run_id: str, state: str) -> int:
    """How many of the run's sensors are in a state."""
    ((count,),) = airflow.sql(
        "SELECT count(*) FROM task_instance WHERE run_id = %s AND task_id = 'wait' AND map_index >= 0 AND state = %s",
        (run_id, state),
    )
    return int(count)
