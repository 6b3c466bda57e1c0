"""Functions for backfills return complete ranges without overlap, in the form that ``.expand_kwargs()`` takes."""

from __future__ import annotations

import json
from datetime import date, datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_bulkexports import join_days, plan_quota, split_days, split_months
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.days import DayRange

DAYS = st.dates(date(1999, 1, 1), date(2049, 12, 31))


def days_of(ranges: list[dict[str, str]]) -> list[date]:
    return [day for days in ranges for day in DayRange.parse(days["start_day"], days["end_day"])]


def test_range_is_split_into_jobs_of_max_days() -> None:
    assert split_days("2026-01-01", "2026-01-07", max_days=3) == [
        {"start_day": "2026-01-01", "end_day": "2026-01-03"},
        {"start_day": "2026-01-04", "end_day": "2026-01-06"},
        {"start_day": "2026-01-07", "end_day": "2026-01-07"},
    ]


def test_default_job_length_is_the_maximum() -> None:
    assert [len(days_of([days])) for days in split_days("2023-01-01", "2025-12-31")] == [366, 366, 364]


@pytest.mark.parametrize("day", ["2026-01-01", date(2026, 1, 1), datetime(2026, 1, 1, 23, tzinfo=timezone.utc)])
def test_days_are_accepted_in_every_form(day: Any) -> None:
    assert split_days(day, day) == split_months(day, day) == [{"start_day": "2026-01-01", "end_day": "2026-01-01"}]


@pytest.mark.parametrize("max_days", [0, -1, 367, 1.5, True, "31", None])
def test_invalid_max_days_is_rejected(max_days: Any) -> None:
    with pytest.raises(BulkExportsInputError, match="max_days must be a whole number from 1 to 366, got"):
        split_days("2026-01-01", "2026-01-07", max_days=max_days)


@pytest.mark.parametrize("split", [split_days, split_months])
def test_reversed_range_is_rejected(split: Any) -> None:
    with pytest.raises(BulkExportsInputError, match="swap them"):
        split("2026-01-07", "2026-01-01")


def test_months_are_split_at_their_ends() -> None:
    assert split_months("2023-12-15", "2024-03-02") == [
        {"start_day": "2023-12-15", "end_day": "2023-12-31"},
        {"start_day": "2024-01-01", "end_day": "2024-01-31"},
        {"start_day": "2024-02-01", "end_day": "2024-02-29"},
        {"start_day": "2024-03-01", "end_day": "2024-03-02"},
    ]


@pytest.mark.slow
@given(DAYS, DAYS, st.integers(1, 366))
def test_every_day_is_in_exactly_one_job(one: date, other: date, max_days: int) -> None:
    start, end = min(one, other), max(one, other)
    wanted = list(DayRange(start, end))

    for ranges in (split_days(start, end, max_days=max_days), split_months(start, end)):
        assert days_of(ranges) == wanted
    assert all(days["start_day"][:7] == days["end_day"][:7] for days in split_months(start, end))


def test_single_days_are_joined_into_the_fewest_jobs() -> None:
    assert join_days(["2026-01-05", "2026-01-01", "2026-01-02", "2026-01-02"]) == [
        {"start_day": "2026-01-01", "end_day": "2026-01-02"},
        {"start_day": "2026-01-05", "end_day": "2026-01-05"},
    ]
    assert join_days([]) == []


def test_joined_range_is_split_at_the_maximum() -> None:
    assert len(join_days(DayRange(date(2025, 1, 1), date(2026, 12, 31)))) == 2


def test_quota_plan_lists_ranges_by_day() -> None:
    years = [{"start_day": f"{year}-01-01", "end_day": f"{year}-12-31"} for year in (2023, 2024, 2025)]

    plan = plan_quota(years, today="2026-11-24", used_today=1)

    assert plan == {"2026-11-24": [years[0]], "2026-11-25": [years[1]], "2026-11-26": [years[2]]}
    assert json.loads(json.dumps(plan)) == plan


def test_three_years_by_months_need_three_days_of_quota() -> None:
    plan = plan_quota(split_months("2023-01-01", "2025-12-31"), today="2026-11-24")

    assert [len(days_of(due)) for due in plan.values()] == [365, 366, 365]


@pytest.mark.parametrize("used", [-1, 1.5, True, None])
def test_invalid_used_today_is_rejected(used: Any) -> None:
    with pytest.raises(BulkExportsInputError, match="used_today must be a number of days, 0 or more"):
        plan_quota([], today="2026-11-24", used_today=used)
