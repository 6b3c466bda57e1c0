"""Ranges of whole UTC days are merged and split, and wait until they are exportable."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_bulkexports.exceptions import BulkExportsInputError, DayNotExportableError
from airflow_provider_bulkexports.model.days import (
    DayRange,
    day_ranges,
    merge_days,
    name_days,
    needs_wait,
    newest_exportable_day,
    split_range,
)

TODAY = date(2026, 11, 24)
NEAR = st.integers(0, 60).map(lambda offset: date(2026, 1, 1) + timedelta(days=offset))


@st.composite
def ranges(draw: st.DrawFn, longest: int = 1500) -> DayRange:
    start = draw(st.dates())
    return DayRange(start, start + timedelta(days=draw(st.integers(0, min(longest, (date.max - start).days)))))


@given(days=st.lists(NEAR))
def test_merged_days_are_the_same_days_ascending(days: list[date]) -> None:
    assert [day for days in merge_days(days) for day in days] == sorted(set(days))


@given(days=st.lists(NEAR))
def test_merged_ranges_do_not_touch(days: list[date]) -> None:
    merged = merge_days(days)
    for earlier, later in pairwise(merged):
        assert (later.start - earlier.end).days > 1


@given(days=ranges(), max_days=st.integers(1, 400))
def test_split_ranges_are_consecutive_and_merge_again(days: DayRange, max_days: int) -> None:
    parts = list(split_range(days, max_days=max_days))
    assert [day for part in parts for day in part] == list(days)
    assert [len(part) for part in parts[:-1]] == [max_days] * (len(parts) - 1)
    assert 1 <= len(parts[-1]) <= max_days
    assert merge_days(day for part in parts for day in part) == (days,)


def test_range_is_split_into_jobs_of_one_quota() -> None:
    three_years = DayRange(date(2023, 1, 1), date(2025, 12, 31))
    assert [len(part) for part in split_range(three_years)] == [366, 366, 364]
    assert list(split_range(DayRange(date(2024, 1, 1), date(2024, 12, 31)))) == [
        DayRange(date(2024, 1, 1), date(2024, 12, 31))
    ]


def test_range_at_the_last_date_is_split() -> None:
    last = DayRange(date.max - timedelta(days=2), date.max)
    assert list(split_range(last)) == [last]
    assert merge_days(last) == (last,)


@pytest.mark.parametrize("max_days", [0, -1])
def test_max_days_below_one_is_refused(max_days: int) -> None:
    with pytest.raises(BulkExportsInputError, match="max_days must be 1 or more, got"):
        list(split_range(DayRange(TODAY, TODAY), max_days=max_days))


def test_newest_exportable_day_is_before_yesterday() -> None:
    assert newest_exportable_day(TODAY) == date(2026, 11, 22)
    assert newest_exportable_day(date(2026, 3, 1)) == date(2026, 2, 27)


@pytest.mark.parametrize(
    ("end_day", "waits"),
    [
        (date(2020, 1, 1), False),
        (date(2026, 11, 22), False),
        (date(2026, 11, 23), True),
        (date(2026, 11, 24), True),
    ],
)
def test_yesterday_and_today_need_a_wait(end_day: date, waits: bool) -> None:
    assert needs_wait(end_day, today=TODAY, may_wait=True) is waits


@pytest.mark.parametrize("end_day", [date(2026, 11, 25), date(2027, 1, 1), date.max])
def test_future_day_is_refused(end_day: date) -> None:
    with pytest.raises(DayNotExportableError):
        needs_wait(end_day, today=TODAY, may_wait=True)


def test_recent_day_is_refused_if_waiting_is_not_allowed() -> None:
    assert needs_wait(date(2026, 11, 22), today=TODAY, may_wait=False) is False
    with pytest.raises(DayNotExportableError):
        needs_wait(date(2026, 11, 23), today=TODAY, may_wait=False)


def test_days_are_named_as_few_ranges_in_order() -> None:
    days = ["2026-01-09", "2026-01-02", "2026-01-05", date(2026, 1, 1), "2026-01-07"]

    assert day_ranges(days) == ["2026-01-01 to 2026-01-02", "2026-01-05", "2026-01-07", "2026-01-09"]
    assert day_ranges(days, most=2) == ["2026-01-01 to 2026-01-02", "2026-01-05", "and 2 more days"]
    assert day_ranges(days, most=3)[-1] == "and 1 more day"
    assert day_ranges([]) == []


def test_few_ranges_are_named_in_the_sentence_and_many_in_the_details() -> None:
    assert name_days("failed days", ["2026-01-02", "2026-01-01"]) == (": 2026-01-01 to 2026-01-02", {})
    scattered = ["2026-01-01", "2026-01-03", "2026-01-05"]
    assert name_days("failed days", scattered) == ("", {"failed days": scattered})
