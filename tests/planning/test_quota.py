"""When the quota renews for a task, and which ranges fit into which day."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.days import DayRange
from airflow_provider_bulkexports.planning.quota import quota_renewed_at, schedule_ranges

TODAY = date(2026, 11, 24)
MIDNIGHT = datetime(2026, 11, 25, tzinfo=timezone.utc)


@pytest.mark.parametrize("time", ["00:00:00", "12:00:00", "23:59:59"])
@pytest.mark.parametrize("identity", ["0000000000", "3f9c0a12be", "ffffffffff"])
def test_quota_renews_within_minutes_after_midnight(time: str, identity: str) -> None:
    now = datetime.fromisoformat(f"2026-11-24T{time}+00:00")

    assert MIDNIGHT < quota_renewed_at(now, identity=identity) <= MIDNIGHT + timedelta(seconds=305)


def test_tasks_are_spread_after_midnight() -> None:
    moments = {quota_renewed_at(MIDNIGHT, identity=f"{number * 7919:010x}") for number in range(36)}

    assert len(moments) == 36


def span(start: date, length: int) -> DayRange:
    return DayRange(start, start + timedelta(days=length - 1))


def lengths(plan: dict[date, list[DayRange]]) -> dict[str, list[int]]:
    return {str(day): [len(days) for days in due] for day, due in plan.items()}


OLD = date(2020, 1, 1)


def test_ranges_that_do_not_fit_today_are_scheduled_tomorrow() -> None:
    plan = schedule_ranges([span(OLD, 200), span(OLD, 200), span(OLD, 100)], today=TODAY)

    assert lengths(plan) == {"2026-11-24": [200, 100], "2026-11-25": [200]}


def test_days_requested_already_count() -> None:
    assert lengths(schedule_ranges([span(OLD, 366)], today=TODAY, used_today=1)) == {"2026-11-25": [366]}


def test_range_is_scheduled_when_it_is_exportable() -> None:
    assert lengths(schedule_ranges([span(TODAY, 1)], today=TODAY)) == {"2026-11-26": [1]}


def test_range_longer_than_the_quota_is_rejected() -> None:
    with pytest.raises(BulkExportsInputError, match="367 days, and only 366 can be requested"):
        schedule_ranges([span(OLD, 367)], today=TODAY)


@given(st.lists(st.integers(1, 366), max_size=40), st.integers(0, 1000))
def test_every_range_is_scheduled_once_within_the_quota(wanted: list[int], used: int) -> None:
    ranges = [span(OLD, length) for length in wanted]

    plan = schedule_ranges(ranges, today=TODAY, used_today=used)

    assert sorted(days for due in plan.values() for days in due) == sorted(ranges)
    for day, due in plan.items():
        assert sum(map(len, due)) + (used if day == TODAY else 0) <= 366
    assert list(plan) == sorted(plan)
