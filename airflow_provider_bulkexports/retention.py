"""Twilio keeps a file for seven days: say it while there is time."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import date, datetime, timedelta, timezone

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.api.models import FILE_LIFETIME, ExportDay
from airflow_provider_bulkexports.compat import Log
from airflow_provider_bulkexports.outcomes import WaitResult
from airflow_provider_bulkexports.planning.plain import plain_text

__all__ = ["expires_at", "expiry", "expiry_of", "first_expiry", "warn_of_expiry"]

#: Less time than this is worth a warning: whatever stores the files may have to be retried, or mended by somebody.
ENOUGH = timedelta(days=1)


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


def expiry_of(client: BulkExportsClient, result: WaitResult) -> str | None:
    """
    When the first file of a result may be gone, by Twilio's list of files.

    For jobs of others: those of this package tell their day of submission, and a result has it already.

    :return: ISO 8601, UTC; ``None`` if the list says nothing, or cannot be had.
    """
    wanted = {*result["completed"], *result["empty"]}
    if not wanted or not result["resource_type"]:
        return None
    try:
        newest = {entry.day.isoformat(): entry.create_date for entry in client.list_days(result["resource_type"])}
    except Exception as error:  # noqa: BLE001  # said; no reason to lose the result
        logging.getLogger(__name__).info("It stays unknown when the files expire: %s", plain_text(error))
        return None
    return expires_at(created for day, created in newest.items() if created and day in wanted)


def warn_of_expiry(result: WaitResult, *, log: Log, now: datetime | None = None) -> None:
    """
    Warn if less than a day is left to fetch the files, naming the moment and what to do.

    :param now: The present, if not now.
    """
    if not result["expires_at"] or not result["completed"]:
        return
    expiry = datetime.fromisoformat(result["expires_at"])
    left = expiry - (now or datetime.now(timezone.utc))
    if left >= ENOUGH:
        return
    moment = f"{expiry:%Y-%m-%d %H:%M} UTC"
    if left > timedelta(0):
        log.warning(
            "The first of these files may be gone at %s, in %.1f hours: let BulkExportsToObjectStorageOperator store "
            "them before that",
            moment,
            left.total_seconds() / 3600,
        )
    else:
        log.warning(
            "The first of these files may be gone since %s: if storing them fails, clear the task that submitted them, "
            "with if_exists='submit', which costs quota again",
            moment,
        )
