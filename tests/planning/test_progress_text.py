"""The progress of a wait in one line."""

from __future__ import annotations

from datetime import date, datetime, timezone
from typing import Any

import pytest

from airflow_provider_bulkexports.model.days import DayRange
from airflow_provider_bulkexports.model.details import DayStatus
from airflow_provider_bulkexports.planning.progress import Progress

D1, D2, D3 = (date(2026, 1, number) for number in (1, 2, 3))
QUARTER = DayRange(D1, date(2026, 3, 31))
TODAY = date(2026, 11, 24)
COUNTED = {DayStatus.FAILED: 1, DayStatus.COMPLETED: 38, DayStatus.COMPLETED_EMPTY_RECORDS: 2}
AT = datetime(2026, 11, 24, 14, 20, 59, tzinfo=timezone.utc)


def progress(**fields: Any) -> Progress:
    return Progress(**{"days": QUARTER, "unnamed": COUNTED, "unaccounted": 49, "queue_position": 3, **fields})


def test_headline_counts_final_days_from_best_to_worst() -> None:
    assert progress().headline == "41/90 days final: 38 completed, 2 empty, 1 failed; queue position 3"


def test_named_and_counted_days_are_counted_alike() -> None:
    named = {D1: DayStatus.COMPLETED, D2: DayStatus.RUNNING, D3: DayStatus.FAILED}
    assert progress(states=named, unaccounted=46).headline == (
        "43/90 days final: 39 completed, 2 empty, 2 failed; queue position 3"
    )


@pytest.mark.parametrize(
    ("unnamed", "headline"),
    [
        ({}, "0/90 days final; queue position 3"),
        ({DayStatus.RUNNING: 4, DayStatus.SUBMITTED: 86}, "0/90 days final; queue position 3"),
        ({DayStatus.ERROR_DURING_RUN: 90, DayStatus.UNKNOWN: 1}, "0/90 days final; queue position 3"),
        ({DayStatus.COMPLETED: 90}, "90/90 days final: 90 completed; queue position 3"),
        ({DayStatus.COMPLETED: 90, DayStatus.FAILED: 5}, "90/90 days final: 90 completed, 5 failed; queue position 3"),
    ],
)
def test_headline_counts_final_days_only(unnamed: dict[DayStatus, int], headline: str) -> None:
    assert progress(unnamed=unnamed, unaccounted=1).headline == headline


def test_days_being_deleted_count_as_deleted() -> None:
    unnamed = {DayStatus.RUNNING_TO_BE_DELETED: 2, DayStatus.COMPLETED: 1, DayStatus.DELETED_BY_USER_REQUEST: 3}
    assert progress(unnamed=unnamed).headline == "6/90 days final: 1 completed, 5 deleted"


@pytest.mark.parametrize("position", [None, 0])
def test_missing_queue_position_is_not_mentioned(position: int | None) -> None:
    assert progress(queue_position=position).headline == "41/90 days final: 38 completed, 2 empty, 1 failed"


def test_finished_wait_has_no_queue_position_or_estimate() -> None:
    over = progress(unnamed={DayStatus.COMPLETED: 90}, unaccounted=0, expected_at=AT)
    assert over.headline == over.summary(today=TODAY) == "90/90 days final: 90 completed"


def test_summary_adds_the_estimate() -> None:
    assert progress(expected_at=AT).summary(today=TODAY) == (
        "41/90 days final: 38 completed, 2 empty, 1 failed; queue position 3; Twilio expects 14:20 UTC"
    )


@pytest.mark.parametrize("today", [date(2026, 11, 23), date(2026, 11, 25)])
def test_estimate_for_another_day_has_its_date(today: date) -> None:
    assert progress(expected_at=AT).summary(today=today).endswith("; Twilio expects 2026-11-24 14:20 UTC")


def test_summary_without_an_estimate_is_the_headline() -> None:
    assert progress().summary(today=TODAY) == progress().headline


def test_headline_does_not_change_with_the_estimate() -> None:
    assert progress(expected_at=AT).headline == progress(expected_at=None).headline
