"""How a transfer ends that could not store every day: the sentence, and whether a retry may mend it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from airflow_provider_bulkexports.compat import Log
from airflow_provider_bulkexports.exceptions import BulkExportsError
from airflow_provider_bulkexports.planning.requested_days import RequestedDays
from airflow_provider_bulkexports.tasks.failures import BulkExportsTaskError, BulkExportsTaskFailure

if TYPE_CHECKING:
    from airflow_provider_bulkexports.object_storage.day_store import Outcome

__all__ = ["IF_EXISTS", "require_all_exported", "require_all_stored"]

#: What to say of the other days when some could not be stored.
_NEXT_TRY = {
    "skip": "What is stored stays, and the next try skips it.",
    "overwrite": "What is stored stays until the next try stores it again.",
    "fail": "What is stored stays, and the next try refuses it: pass if_exists='skip' to continue.",
}
IF_EXISTS = tuple(_NEXT_TRY)

_MAX_MESSAGE = 2000
_MAX_DAYS = 40


def require_all_stored(outcome: Outcome, wanted: RequestedDays, *, if_exists: str, log: Log) -> None:
    """
    Fail for the days that could not be stored.

    :raises BulkExportsTaskFailure: if no retry can store any of them.
    :raises BulkExportsTaskError: otherwise.
    """
    if not outcome.failures:
        return
    for day, error in outcome.failures.items():
        log.error("%s was not stored: %s", day, error)
    errors = list(outcome.failures.values())
    message = _what_failed(outcome, if_exists=if_exists)
    if wanted.failed:
        message = f"{message} Besides, {_which_failed(wanted)}"
    final = all(isinstance(error, BulkExportsError) and not error.is_transient for error in errors)
    raise (BulkExportsTaskFailure if final else BulkExportsTaskError)(message[:_MAX_MESSAGE]) from errors[0]


def require_all_exported(outcome: Outcome, wanted: RequestedDays) -> None:
    """
    Fail for the days that failed at Twilio, if the wait left that to the task that stores the others.

    :raises BulkExportsTaskFailure: since only submitting them again can help.
    """
    if wanted.failed:
        there = len(outcome.there)
        others = f"The other {there} {_are(there)} stored. " if there else "No other day was to be stored. "
        raise BulkExportsTaskFailure(f"{_which_failed(wanted)}{others}{_SUBMIT_AGAIN}"[:_MAX_MESSAGE])


_SUBMIT_AGAIN = (
    "Clear the task that submitted the job, with its downstream tasks: it submits the failed days again, "
    "and only those."
)


def _which_failed(wanted: RequestedDays) -> str:
    total = len(wanted.days) + len(wanted.failed)
    jobs = f" (job {', '.join(wanted.job_sids[:5])})" if wanted.job_sids else ""
    return f"{len(wanted.failed)} of {total} days failed at Twilio: {_listed(wanted.failed)}{jobs}. "


def _what_failed(outcome: Outcome, *, if_exists: str) -> str:
    days, errors = tuple(outcome.failures), list(outcome.failures.values())
    total = len(outcome.entries) + len(days)
    if total == 1:
        which = f"{days[0]} could not be stored."
    elif outcome.entries:
        which = f"{len(days)} of {total} days could not be stored: {_listed(days)}."
    else:
        which = f"None of the {total} days could be stored: {_listed(days)}."
    kept = f" {_NEXT_TRY[if_exists]}" if outcome.there else ""
    return f"{which}{kept} {outcome.deadline}{'The first' if len(days) > 1 else 'The'} failure: {errors[0]}"


def _listed(days: tuple[date, ...]) -> str:
    """Name days, but not thousands: the log names each."""
    named = ", ".join(map(str, days[:_MAX_DAYS]))
    return named if len(days) <= _MAX_DAYS else f"{named} and {len(days) - _MAX_DAYS} more"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
