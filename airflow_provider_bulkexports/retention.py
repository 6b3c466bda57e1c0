"""Twilio keeps a file for seven days: say it while there is time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone

from airflow_provider_bulkexports.api.models import FILE_LIFETIME, ExportDay
from airflow_provider_bulkexports.compat import Log
from airflow_provider_bulkexports.outcomes import WaitResult

__all__ = ["first_expiry", "warn_of_expiry"]

#: Less time than this is worth a warning: whatever stores the files may have to be retried, or mended by somebody.
ENOUGH = timedelta(days=1)


def first_expiry(files: Iterable[ExportDay]) -> datetime | None:
    """
    When the first of the files may be gone; ``None`` if Twilio does not say when it made them.

    A file's date has no hour, so this is the earliest moment that it allows.
    """
    created = [file.create_date for file in files if file.create_date]
    if not created:
        return None
    first = min(created)
    return datetime(first.year, first.month, first.day, tzinfo=timezone.utc) + FILE_LIFETIME


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
