"""Warn of files that expire soon: Twilio keeps them for seven days."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from airflow_provider_bulkexports.compat import Log
from airflow_provider_bulkexports.model.plain import plain_text
from airflow_provider_bulkexports.model.results import WaitResult
from airflow_provider_bulkexports.planning.expiry import expires_at

if TYPE_CHECKING:
    from airflow_provider_bulkexports.api.client import BulkExportsClient

__all__ = ["look_up_expiry", "warn_if_expiring"]

#: Warn if less time is left: storing the files may need a retry, or somebody to correct something.
WARN_WITHIN = timedelta(days=1)


def look_up_expiry(client: BulkExportsClient, result: WaitResult) -> str | None:
    """
    Return when the first file of a result expires, from Twilio's list of files.

    Only for jobs of others: the names of this package's jobs have the day of submission.

    :return: ISO 8601, UTC; ``None`` if the list has no dates or cannot be read.
    """
    wanted = {*result["completed"], *result["empty"]}
    if not wanted or not result["resource_type"]:
        return None
    try:
        newest = {entry.day.isoformat(): entry.create_date for entry in client.list_days(result["resource_type"])}
    except Exception as error:  # noqa: BLE001  # logged; the result matters more
        logging.getLogger(__name__).info("Cannot determine when the files expire: %s", plain_text(error))
        return None
    return expires_at(created for day, created in newest.items() if created and day in wanted)


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
