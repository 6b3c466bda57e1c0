"""
The days of a partition key.

| Key | Days |
|---|---|
| ``2026-11-20`` | that day |
| ``2026-11-20T00:00:00``, the default of ``CronPartitionTimetable`` | its date; the key has no time zone |
| ``2026-11-20T00:00:00+01:00`` | its UTC day |
| ``2026-10`` | the days of the month |
| a week, a quarter, an hour, anything else | an error that names what to pass |
"""

from __future__ import annotations

import re
from datetime import date, timedelta

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.days import DayRange, parse_day

__all__ = ["days_of_key"]

_MONTH = re.compile(r"(\d{4})-(\d{2})")
_NAIVE_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})[T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?")


def days_of_key(key: object) -> DayRange:
    """
    Parse a partition key that Airflow or a user made.

    :raises BulkExportsInputError: if it is neither a day nor a month.
    """
    text = key.strip() if isinstance(key, str) else key
    try:
        if isinstance(text, str):
            if month := _MONTH.fullmatch(text):
                return _month(int(month[1]), int(month[2]))
            if moment := _NAIVE_MOMENT.fullmatch(text):
                text = moment[1]
        day = parse_day(text, name="partition_key")
    except (BulkExportsInputError, ValueError, OverflowError) as error:
        raise BulkExportsInputError(
            f"partition_key {str(key)[:100]!r} is not a day (YYYY-MM-DD) or a month (YYYY-MM): give the timetable or "
            "partition mapper such a key format, as in CronPartitionTimetable(…, key_format='%Y-%m-%d'), or pass "
            "start_day and end_day, made from {{ partition_key }} or {{ partition_date }}"
        ) from error
    return DayRange(day, day)


def _month(year: int, number: int) -> DayRange:
    first = date(year, number, 1)
    next_month = (first + timedelta(days=31)).replace(day=1)
    return DayRange(first, next_month - timedelta(days=1))
