"""Days without records, and days without a file."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.compat import AirflowException, AirflowFailException
from airflow_provider_bulkexports.simulator import Simulator

Store = Callable[..., list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def exported(simulated: Simulator) -> None:
    """The first five days of January are exported."""
    simulated.create_job("Messages", "2026-01-01", "2026-01-05")


def file_of(folder: Path, day: str) -> Path:
    return folder / f"resource_type=Messages/day={day}/part-0.json.gz"


@pytest.mark.parametrize("kind", ["gzip", "zero_bytes", "absent"])
def test_empty_day_becomes_a_valid_gzip_file(store: Store, sim: Simulator, tmp_path: Path, kind: Any) -> None:
    sim.knobs.empty_day_file = kind
    sim.state.empty_day("Messages", "2026-02-01")
    sim.create_job("Messages", "2026-02-01", "2026-02-01")

    (entry,) = store(days="2026-02-01")

    assert entry["records"] == 0
    assert gzip.decompress(file_of(tmp_path, "2026-02-01").read_bytes()) == b""
    assert [entry["status"] for entry in store(days=["2026-02-01"])] == ["skipped"]


@pytest.mark.parametrize("kind", ["gzip", "zero_bytes", "absent"])
def test_empty_day_can_be_left_out(store: Store, sim: Simulator, tmp_path: Path, kind: Any) -> None:
    sim.knobs.empty_day_file = kind
    sim.state.empty_day("Messages", "2026-02-01")
    sim.create_job("Messages", "2026-02-01", "2026-02-01")

    for _ in range(2):
        (entry,) = store(days=["2026-02-01"], empty_days="skip")

        assert (entry["status"], entry["uri"], entry["records"], entry["sha256"]) == ("empty", None, 0, None)
        assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_day_that_became_empty_replaces_its_old_records(store: Store, sim: Simulator) -> None:
    store()
    sim.state.empty_day("Messages", "2026-01-01")
    sim.create_job("Messages", "2026-01-01", "2026-01-01", FriendlyName="again")

    (entry,) = store(empty_days="skip")

    assert (entry["status"], entry["records"]) == ("stored", 0)


@pytest.mark.parametrize("listed", [True, False])
def test_zero_bytes_of_a_completed_day_are_retried(
    store: Store, sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listed: bool
) -> None:
    if not listed:
        monkeypatch.setattr(BulkExportsClient, "list_days", lambda *_: iter(()))
    sim.knobs.storage_truncate_at = 0
    reason = "has 0 bytes, and Twilio lists" if listed else "sent no bytes, and neither the day's job nor"

    with pytest.raises(AirflowException, match=reason) as failure:
        store(days=["2026-01-01"])

    assert not isinstance(failure.value, AirflowFailException), "a retry may help"
    assert not list(file_of(tmp_path, "2026-01-01").parent.iterdir())
    sim.knobs.storage_truncate_at = None
    assert [entry["status"] for entry in store(days=["2026-01-01"])] == ["stored"]


def test_zero_bytes_are_accepted_for_a_day_the_result_calls_empty(
    store: Store, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BulkExportsClient, "list_days", lambda *_: iter(()))
    sim.knobs.storage_truncate_at = 0

    (entry,) = store(days={"completed": [], "empty": ["2026-01-01"], "failed": []})
    assert (entry["status"], entry["records"]) == ("stored", 0)


def test_late_file_is_waited_for(store: Store, sim: Simulator) -> None:
    sim.knobs.day_fetch_misses = 3

    assert [entry["status"] for entry in store(missing_timeout=300)] == ["stored"]


@pytest.mark.parametrize(
    ("days_later", "sentence"),
    [(0, "no file appeared within 0 seconds"), (8, "no job of the last seven days covers it")],
)
def test_missing_day_fails_with_its_reason_or_is_ignored(
    store: Store, sim: Simulator, days_later: int, sentence: str
) -> None:
    sim.clock.advance(timedelta(days=days_later))
    sim.state.remove_files("Messages", "2026-01-04")

    with pytest.raises(AirflowException, match=sentence):
        store(days=["2026-01-04"])

    (entry,) = store(days=["2026-01-04"], missing_days="ignore")
    assert (entry["status"], entry["uri"]) == ("missing", None)


def test_error_says_that_a_file_has_expired(store: Store, sim: Simulator, timeline: Any) -> None:
    sim.knobs.job_retention_days = 100
    store(days="2026-01-01")
    timeline.advance(8 * 86400)

    with pytest.raises(AirflowException, match="The Messages file for 2026-01-04 has expired"):
        store(days=["2026-01-04"])


def test_expiry_is_judged_by_the_clock_of_twilio(store: Store, sim: Simulator, timeline: Any) -> None:
    sim.knobs.job_retention_days = 100
    timeline.advance(7 * 86400 - 600)
    timeline.put_clock_forward(1800)
    sim.state.remove_files("Messages", "2026-01-04")

    with pytest.raises(AirflowException, match="no file appeared within 0 seconds"):
        store(days=["2026-01-04"])
