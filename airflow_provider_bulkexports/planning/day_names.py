"""
Short names of days, for people: of a mapped task, or of what a run covers.

| Days | Name |
|---|---|
| one day | ``2024-09-03`` |
| a calendar month | ``2024-09`` |
| a calendar year | ``2024`` |
| any other range | ``2024-09-03 to 2024-10-02`` |
| up to three ranges | their names, with commas |
| more | ``2024-09-03 to 2024-10-02 (17 days)`` |
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from airflow_provider_bulkexports.model.days import DayRange, merge_days

__all__ = ["name_of_days"]

#: Most ranges that a name lists one by one.
_MOST_RANGES = 3


def name_of_days(days: Iterable[date]) -> str:
    """Name UTC days, in any order and repeated or not; empty if there are none."""
    ranges = merge_days(days)
    if len(ranges) <= _MOST_RANGES:
        return ", ".join(map(_name_of_range, ranges))
    return f"{ranges[0].start} to {ranges[-1].end} ({sum(map(len, ranges))} days)"


def _name_of_range(days: DayRange) -> str:
    next_day = days.end + timedelta(days=1) if days.end < date.max else None
    if days.start.day == 1 and next_day is not None and next_day.day == 1:
        months = 12 * (next_day.year - days.start.year) + next_day.month - days.start.month
        if months == 1:
            return f"{days.start:%Y-%m}"
        if months == 12 and days.start.month == 1:
            return f"{days.start:%Y}"
    return str(days)
