"""A killed task publishes nothing incomplete, and a later one removes what it left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
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


def kill_task(
    sim: Simulator, arguments: dict[str, Any], *, when: Callable[[], Any], code: str = TASK, options: Sequence[str] = ()
) -> None:
    """Run the task and kill it as soon as the condition holds."""
    environment = os.environ | {f"AIRFLOW_CONN_{BulkExportsHook.default_conn_name.upper()}": sim.connection_json()}
    with subprocess.Popen([sys.executable, "-c", code, json.dumps(arguments), *options], env=environment) as task:
        deadline = time.monotonic() + 110
        while not when():
            assert task.poll() is None, "the task ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.02)
        task.send_signal(signal.SIGKILL)


@pytest.mark.slow
def test_next_task_removes_the_spool_of_a_killed_one(store: Store, sim: Simulator, tmp_path: Path) -> None:
    sim.faults.add(Fault(origin="storage", delay=60, times=1))
    arguments = {"days": "2026-01-01", "destination": f"file://{tmp_path}"}
    kill_task(sim, arguments, when=lambda: [*tmp_path.rglob("day"), *tmp_path.rglob(".day.*")])

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


#: Stores as ``TASK`` does, in small blocks and row groups, and stops for ever in the middle of the conversion.
PAUSED_TASK = (
    """
import importlib, pathlib, signal, sys
module, marker = sys.argv[2:]
converter = importlib.import_module(f"airflow_provider_bulkexports.tables.{module}")
importlib.import_module("airflow_provider_bulkexports.tables.records")._BLOCK = 1 << 16
converter.ROWS_OF_A_GROUP = 1000
def stop_in_the_middle(source, read=converter.blocks):
    for number, block in enumerate(read(source)):
        if number == 20:
            pathlib.Path(marker).touch()
            signal.pause()
        yield block
converter.blocks = stop_in_the_middle
"""
    + TASK
)


@pytest.mark.slow
@pytest.mark.timeout(300)  # two processes import Airflow, on a machine that may be busy
@pytest.mark.parametrize("store_name", ["file", "s3"])
@pytest.mark.parametrize(
    ("module", "conversion"), [("parquet", {"file_format": "parquet"}), ("json_lines", {"drop_columns": ["body"]})]
)
def test_kill_in_the_middle_of_a_conversion_leaves_nothing_and_the_day_is_whole_later(
    store: Store,
    s3: Any,
    sim: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    module: str,
    conversion: dict[str, Any],
    store_name: str,
) -> None:
    if module == "parquet":
        pytest.importorskip("pyarrow")
    records, marker = 5_000, tmp_path / "paused"
    sim.state.set_record_count("Messages", "2026-01-01", records)
    sim.create_job("Messages", "2026-01-01", "2026-01-01")
    spool, lake = tmp_path / "spool", tmp_path / "lake"
    spool.mkdir()
    target = {"destination": f"file://{lake}"}
    if store_name == "s3":
        target = {"destination": "s3://bucket/twilio", "object_storage_conn_id": CONN_ID, "spool_dir": str(spool)}
    arguments = {"days": ["2026-01-01"], **target, **conversion}

    kill_task(sim, arguments, when=marker.exists, code=PAUSED_TASK, options=(module, str(marker)))

    (half,) = [*tmp_path.rglob("published")]
    assert half.stat().st_size > 50_000, "some of the file was written"
    assert not list(lake.rglob("part-0*"))
    assert all(path.name.startswith(".") for path in lake.glob(f"{FOLDER}/*")), "readers of the folder see nothing"
    assert keys(s3) == []

    (entry,) = store(**arguments)

    assert (entry["status"], entry["records"]) == ("stored", records)
    (again,) = store(**arguments | {"destination": f"file://{tmp_path}/control", "object_storage_conn_id": None})
    assert entry["sha256"] == again["sha256"]
    assert not [*tmp_path.rglob("published")] and not [*spool.iterdir()]
    if store_name == "s3":
        assert len(keys(s3)) == 2
        assert s3.list_multipart_uploads(Bucket="bucket").get("Uploads", []) == []
    else:
        assert len([*lake.glob(f"{FOLDER}/*")]) == 2


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
