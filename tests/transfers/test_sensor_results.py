"""Days from sensor results: their resource type, their failed days, and several results at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_bulkexports import BulkExportsToObjectStorageOperator
from airflow_provider_bulkexports.compat import AirflowException, AirflowFailException
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.simulator import Fault, Simulator

Store = Callable[..., list[dict[str, Any]]]
SID = "JS" + "0" * 32


@pytest.fixture
def store(store: Store, simulated: Simulator) -> Store:
    simulated.create_job("Messages", "2026-01-01", "2026-01-03")
    simulated.create_job("Calls", "2026-01-01", "2026-01-03")

    return lambda **arguments: store(**{"resource_type": None} | arguments)


def result(kind: str | None = "Messages", **days: Any) -> dict[str, Any]:
    return {"job_sids": [SID], "resource_type": kind, "completed": [], "empty": [], "failed": []} | days


def files(folder: Path) -> list[str]:
    return sorted(str(path.parent.relative_to(folder)) for path in folder.rglob("part-0.json.gz"))


def test_result_of_another_type_is_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(AirflowFailException, match=r"resource_type is Messages, but days are the result .* for Calls"):
        store(resource_type="Messages", days=result("Calls", completed=["2026-01-01"]))
    assert files(tmp_path) == []


def test_type_and_days_come_from_the_result(store: Store, tmp_path: Path) -> None:
    (entry,) = store(days=result("Calls", completed=["2026-01-02"]))

    assert entry["resource_type"] == "Calls"
    assert files(tmp_path) == ["resource_type=Calls/day=2026-01-02"]


def test_results_of_mapped_sensors_are_stored_together(store: Store, tmp_path: Path) -> None:
    entries = store(days=[result(completed=["2026-01-02"]), result(completed=["2026-01-01"])])

    assert [entry["day"] for entry in entries] == ["2026-01-01", "2026-01-02"]


def test_days_without_a_type_are_refused_at_parse_time() -> None:
    for days in (["2026-01-01"], None):
        with pytest.raises(BulkExportsInputError, match="resource_type is missing"):
            BulkExportsToObjectStorageOperator(task_id="store", days=days, destination="s3://bucket")


def test_completed_days_are_stored_before_the_task_fails(store: Store, tmp_path: Path) -> None:
    days = result(completed=["2026-01-01", "2026-01-03"], failed=["2026-01-02"], failed_days="store")

    with pytest.raises(AirflowFailException) as failed:
        store(days=days)

    text = str(failed.value)
    assert "1 of 3 days failed at Twilio: 2026-01-02; the other 2 days are stored. Clear the task" in text
    assert f"job {SID}]" in text
    assert files(tmp_path) == ["resource_type=Messages/day=2026-01-01", "resource_type=Messages/day=2026-01-03"]


def test_task_fails_if_every_day_failed(store: Store, tmp_path: Path) -> None:
    with pytest.raises(
        AirflowFailException, match=r"2 of 2 days failed at Twilio: 2026-01-01 to 2026-01-02; .*no other days to store"
    ):
        store(days=result(failed=["2026-01-02", "2026-01-01"], failed_days="store"))


def test_ignored_failed_days_do_not_fail_the_task(store: Store, tmp_path: Path) -> None:
    assert len(store(days=result(completed=["2026-01-01"], failed=["2026-01-02"]))) == 1


def test_transient_failure_is_retried_despite_failed_days(store: Store, sim: Simulator) -> None:
    sim.faults.add(Fault(status=503, origin="storage", times=50))

    with pytest.raises(
        AirflowException, match=r"^2026-01-01 could not be stored\. .* Also, 1 of 2 days failed at Twilio"
    ) as failed:
        store(days=result(completed=["2026-01-01"], failed=["2026-01-02"], failed_days="store"))
    assert not isinstance(failed.value, AirflowFailException)
    assert "it submits the failed days again, and only those. [" in str(failed.value)


def test_error_says_that_no_day_was_stored(store: Store, sim: Simulator) -> None:
    sim.faults.add(Fault(status=503, origin="storage", times=50))

    with pytest.raises(AirflowException, match=r"^2 of 2 days could not be stored: 2026-01-01 to 2026-01-02\. "):
        store(days=result(completed=["2026-01-01", "2026-01-02"]))


@pytest.mark.parametrize("days", [{}, 20260101, [None], 1.5, [[]], {"completed": []}, object(), b"2026-01-01"])
def test_invalid_days_fail_without_retry_and_name_the_argument(store: Store, days: Any) -> None:
    with pytest.raises((AirflowFailException, BulkExportsInputError), match=r"wait\.output"):
        store(resource_type="Messages", days=days)


def test_result_says_which_days_are_empty(store: Store, sim: Simulator) -> None:
    result = {"completed": ["2026-01-01"], "empty": ["2020-01-01"], "failed": ["2020-01-02"]}

    entries = store(resource_type="Messages", days=result)

    assert [(entry["day"], entry["records"]) for entry in entries] == [("2020-01-01", 0), ("2026-01-01", 50)]
