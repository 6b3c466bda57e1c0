"""Days land at the destination whole, each on its own account, and once."""

from __future__ import annotations

import errno
import gzip
import json
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_bulkexports import BulkExportsToObjectStorageOperator
from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.compat import AirflowException, AirflowFailException
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.simulator import Fault, Simulator

Store = Callable[..., list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def exported(sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first five days of January are exported."""
    monkeypatch.setattr("airflow_provider_bulkexports.object_storage.fetch_day.MISSING_INTERVAL", 0.001)
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


def test_every_day_becomes_a_readable_file_with_a_note_beside_it(store: Store, tmp_path: Path) -> None:
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


def test_what_is_there_and_the_same_is_not_fetched_again(store: Store, sim: Simulator, tmp_path: Path) -> None:
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


def test_a_day_that_twilio_made_again_is_fetched_again(store: Store, sim: Simulator) -> None:
    store()
    sim.clock.advance(timedelta(days=1))
    sim.create_job("Messages", "2026-01-02", "2026-01-02")

    assert [entry["status"] for entry in store()] == ["skipped", "stored", "skipped", "skipped", "skipped"]


@pytest.mark.parametrize("status", [403, 500, 503])
def test_one_day_that_fails_loses_none_of_the_others(store: Store, sim: Simulator, tmp_path: Path, status: int) -> None:
    sim.faults.add(Fault(status=status, origin="storage", path=r".*2026-01-03.*|.*day%3D2026-01-03.*", times=50))

    with pytest.raises(AirflowException, match="1 of 5 days could not be stored: 2026-01-03") as failure:
        store()

    assert not isinstance(failure.value, AirflowFailException), "a retry may mend it"
    assert not list(file_of(tmp_path, "2026-01-03").parent.iterdir())
    sim.faults.clear()
    assert [entry["status"] for entry in store()] == ["skipped", "skipped", "stored", "skipped", "skipped"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"days": ["2026-01-03"]}, r"^2026-01-03 could not be stored\. Try again .*\. The failure: .*2026-01-03"),
        (
            {"days": ["2026-01-03", "2026-01-04"]},
            r"^None of the 2 days .*: 2026-01-03, 2026-01-04\. Try .* The first f",
        ),
        (
            {"days": ["2026-01-02", "2026-01-03"]},
            r"^1 of 2 days .*: 2026-01-03\. What .* skips it\. Try .* The failure",
        ),
        ({"if_exists": "overwrite"}, r"^2 of 5 days .*: 2026-01-03, 2026-01-04\. What .* stores it again\. Try "),
        ({"if_exists": "fail"}, r"^2 of 5 days .*What .* refuses it: pass if_exists='skip' to continue\. Try "),
        ({"days": ["2026-01-03", "2020-01-01"], "missing_days": "ignore"}, r"^1 of 2 days .*: 2026-01-03\. Try "),
    ],
)
def test_a_failure_says_of_the_other_days_only_what_is_true(
    store: Store, sim: Simulator, arguments: dict[str, Any], sentence: str
) -> None:
    sim.faults.add(Fault(status=403, origin="storage", path=r".*2026-01-0[34].*", times=50))

    with pytest.raises(AirflowException, match=sentence):
        store(missing_timeout=0, **arguments)


@pytest.mark.parametrize("kind", ["gzip", "zero_bytes", "absent"])
def test_an_empty_day_is_an_empty_valid_file(store: Store, sim: Simulator, tmp_path: Path, kind: Any) -> None:
    sim.knobs.empty_day_file = kind
    sim.state.empty_day("Messages", "2026-02-01")
    sim.create_job("Messages", "2026-02-01", "2026-02-01")

    (entry,) = store(days="2026-02-01")

    assert entry["records"] == 0
    assert gzip.decompress(file_of(tmp_path, "2026-02-01").read_bytes()) == b""
    assert [entry["status"] for entry in store(days=["2026-02-01"])] == ["skipped"]


@pytest.mark.parametrize("listed", [True, False])
def test_nothing_is_no_file_of_a_day_whose_job_says_completed(
    store: Store, sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listed: bool
) -> None:
    if not listed:
        monkeypatch.setattr(BulkExportsClient, "list_days", lambda *_: iter(()))
    sim.knobs.storage_truncate_at = 0
    reason = "has 0 bytes, and Twilio lists" if listed else "sent no bytes, and neither the day's job nor"

    with pytest.raises(AirflowException, match=reason) as failure:
        store(days=["2026-01-01"])

    assert not isinstance(failure.value, AirflowFailException), "a retry may mend it"
    assert not list(file_of(tmp_path, "2026-01-01").parent.iterdir())
    sim.knobs.storage_truncate_at = None
    assert [entry["status"] for entry in store(days=["2026-01-01"])] == ["stored"]


def test_nothing_is_the_file_of_a_day_that_the_sensors_result_calls_empty(
    store: Store, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BulkExportsClient, "list_days", lambda *_: iter(()))
    sim.knobs.storage_truncate_at = 0

    (entry,) = store(days={"completed": [], "empty": ["2026-01-01"], "failed": []})
    assert (entry["status"], entry["records"]) == ("stored", 0)


@pytest.mark.parametrize(
    "layout", ["resource_type={resource_type}/day={day}/part-0.json.gz", "{day}.json.gz", "[{year}]/{day}"]
)
def test_what_a_killed_task_left_of_other_days_is_removed_by_a_later_one(
    store: Store, tmp_path: Path, layout: str
) -> None:
    former = tmp_path / layout.format(resource_type="Messages", day="2025-12-31", year="2025")
    former.parent.mkdir(parents=True, exist_ok=True)
    left = former.with_name(f".{former.name}.another-pod.7.0123abcd.part")
    left.write_bytes(b"half")

    store(days=["2026-01-01"], layout=layout)
    assert left.exists(), "somebody may write it still"

    os.utime(left, (0, 0))
    store(days=["2026-01-01"], layout=layout)
    assert not left.exists()


def test_a_file_that_is_late_is_waited_for(store: Store, sim: Simulator) -> None:
    sim.knobs.day_fetch_misses = 3

    assert [entry["status"] for entry in store(days="2026-01-01")] == ["stored"]


@pytest.mark.parametrize(
    ("days_later", "sentence"),
    [(0, "no file appeared within 0 seconds"), (8, "no job of the last seven days covers it")],
)
def test_a_missing_day_says_why_and_may_be_ignored(
    store: Store, sim: Simulator, days_later: int, sentence: str
) -> None:
    sim.clock.advance(timedelta(days=days_later))
    sim.state.remove_files("Messages", "2026-01-04")

    with pytest.raises(AirflowException, match=sentence):
        store(days=["2026-01-04"], missing_timeout=0)

    (entry,) = store(days=["2026-01-04"], missing_timeout=0, missing_days="ignore")
    assert (entry["status"], entry["uri"]) == ("missing", None)


def test_a_job_listed_longer_than_its_files_says_that_they_expired(store: Store, sim: Simulator, timeline: Any) -> None:
    sim.knobs.job_retention_days = 100
    store(days="2026-01-01")
    timeline.advance(8 * 86400)

    with pytest.raises(AirflowException, match="The file of Messages of 2026-01-04 has expired"):
        store(days=["2026-01-04"], missing_timeout=0)


def test_whether_files_expired_is_told_by_twilio_s_clock(store: Store, sim: Simulator, timeline: Any) -> None:
    sim.knobs.job_retention_days = 100
    timeline.advance(7 * 86400 - 600)
    timeline.put_clock_forward(1800)
    sim.state.remove_files("Messages", "2026-01-04")

    with pytest.raises(AirflowException, match="no file appeared within 0 seconds"):
        store(days=["2026-01-04"], missing_timeout=0)


def test_a_sensor_s_result_tells_which_days_are_empty(store: Store, sim: Simulator) -> None:
    result = {"completed": ["2026-01-01"], "empty": ["2020-01-01"], "failed": ["2020-01-02"]}

    entries = store(days=result)

    assert [(entry["day"], entry["records"]) for entry in entries] == [("2020-01-01", 0), ("2026-01-01", 50)]


def test_existing_files_can_be_overwritten_or_refused(store: Store, sim: Simulator) -> None:
    store(days="2026-01-01")

    assert [entry["status"] for entry in store(days="2026-01-01", if_exists="overwrite")] == ["stored"]
    with pytest.raises(AirflowFailException, match=r"part-0\.json\.gz exists: remove it"):
        store(days="2026-01-01", if_exists="fail")


def test_the_manifest_of_a_call_is_where_it_is_said_to_be(store: Store, tmp_path: Path) -> None:
    entries = store(write_manifest=True)

    written = tmp_path / "_manifests/resource_type=Messages/2026-01-01_2026-01-05.json"
    assert json.loads(written.read_text()) == entries


def test_a_killed_task_begins_no_further_day(connection: str, context: dict[str, Any], tmp_path: Path) -> None:
    operator = BulkExportsToObjectStorageOperator(
        task_id="store", resource_type="Messages", days=["2026-01-01"], destination=f"file://{tmp_path}"
    )
    operator.on_kill()

    with pytest.raises(AirflowException, match="the task was killed"):
        operator.execute(context)
    assert not list(tmp_path.rglob("*.gz"))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"layout": "{resource_type}/part.gz"}, "without {day} the days would overwrite each other"),
        ({"layout": "../{day}.gz"}, "write a relative path"),
        ({"layout": "/{day}.gz"}, "write a relative path"),
        ({"layout": "{day.__class__}/{day}"}, "is unknown; use"),
        ({"layout": "{hour}/{day}"}, "{hour} is unknown"),
        ({"if_exists": "replace"}, "write 'skip' or 'overwrite' or 'fail'"),
        ({"missing_days": "skip"}, "write 'fail' or 'ignore'"),
        ({"max_parallel_days": 0}, "write 1 or more"),
        ({"destination": ""}, "destination is empty"),
        ({"days": ["soon"]}, "write it as YYYY-MM-DD"),
        ({"resource_type": "message"}, "write 'Messages'"),
    ],
)
def test_bad_input_is_refused_when_the_dag_is_parsed(wrong: dict[str, Any], sentence: str) -> None:
    arguments = {"resource_type": "Messages", "days": ["2026-01-01"], "destination": "s3://bucket"} | wrong

    with pytest.raises(BulkExportsInputError) as refused:
        BulkExportsToObjectStorageOperator(task_id="store", **arguments)
    assert sentence in str(refused.value)


@pytest.mark.parametrize("days", ["", " ", "2026-01-01,", ","])
def test_a_text_that_names_no_day_is_no_empty_success(store: Store, days: str) -> None:
    with pytest.raises((AirflowFailException, BulkExportsInputError), match="is not a day"):
        store(days=days)


def test_a_full_disk_under_the_spool_is_one_sentence_and_retried(
    store: Store, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    sim.knobs.empty_day_file = "absent"
    sim.state.empty_day("Messages", "2026-02-01")
    sim.create_job("Messages", "2026-02-01", "2026-02-01")

    with pytest.raises(AirflowException, match=r"Could not write .*: No space left on device\. Free space") as failed:
        store(days="2026-02-01")
    assert not isinstance(failed.value, AirflowFailException)
