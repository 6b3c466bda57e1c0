"""Twilio keeps a file for seven days: say it while there is time."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from airflow_provider_bulkexports.compat import Log
from airflow_provider_bulkexports.model.results import WaitResult

__all__ = ["warn_if_expiring"]

#: Less time than this is worth a warning: whatever stores the files may have to be retried, or mended by somebody.
WARN_WITHIN = timedelta(days=1)


def warn_if_expiring(result: WaitResult, *, log: Log, now: datetime | None = None) -> None:
    """
    Warn if less than a day is left to fetch the files, naming the moment and what to do.

    :param now: The present, if not now.
    """
    if not result["expires_at"] or not result["completed"]:
        return
    expiry = datetime.fromisoformat(result["expires_at"])
    left = expiry - (now or datetime.now(timezone.utc))
    if left >= WARN_WITHIN:
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
