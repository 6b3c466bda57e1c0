"""Which days a wait for jobs waits for, and which jobs can never make them final."""

from __future__ import annotations

import time
from datetime import date
from typing import Any

import pytest

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.days import DayRange
from airflow_provider_bulkexports.model.resources import Job
from airflow_provider_bulkexports.planning.coverage import awaited_days
from airflow_provider_bulkexports.planning.progress import progress_of

D1, D3, D5 = date(2026, 1, 1), date(2026, 1, 3), date(2026, 1, 5)


def job(start: str | None, end: str | None, sid: str = "JS" + "0" * 32) -> Job:
    return Job.from_json({"job_sid": sid, "start_day": start, "end_day": end})


ONE_TO_FIVE = job("2026-01-01", "2026-01-05")


def days_of(*jobs: Job, **kwargs: Any) -> DayRange:
    return awaited_days(jobs, **{"start_day": None, "end_day": None, **kwargs})


def test_days_default_to_those_of_the_jobs() -> None:
    assert days_of(ONE_TO_FIVE) == DayRange(D1, D5)
    assert days_of(ONE_TO_FIVE, end_day=D3) == DayRange(D1, D3)
    assert days_of(job(None, None), start_day=D1, end_day=D3) == DayRange(D1, D3)


def test_days_that_no_job_covers_are_named() -> None:
    with pytest.raises(BulkExportsInputError, match=r"^Not covered by JS0.*\): 2026-01-06 to 2026-01-07\. Correct"):
        days_of(ONE_TO_FIVE, end_day=date(2026, 1, 7))


def test_job_without_days_keeps_the_former_ones() -> None:
    assert days_of(job(None, None), former=DayRange(D1, D3)) == DayRange(D1, D3)
    with pytest.raises(BulkExportsInputError, match="does not say which days"):
        days_of(job(None, None))


@pytest.mark.parametrize(("start", "end"), [("2024-01-01", "2025-01-01"), ("2009-01-01", "2099-12-31")])
def test_range_longer_than_any_job_is_ignored(start: str, end: str) -> None:
    assert job(start, end).days is None
    assert job("2024-01-01", "2024-12-31").days == DayRange(date(2024, 1, 1), date(2024, 12, 31))


@pytest.mark.parametrize(
    ("jobs", "named"),
    [
        ([job("0001-01-01", "9999-12-31")], {"start_day": date.min, "end_day": date.max}),
        ([job("2009-01-01", "2009-01-02"), job("2099-01-01", "2099-01-02", "JS" + "1" * 32)], {}),
        ([job("0001-01-01", "9999-12-31")], {}),
    ],
    ids=["asked for", "between two jobs", "echoed"],
)
def test_whole_calendar_is_refused_in_a_short_message(jobs: list[Job], named: dict[str, date]) -> None:
    began = time.process_time()

    with pytest.raises(BulkExportsInputError) as error:
        days_of(*jobs, **named)

    assert time.process_time() - began < 0.5
    assert len(str(error.value)) < 500


def test_job_that_echoes_the_whole_calendar_costs_no_time() -> None:
    began = time.process_time()

    progress_of([job("0001-01-01", "9999-12-31")], DayRange(D1, D5))

    assert time.process_time() - began < 0.5


def test_year_of_missing_days_is_a_short_message() -> None:
    with pytest.raises(BulkExportsInputError) as error:
        days_of(ONE_TO_FIVE, start_day=date(2025, 2, 1))

    assert len(str(error.value)) < 1000
    assert ": 2025-02-01 to 2025-12-31. Correct start_day" in str(error.value)
