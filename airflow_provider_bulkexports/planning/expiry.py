"""When day files expire."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timezone

from airflow_provider_bulkexports.model.days import FILE_LIFETIME
from airflow_provider_bulkexports.model.resources import ExportDay

__all__ = ["expires_at", "expiry", "first_expiry"]


def expiry(created: Iterable[date]) -> datetime | None:
    """
    When the first of some files may be gone; ``None`` if it is not known when they were made.

    :param created: Days on which they were, or can at the earliest have been, made. A day has no hour, so this is the
        earliest moment that it allows.
    """
    first = min(created, default=None)
    if first is None:
        return None
    try:
        return datetime(first.year, first.month, first.day, tzinfo=timezone.utc) + FILE_LIFETIME
    except OverflowError:  # a date at the end of the calendar says nothing
        return None


def expires_at(created: Iterable[date]) -> str | None:
    """Say :func:`expiry` in ISO 8601, as results have it."""
    moment = expiry(created)
    return moment.isoformat() if moment else None


def first_expiry(files: Iterable[ExportDay]) -> datetime | None:
    """When the first of the files may be gone; ``None`` if Twilio does not say when it made them."""
    return expiry(file.create_date for file in files if file.create_date)
