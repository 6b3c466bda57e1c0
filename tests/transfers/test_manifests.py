"""Manifests: damaged or foreign ones cost a download and nothing else; they can be put aside, or left out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_bulkexports.compat import AirflowFailException
from airflow_provider_bulkexports.object_storage.destination import Destination
from airflow_provider_bulkexports.simulator import Fault, Simulator

StoreAs = Callable[..., list[dict[str, Any]]]

#: Stores a day in a process of its own, which the test can kill.
TASK = """
from airflow_provider_bulkexports import BulkExportsToObjectStorageOperator
BulkExportsToObjectStorageOperator(
    task_id="store", resource_type="Messages", days="2026-01-01", destination="file://{folder}"
).execute({{}})
"""

FOLDER = "resource_type=Messages/day=2026-01-01"


@pytest.fixture(autouse=True)
def exported(simulated: Simulator) -> None:
    simulated.create_job("Messages", "2026-01-01", "2026-01-01")


@pytest.fixture
def store(store_as: StoreAs, sim: Simulator) -> Callable[..., dict[str, Any]]:
    def run(**arguments: Any) -> dict[str, Any]:
        (entry,) = store_as(sim.connection_json(), **arguments)
        return entry

    return run


def manifest_in(folder: Path) -> Path:
    return folder / FOLDER / "_part-0.json.gz.manifest.json"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b" " * (2 << 20),
        b'{"day": "2026-01-01", "bytes": NaN}',
        b'{"day": "2026-01-01", "bytes": Infinity, "records": -Infinity}',
        b'{"day": "2026-01-01", "bytes": ' + b"9" * 5000 + b"}",
        b'{"day": {"a": 1}, "bytes": [], "records": "x", "sha256": 1, "account_sid": {}}',
        b"<Error><Code>NoSuchKey</Code></Error>",
    ],
    ids=range(13),
)
def test_a_damaged_or_foreign_manifest_costs_a_download(
    store: Callable[..., dict[str, Any]], tmp_path: Path, content: bytes
) -> None:
    first = store()
    manifest_in(tmp_path).write_bytes(content)

    assert store() == first
    assert json.loads(manifest_in(tmp_path).read_text()) == first
    assert store()["status"] == "skipped"


@pytest.mark.parametrize("field", ["records", "bytes", "sha256", "day", "account_sid", "listed_size", "friendly_name"])
@pytest.mark.parametrize("value", [None, "x" * 100_000, [], -1, 1.5, True, 2**65, "\u0000"])
def test_a_manifest_with_one_odd_value_never_fails_the_day(
    store: Callable[..., dict[str, Any]], tmp_path: Path, field: str, value: Any
) -> None:
    first = store()
    manifest_in(tmp_path).write_text(json.dumps(first | {field: value}))

    again = store()

    assert again["status"] in ("stored", "skipped")
    assert {**again, "status": "stored"} == first


def test_a_folder_in_the_manifest_s_place_does_not_fail_the_day(
    store: Callable[..., dict[str, Any]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = store()
    manifest_in(tmp_path).unlink()
    manifest_in(tmp_path).mkdir()

    assert store() == first


def test_a_folder_in_the_file_s_place_is_one_sentence(store: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    (tmp_path / FOLDER / "part-0.json.gz").mkdir(parents=True)

    with pytest.raises(AirflowFailException, match=r"Could not write file://.*part-0\.json\.gz: .* Remove what is in"):
        store()


def test_manifests_aside_leave_nothing_but_data_beside_the_files(
    store: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    entry = store(manifests="aside")

    assert [path.name for path in (tmp_path / FOLDER).iterdir()] == ["part-0.json.gz"]
    assert json.loads((tmp_path / "_manifests" / FOLDER / "part-0.json.gz.manifest.json").read_text()) == entry
    assert store(manifests="aside")["status"] == "skipped"
    assert store(manifests="beside")["status"] == "skipped", "the manifest is found where another setting put it"


def test_without_manifests_a_day_is_stored_again(
    store: Callable[..., dict[str, Any]], sim: Simulator, tmp_path: Path
) -> None:
    store(manifests="none")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["part-0.json.gz"]

    assert store(manifests="none")["status"] == "stored"


def test_many_writers_of_one_manifest_do_not_meet(tmp_path: Path) -> None:
    destination, start = Destination(f"file://{tmp_path}"), threading.Barrier(8)

    def write(number: int) -> None:
        start.wait()
        for _ in range(50):
            destination.write_json("a/manifest.json", {"number": number})

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(8)))

    assert [path.name for path in (tmp_path / "a").iterdir()] == ["manifest.json"]
    assert json.loads((tmp_path / "a/manifest.json").read_text())["number"] in range(8)


@pytest.mark.parametrize("kind", ["gzip", "zero_bytes", "absent"])
def test_an_empty_day_can_be_left_out(
    store: Callable[..., dict[str, Any]], sim: Simulator, tmp_path: Path, kind: Any
) -> None:
    sim.knobs.empty_day_file = kind
    sim.state.empty_day("Messages", "2026-02-01")
    sim.create_job("Messages", "2026-02-01", "2026-02-01")

    for _ in range(2):
        entry = store(days=["2026-02-01"], empty_days="skip")

        assert (entry["status"], entry["uri"], entry["records"], entry["sha256"]) == ("empty", None, 0, None)
        assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_day_that_has_become_empty_does_not_leave_its_old_records(
    store: Callable[..., dict[str, Any]], sim: Simulator, tmp_path: Path
) -> None:
    store()
    sim.state.empty_day("Messages", "2026-01-01")
    sim.create_job("Messages", "2026-01-01", "2026-01-01", FriendlyName="again")

    entry = store(empty_days="skip")

    assert (entry["status"], entry["records"]) == ("stored", 0), "in place of the file with records"


@pytest.mark.slow
def test_a_killed_task_leaves_what_the_next_one_removes(
    store: Callable[..., dict[str, Any]], sim: Simulator, tmp_path: Path
) -> None:
    """Locally the file on its way is in a hidden folder beside its place."""
    sim.faults.add(Fault(origin="storage", delay=60, times=1))
    environment = os.environ | {"AIRFLOW_CONN_TWILIO_BULKEXPORTS_DEFAULT": sim.connection_json()}
    with subprocess.Popen([sys.executable, "-c", TASK.format(folder=tmp_path)], env=environment) as task:
        deadline = time.monotonic() + 60
        while not list(tmp_path.rglob("day.json.gz*")) and not list(tmp_path.rglob(".day.json.gz*")):
            assert task.poll() is None, "the task ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.02)
        task.send_signal(signal.SIGKILL)
    assert not list(tmp_path.rglob("part-0.json.gz"))
    (left,) = (path for path in (tmp_path / FOLDER).iterdir() if path.is_dir())
    assert left.name.startswith("."), "readers of the folder do not see it"

    assert store()["status"] == "stored"
    assert sorted(path.name for path in (tmp_path / FOLDER).iterdir()) == [
        "_part-0.json.gz.manifest.json",
        "part-0.json.gz",
    ]
