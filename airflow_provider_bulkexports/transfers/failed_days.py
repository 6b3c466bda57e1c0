"""How a transfer fails that could not store every day: the message, and whether Airflow retries."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from airflow_provider_bulkexports.compat import Log
from airflow_provider_bulkexports.exceptions import BulkExportsError
from airflow_provider_bulkexports.model.plain import with_full_stop
from airflow_provider_bulkexports.planning.requested_days import RequestedDays
from airflow_provider_bulkexports.tasks.failures import BulkExportsTaskError, BulkExportsTaskFailure

if TYPE_CHECKING:
    from airflow_provider_bulkexports.object_storage.day_store import StoreResult

__all__ = ["IF_EXISTS", "require_all_exported", "require_all_stored"]

#: What happens to the stored days when the task is retried, by ``if_exists``.
_STORED_DAYS = {
    "skip": "The stored days stay, and the next attempt skips them.",
    "overwrite": "The stored days stay until the next attempt stores them again.",
    "fail": "The stored days stay, and the next attempt fails on them: pass if_exists='skip' to continue.",
}
IF_EXISTS = tuple(_STORED_DAYS)

_MAX_MESSAGE = 2000
_MAX_DAYS = 40


def require_all_stored(result: StoreResult, wanted: RequestedDays, *, if_exists: str, log: Log) -> None:
    """
    Fail for the days that could not be stored.

    :raises BulkExportsTaskFailure: if no retry can store any of them.
    :raises BulkExportsTaskError: otherwise.
    """
    if not result.failures:
        return
    for day, error in result.failures.items():
        log.error("%s was not stored: %s", day, error)
    errors = list(result.failures.values())
    message = _what_failed(result, if_exists=if_exists)
    if wanted.failed:
        message = f"{with_full_stop(message)} Also, {_which_failed(wanted)} {_SUBMIT_AGAIN}"
    final = all(isinstance(error, BulkExportsError) and not error.is_transient for error in errors)
    raise (BulkExportsTaskFailure if final else BulkExportsTaskError)(message[:_MAX_MESSAGE]) from errors[0]


def require_all_exported(result: StoreResult, wanted: RequestedDays) -> None:
    """
    Fail for the days that failed at Twilio, if the sensor left that to this task (``failed_days="store"``).

    :raises BulkExportsTaskFailure: because a retry cannot help; the days have to be submitted again.
    """
    if wanted.failed:
        stored = len(result.stored)
        others = f"The other {_days_are(stored)} stored." if stored else "There were no other days to store."
        raise BulkExportsTaskFailure(f"{_which_failed(wanted)} {others} {_SUBMIT_AGAIN}"[:_MAX_MESSAGE])


_SUBMIT_AGAIN = (
    "Clear the task that submitted the job, with its downstream tasks: it submits the failed days again, "
    "and only those."
)


def _which_failed(wanted: RequestedDays) -> str:
    total = len(wanted.days) + len(wanted.failed)
    jobs = f" (job {', '.join(wanted.job_sids[:5])})" if wanted.job_sids else ""
    return f"{len(wanted.failed)} of {total} days failed at Twilio: {_listed(wanted.failed)}{jobs}."


def _what_failed(result: StoreResult, *, if_exists: str) -> str:
    days, errors = tuple(result.failures), list(result.failures.values())
    total = len(result.entries) + len(days)
    if total == 1:
        which = f"{days[0]} could not be stored."
    elif result.entries:
        which = f"{len(days)} of {total} days could not be stored: {_listed(days)}."
    else:
        which = f"None of the {total} days could be stored: {_listed(days)}."
    kept = f" {_STORED_DAYS[if_exists]}" if result.stored else ""
    return f"{which}{kept} {result.retry_by}{'The first' if len(days) > 1 else 'The'} failure: {errors[0]}"


def _listed(days: tuple[date, ...]) -> str:
    """Days, up to a limit; the log has them all."""
    named = ", ".join(map(str, days[:_MAX_DAYS]))
    return named if len(days) <= _MAX_DAYS else f"{named} and {len(days) - _MAX_DAYS} more"


def _days_are(count: int) -> str:
    return "day is" if count == 1 else f"{count} days are"
