"""How a transfer fails that could not store every day: the error, and whether Airflow retries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from airflow_provider_bulkexports.exceptions import BulkExportsError, text_of
from airflow_provider_bulkexports.model.days import name_days
from airflow_provider_bulkexports.model.plain import counted
from airflow_provider_bulkexports.planning.requested_days import RequestedDays
from airflow_provider_bulkexports.tasks.failures import (
    BulkExportsTaskError,
    BulkExportsTaskFailure,
    FailingTask,
    task_failure,
)

if TYPE_CHECKING:
    from airflow_provider_bulkexports.object_storage.day_store import StoreResult

__all__ = ["IF_EXISTS", "joined", "parts_of", "require_all_exported", "require_all_stored"]

#: What happens to the stored days when the task is retried, by ``if_exists``.
_STORED_DAYS = {
    "skip": "The stored days stay, and the next attempt skips them.",
    "overwrite": "The stored days stay until the next attempt stores them again.",
    "fail": "The stored days stay, and the next attempt fails on them: pass if_exists='skip' to continue.",
}
IF_EXISTS = tuple(_STORED_DAYS)

_SUBMIT_AGAIN = (
    "Clear the task that submitted the job, with its downstream tasks: it submits the failed days again, "
    "and only those."
)


def require_all_stored(result: StoreResult, wanted: RequestedDays, *, if_exists: str, task: FailingTask) -> None:
    """
    Fail for the days that could not be stored.

    :raises BulkExportsTaskFailure: if no retry can store any of them.
    :raises BulkExportsTaskError: otherwise.
    """
    if not result.failures:
        return
    for day, reason in sorted(result.failures.items()):
        task.log.error("%s was not stored: %s", day, reason)
    final = all(isinstance(error, BulkExportsError) and not error.is_transient for error in result.failures.values())
    kind = BulkExportsTaskFailure if final else BulkExportsTaskError
    error = _not_stored(result, wanted, if_exists=if_exists)
    bug = next((one for one in result.failures.values() if not isinstance(one, BulkExportsError)), None)
    raise task_failure(task, error, kind) from bug  # of an error of this package, the text says it all


def require_all_exported(result: StoreResult, wanted: RequestedDays, *, task: FailingTask) -> None:
    """
    Fail for the days that failed at Twilio, if the sensor left that to this task (``failed_days="store"``).

    :raises BulkExportsTaskFailure: because a retry cannot help; the days have to be submitted again.
    """
    if wanted.failed:
        stored = len(result.stored)
        others = f"the other {_days_are(stored)} stored" if stored else "there were no other days to store"
        error = BulkExportsError(
            f"{_which_failed(wanted)}; {others}", remedy=_SUBMIT_AGAIN, details=_details_of_failed(wanted)
        )
        raise task_failure(task, error, BulkExportsTaskFailure) from None


def _which_failed(wanted: RequestedDays) -> str:
    total = len(wanted.days) + len(wanted.failed)
    which = name_days("failed days", wanted.failed)[0]
    return f"{len(wanted.failed)} of {counted(total, 'day')} failed at Twilio{which}"


def _details_of_failed(wanted: RequestedDays) -> Mapping[str, list[str]]:
    return {**name_days("failed days", wanted.failed)[1], "job": list(wanted.job_sids)}


def _not_stored(result: StoreResult, wanted: RequestedDays, *, if_exists: str) -> BulkExportsError:
    cause, cure, place = parts_of(result.failures[min(result.failures)])
    kept = _STORED_DAYS[if_exists] if result.stored else ""
    also = f"Also, {_which_failed(wanted)}. {_SUBMIT_AGAIN}" if wanted.failed else ""
    what, days = _which_not_stored(result)
    return BulkExportsError(
        f"{what}. {'The first failure: ' if len(result.failures) > 1 else ''}{cause}",
        remedy=joined([cure, result.retry_by, kept, also]),
        details={**days, **(_details_of_failed(wanted) if wanted.failed else {}), **place},
    )


def parts_of(error: Exception) -> tuple[str, str, Mapping[str, str | list[str]]]:
    """Return what happened, what to do, and where; of an error of another package, only its text."""
    if isinstance(error, BulkExportsError):
        return error.what, error.remedy, error.details
    return text_of(error), "", {}


def joined(sentences: Iterable[str]) -> str:
    """Join sentences, and leave out the empty ones."""
    return " ".join(filter(None, (sentence.strip() for sentence in sentences)))


def _which_not_stored(result: StoreResult) -> tuple[str, Mapping[str, list[str]]]:
    failed = len(result.failures)
    total = len(result.entries) + failed
    if total == 1:
        return f"{next(iter(result.failures))} could not be stored", {}
    which, details = name_days("days not stored", result.failures)
    return f"{failed} of {counted(total, 'day')} could not be stored{which}", details


def _days_are(count: int) -> str:
    return "day is" if count == 1 else f"{counted(count, 'day')} are"
