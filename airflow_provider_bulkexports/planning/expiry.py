"""When Twilio removes day files."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timezone

from airflow_provider_bulkexports.model.days import FILE_LIFETIME

__all__ = ["earliest_expiry"]


def earliest_expiry(created: Iterable[date | None]) -> datetime | None:
    """
    Earliest moment at which one of some files may be gone, in UTC; ``None`` if it is unknown when they were made.

    :param created: Days on which the files were made, or could have been made at the earliest; ``None`` for a file of
        which that is unknown. A day has no hour, so its first moment counts.
    """
    first = min((day for day in created if day), default=None)
    if first is None:
        return None
    try:
        return datetime(first.year, first.month, first.day, tzinfo=timezone.utc) + FILE_LIFETIME
    except OverflowError:  # a date at the end of the calendar says nothing
        return None
