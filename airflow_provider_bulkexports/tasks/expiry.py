"""Twilio keeps a file for seven days: say it while there is time."""

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

#: Less time than this is worth a warning: whatever stores the files may have to be retried, or mended by somebody.
WARN_WITHIN = timedelta(days=1)


def look_up_expiry(client: BulkExportsClient, result: WaitResult) -> str | None:
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
