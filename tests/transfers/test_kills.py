"""A killed task publishes nothing incomplete, and a later one removes what it left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.s3 import CONN_ID, keys

from airflow_provider_bulkexports import BulkExportsToObjectStorageOperator
from airflow_provider_bulkexports.compat import AirflowException
from airflow_provider_bulkexports.hooks.bulkexports import BulkExportsHook
from airflow_provider_bulkexports.simulator import Fault, Simulator

Store = Callable[..., list[dict[str, Any]]]

#: Stores in a separate process, which the test can kill.
TASK = """
import json, sys
from airflow_provider_bulkexports import BulkExportsToObjectStorageOperator
BulkExportsToObjectStorageOperator(task_id="store", resource_type="Messages", **json.loads(sys.argv[1])).execute({})
"""

FOLDER = "resource_type=Messages/day=2026-01-01"


@pytest.fixture(autouse=True)
def exported(simulated: Simulator) -> None:
    simulated.create_job("Messages", "2026-01-01", "2026-01-03")


def kill_task(sim: Simulator, arguments: dict[str, Any], *, when: Callable[[], Any]) -> None:
    """Run the task and kill it as soon as the condition holds."""
    environment = os.environ | {f"AIRFLOW_CONN_{BulkExportsHook.default_conn_name.upper()}": sim.connection_json()}
    with subprocess.Popen([sys.executable, "-c", TASK, json.dumps(arguments)], env=environment) as task:
        deadline = time.monotonic() + 60
        while not when():
            assert task.poll() is None, "the task ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.02)
        task.send_signal(signal.SIGKILL)


@pytest.mark.slow
def test_next_task_removes_the_spool_of_a_killed_one(store: Store, sim: Simulator, tmp_path: Path) -> None:
    sim.faults.add(Fault(origin="storage", delay=60, times=1))
    arguments = {"days": "2026-01-01", "destination": f"file://{tmp_path}"}
    kill_task(sim, arguments, when=lambda: [*tmp_path.rglob("day.json.gz*"), *tmp_path.rglob(".day.json.gz*")])

    assert not list(tmp_path.rglob("part-0.json.gz"))
    (left,) = (path for path in (tmp_path / FOLDER).iterdir() if path.is_dir())
    assert left.name.startswith("."), "readers of the folder do not see it"

    assert [entry["status"] for entry in store()] == ["stored"]
    assert sorted(path.name for path in (tmp_path / FOLDER).iterdir()) == [
        "_part-0.json.gz.manifest.json",
        "part-0.json.gz",
    ]


@pytest.mark.slow
def test_retry_of_a_killed_task_stores_the_rest(store: Store, s3: Any, sim: Simulator) -> None:
    # The second day's file never ends, so the task is killed in the middle of it.
    sim.faults.add(Fault(origin="storage", path=r".*2026-01-02.*", delay=60, times=1))
    arguments = {
        "days": ["2026-01-01", "2026-01-02", "2026-01-03"],
        "destination": "s3://bucket/twilio",
        "object_storage_conn_id": CONN_ID,
    }
    kill_task(sim, arguments | {"max_parallel_days": 1}, when=lambda: sim.requests.matching(path=r".*/Days/2026-01-02"))

    assert [key for key in keys(s3) if not key.endswith("manifest.json")] == [f"twilio/{FOLDER}/part-0.json.gz"]

    assert [entry["status"] for entry in store(**arguments)] == ["skipped", "stored", "stored"]
    assert len(keys(s3)) == 6


@pytest.mark.parametrize(
    "layout", ["resource_type={resource_type}/day={day}/part-0.json.gz", "{day}.json.gz", "[{year}]/{day}"]
)
def test_old_spool_files_of_other_days_are_removed(store: Store, tmp_path: Path, layout: str) -> None:
    former = tmp_path / layout.format(resource_type="Messages", day="2025-12-31", year="2025")
    former.parent.mkdir(parents=True, exist_ok=True)
    left = former.with_name(f".{former.name}.another-pod.7.0123abcd.part")
    left.write_bytes(b"half")

    store(days=["2026-01-01"], layout=layout)
    assert left.exists(), "another process may still write it"

    os.utime(left, (0, 0))
    store(days=["2026-01-01"], layout=layout)
    assert not left.exists()


def test_killed_task_starts_no_further_day(connection: str, context: dict[str, Any], tmp_path: Path) -> None:
    operator = BulkExportsToObjectStorageOperator(
        task_id="store", resource_type="Messages", days=["2026-01-01"], destination=f"file://{tmp_path}"
    )
    operator.on_kill()

    with pytest.raises(AirflowException, match="the task was killed"):
        operator.execute(context)
    assert not list(tmp_path.rglob("*.gz"))
