"""Warn of files that expire soon: Twilio keeps them for seven days."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from airflow_provider_bulkexports.compat import Log
from airflow_provider_bulkexports.model.results import WaitResult

__all__ = ["warn_if_expiring"]

#: Warn if less time is left: storing the files may need a retry, or somebody to correct something.
WARN_WITHIN = timedelta(days=1)


def warn_if_expiring(result: WaitResult, *, log: Log, now: datetime | None = None) -> None:
    """
    Warn if less than a day is left to store the files, with the time and what to do.

    :param now: Current time, for tests.
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
            "The first of these files expires at %s, in %.1f hours. Store them before that with "
            "BulkExportsToObjectStorageOperator",
            moment,
            left.total_seconds() / 3600,
        )
    else:
        log.warning(
            "The first of these files may have expired at %s. If storing them fails, clear the task that submitted "
            "them, with if_exists='submit'; that costs quota again",
            moment,
        )
