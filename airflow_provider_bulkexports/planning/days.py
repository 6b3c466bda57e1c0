"""Arithmetic on UTC days: the newest that Twilio exports, and ranges merged and split."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from airflow_provider_bulkexports.api.models import (
    EXPORT_DELAY,
    MAX_DAYS_PER_JOB,
    DayRange,
    check_exportable,
    parse_day,
)
from airflow_provider_bulkexports.exceptions import BulkExportsInputError

__all__ = ["DayRange", "explicit_days", "merge_days", "needs_wait", "newest_exportable_day", "parse_day", "split_range"]


def explicit_days(start_day: object, end_day: object) -> DayRange | None:
    """
    The days that the user wrote; ``None`` if neither was given.

    :raises BulkExportsInputError: if only one is given, one is no day, or the range is reversed.
    """
    if start_day is None and end_day is None:
        return None
    if start_day is None or end_day is None:
        missing = "end_day" if end_day is None else "start_day"
        raise BulkExportsInputError(
            f"{missing} is missing: pass both days (the same one twice for a single day), or none"
        )
    return DayRange.parse(start_day, end_day)


def newest_exportable_day(today: date) -> date:
    """
    Newest day that Twilio accepts as the end of an export.

    :param today: Current UTC day.
    """
    return today - EXPORT_DELAY


def needs_wait(end_day: date, *, today: date, may_wait: bool) -> bool:
    """
    Whether an export up to ``end_day`` has to wait for the calendar.

    A day that has not begun is never waited for: it is more likely a mistake than a plan.

    :param today: Current UTC day.
    :param may_wait: Whether the task would wait for yesterday or today to become exportable.
    :raises DayNotExportableError: with the first possible moment, if the wait is too long or not wanted.
    """
    if end_day > today or not may_wait:
        check_exportable(end_day, today=today)
    return end_day > newest_exportable_day(today)


def merge_days(days: Iterable[date]) -> tuple[DayRange, ...]:
    """Join days, in any order and repeated or not, into the fewest ranges, ascending."""
    ranges: list[DayRange] = []
    for day in sorted(set(days)):
        if ranges and (day - ranges[-1].end).days == 1:
            ranges[-1] = DayRange(ranges[-1].start, day)
        else:
            ranges.append(DayRange(day, day))
    return tuple(ranges)


def split_range(days: DayRange, *, max_days: int = MAX_DAYS_PER_JOB) -> Iterator[DayRange]:
    """
    Cut a range into consecutive ones of at most ``max_days`` days.

    :raises BulkExportsInputError: if ``max_days`` is below 1.
    """
    if max_days < 1:
        raise BulkExportsInputError(f"max_days {max_days}: write 1 or more")
    for offset in range(0, len(days), max_days):
        last = min(offset + max_days, len(days)) - 1
        yield DayRange(days.start + timedelta(days=offset), days.start + timedelta(days=last))
