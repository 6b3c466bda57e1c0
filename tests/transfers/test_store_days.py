"""Each day is stored completely, once, and independently of the others."""

from __future__ import annotations

import errno
import gzip
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_bulkexports import BulkExportsToObjectStorageOperator
from airflow_provider_bulkexports.compat import AirflowException, AirflowFailException
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.simulator import Fault, Simulator

Store = Callable[..., list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def exported(sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first five days of January are exported."""
    monkeypatch.setattr("airflow_provider_bulkexports.object_storage.day_fetcher.MISSING_INTERVAL", 0.001)
    sim.knobs.queue_seconds = sim.knobs.seconds_per_day_run = sim.knobs.error_pause_seconds = 0
    sim.create_job("Messages", "2026-01-01", "2026-01-05")


@pytest.fixture
def store(connection: str, context: dict[str, Any], tmp_path: Path) -> Store:
    def run(**arguments: Any) -> list[dict[str, Any]]:
        if not {"days", "start_day"} & arguments.keys():
            arguments |= {"start_day": "2026-01-01", "end_day": "2026-01-05"}
        arguments = {"resource_type": "Messages", "destination": f"file://{tmp_path}"} | arguments
        return BulkExportsToObjectStorageOperator(task_id="store", **arguments).execute(context)

    return run


def file_of(folder: Path, day: str) -> Path:
    return folder / f"resource_type=Messages/day={day}/part-0.json.gz"


def downloads(sim: Simulator) -> int:
    return len(sim.requests.matching(origin="storage"))


def test_days_of_asset_events_are_stored_without_a_template(
    sim: Simulator, store: Store, context: dict[str, Any]
) -> None:
    """The account is the connection's: days of another one are left out."""
    own, other = sim.account_sid, "AC" + "0b" * 16
    context["triggering_asset_events"] = {
        account: [
            SimpleNamespace(
                asset=SimpleNamespace(name="files", uri=f"twilio-bulkexports://{account}/Messages"),
                extra={"days": days},
            )
        ]
        for account, days in {own: ["2026-01-04", "2026-01-02"], other: ["2026-01-03"]}.items()
    }

    stored = store(days=None)

    assert [entry["day"] for entry in stored] == ["2026-01-02", "2026-01-04"]
    assert context["ti"].xcoms["days"] == "2026-01-02, 2026-01-04"


def test_each_day_becomes_a_file_with_a_manifest(store: Store, tmp_path: Path) -> None:
    entries = store()

    assert [entry["day"] for entry in entries] == [f"2026-01-0{number}" for number in range(1, 6)]
    for entry in entries:
        file = file_of(tmp_path, entry["day"])
        lines = gzip.decompress(file.read_bytes()).splitlines()
        assert entry["records"] == len(lines) == sum(json.loads(line)["start"] == entry["day"] for line in lines)
        assert entry["uri"] == f"file://{file}"
        assert entry["bytes"] == file.stat().st_size
        assert json.loads((file.parent / "_part-0.json.gz.manifest.json").read_text()) == entry
        assert len(list(file.parent.iterdir())) == 2


def test_only_changed_or_missing_files_are_fetched_again(store: Store, sim: Simulator, tmp_path: Path) -> None:
    first = store()
    tampered, foreign, removed = (file_of(tmp_path, f"2026-01-0{number}") for number in (1, 2, 3))
    content = tampered.read_bytes()
    tampered.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    (foreign.parent / "_part-0.json.gz.manifest.json").unlink()
    removed.unlink()
    before = downloads(sim)

    second = store()

    assert downloads(sim) - before == 3
    assert [entry["status"] for entry in second] == ["stored", "stored", "stored", "skipped", "skipped"]
    assert [entry["sha256"] for entry in second] == [entry["sha256"] for entry in first]
    assert tampered.read_bytes() == content


def test_day_exported_again_is_fetched_again(store: Store, sim: Simulator) -> None:
    store()
    sim.clock.advance(timedelta(days=1))
    sim.create_job("Messages", "2026-01-02", "2026-01-02")

    assert [entry["status"] for entry in store()] == ["skipped", "stored", "skipped", "skipped", "skipped"]


@pytest.mark.parametrize("status", [403, 500, 503])
def test_failed_day_does_not_stop_the_others(store: Store, sim: Simulator, tmp_path: Path, status: int) -> None:
    sim.faults.add(Fault(status=status, origin="storage", path=r".*2026-01-03.*|.*day%3D2026-01-03.*", times=50))

    with pytest.raises(AirflowException, match="1 of 5 days could not be stored: 2026-01-03") as failure:
        store()

    assert not isinstance(failure.value, AirflowFailException), "a retry may help"
    assert not list(file_of(tmp_path, "2026-01-03").parent.iterdir())
    sim.faults.clear()
    assert [entry["status"] for entry in store()] == ["skipped", "skipped", "stored", "skipped", "skipped"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"days": ["2026-01-03"]}, r"^2026-01-03 could not be stored\. Down.* Retry before .* UTC, when"),
        (
            {"days": ["2026-01-03", "2026-01-04"]},
            r"^2 of 2 days .*: 2026-01-03 to 2026-01-04\. The first failure: .* Retry ",
        ),
        (
            {"days": ["2026-01-02", "2026-01-03"]},
            r"^1 of 2 days .*: 2026-01-03\. .* Retry .* The stored .* skips them\. ",
        ),
        (
            {"if_exists": "overwrite"},
            r"^2 of 5 days .*: 2026-01-03 to 2026-01-04\. .* Retry .* The stored .* stores them again\. ",
        ),
        (
            {"if_exists": "fail"},
            r"^2 of 5 days .* Retry .*The stored .* fails on them: pass if_exists='skip' to continue\. ",
        ),
        ({"days": ["2026-01-03", "2020-01-01"], "missing_days": "ignore"}, r"^1 of 2 days .*: 2026-01-03\. .* Retry "),
    ],
)
def test_error_says_what_happens_to_the_stored_days(
    store: Store, sim: Simulator, arguments: dict[str, Any], sentence: str
) -> None:
    sim.faults.add(Fault(status=403, origin="storage", path=r".*2026-01-0[34].*", times=50))

    with pytest.raises(AirflowException, match=sentence):
        store(missing_timeout=0, **arguments)


def test_existing_files_are_overwritten_or_refused(store: Store, sim: Simulator) -> None:
    store(days="2026-01-01")

    assert [entry["status"] for entry in store(days="2026-01-01", if_exists="overwrite")] == ["stored"]
    with pytest.raises(AirflowFailException, match=r"part-0\.json\.gz already exists: remove it"):
        store(days="2026-01-01", if_exists="fail")


@pytest.mark.parametrize("days", ["", " ", "2026-01-01,", ","])
def test_text_without_a_day_is_an_error(store: Store, days: str) -> None:
    with pytest.raises(
        (AirflowFailException, BulkExportsInputError),
        match="days is an empty string" if not days.strip() else "is not a day",
    ):
        store(days=days)


def test_full_spool_disk_is_retried(store: Store, sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    sim.knobs.empty_day_file = "absent"
    sim.state.empty_day("Messages", "2026-02-01")
    sim.create_job("Messages", "2026-02-01", "2026-02-01")

    with pytest.raises(AirflowException, match=r"Could not write .*: No space left on device\. Free space") as failed:
        store(days="2026-02-01")
    assert not isinstance(failed.value, AirflowFailException)
