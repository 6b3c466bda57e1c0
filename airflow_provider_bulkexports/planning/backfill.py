"""
Split a long history into jobs, in the plain form that ``.expand_kwargs()`` takes. For DAG authors.

    split_months("2023-01-15", "2023-03-02")
    # [{"start_day": "2023-01-15", "end_day": "2023-01-31"}, {"start_day": "2023-02-01", "end_day": "2023-02-28"}, …]
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.days import MAX_DAYS_PER_JOB, DayRange, merge_days, parse_day, split_range
from airflow_provider_bulkexports.planning.quota import schedule_ranges

__all__ = ["join_days", "plan_quota", "split_days", "split_months"]


def split_days(start_day: str | date, end_day: str | date, *, max_days: int = MAX_DAYS_PER_JOB) -> list[dict[str, str]]:
    """
    Split a range into consecutive ones of at most ``max_days`` days.

    :param start_day: First UTC day, inclusive: ``YYYY-MM-DD``, a date, or a moment with its time zone.
    :param end_day: Last UTC day, inclusive.
    :param max_days: From 1 to 366, the most that a job can hold.
    :return: ``[{"start_day": "2026-01-01", "end_day": "2026-12-31"}, …]``, ascending.
    :raises BulkExportsInputError: if a day is not valid, the range is reversed, or ``max_days`` is out of range.
    """
    if isinstance(max_days, bool) or not isinstance(max_days, int) or not 1 <= max_days <= MAX_DAYS_PER_JOB:
        raise BulkExportsInputError(f"max_days must be a whole number from 1 to {MAX_DAYS_PER_JOB}, got {max_days!r}")
    return [_plain(days) for days in split_range(DayRange.parse(start_day, end_day), max_days=max_days)]


def split_months(start_day: str | date, end_day: str | date) -> list[dict[str, str]]:
    """
    Split a range at the ends of calendar months; its first and last month may be incomplete.

    Same parameters, result and errors as :func:`split_days`, without ``max_days``.
    """
    whole = DayRange.parse(start_day, end_day)
    months, start = [], whole.start
    while True:
        end = min(_end_of_month(start), whole.end)
        months.append(_plain(DayRange(start, end)))
        if end == whole.end:
            return months
        start = end + timedelta(days=1)


def join_days(days: Iterable[str | date], *, max_days: int = MAX_DAYS_PER_JOB) -> list[dict[str, str]]:
    """
    Join single days, in any order and repeated or not, into the fewest ranges: one job each.

    :param days: For example ``failed`` of a sensor's result.
    :param max_days: The same as for :func:`split_days`.
    :return: The same form as that of :func:`split_days`.
    :raises BulkExportsInputError: if a day is not valid, or ``max_days`` is out of range.
    """
    merged = merge_days(parse_day(day) for day in days)
    return [part for whole in merged for part in split_days(whole.start, whole.end, max_days=max_days)]


def plan_quota(
    ranges: Iterable[Mapping[str, str]], *, today: str | date, used_today: int = 0
) -> dict[str, list[dict[str, str]]]:
    """
    Show which ranges fit into today's quota of 366 days, and when the rest fits.

    Tasks need no such plan: they wait when the quota is used up. Use it to learn how long a backfill takes, or to leave
    quota for others.

    :param ranges: The result of :func:`split_days` or :func:`split_months`, the most important range first.
    :param today: Current UTC day.
    :param used_today: Days requested today already, by anyone in the account or its subaccounts.
    :return: ``{"2026-11-24": [{"start_day": …, "end_day": …}, …], "2026-11-25": […]}``: the ranges by the UTC day on
        which to submit them, ascending.
    :raises BulkExportsInputError: for a range that is not valid or longer than 366 days.
    """
    if isinstance(used_today, bool) or not isinstance(used_today, int) or used_today < 0:
        raise BulkExportsInputError(f"used_today must be a number of days, 0 or more, got {used_today!r}")
    wanted = [DayRange.parse(days.get("start_day"), days.get("end_day")) for days in ranges]
    plan = schedule_ranges(wanted, today=parse_day(today, name="today"), used_today=used_today)
    return {day.isoformat(): [_plain(days) for days in due] for day, due in plan.items()}


def _plain(days: DayRange) -> dict[str, str]:
    return {"start_day": days.start.isoformat(), "end_day": days.end.isoformat()}


def _end_of_month(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])
