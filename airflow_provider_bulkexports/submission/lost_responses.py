"""After a submission without a usable response: search the list until the job appears, or is confirmed absent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from airflow_provider_bulkexports.compat import Log
from airflow_provider_bulkexports.exceptions import (
    BulkExportsAPIError,
    BulkExportsConnectionError,
    BulkExportsError,
    BulkExportsQuotaError,
    BulkExportsResponseError,
    BulkExportsServerError,
)
from airflow_provider_bulkexports.model.resources import Job
from airflow_provider_bulkexports.submission.cancellation import JobGuard

__all__ = ["find_created_jobs", "is_outcome_unknown"]

#: Seconds before each further search; with the client's own retries they outlast an outage of a quarter of an hour.
_SEARCH_PAUSES = (5.0, 10.0, 20.0, 40.0, 60.0, 60.0, 60.0, 60.0, 120.0, 120.0, 120.0, 120.0)

#: Further ones, if an outage of the list ended too late to assume that the job is absent.
_LATE_SEARCH_PAUSES = (60.0, 60.0, 60.0, 60.0, 60.0)

#: Seconds for which a readable list must lack the job, after an error response.
_ASSUME_ABSENT_AFTER_ERROR = 120.0

#: The same after no response at all: the request may still be on its way.
_ASSUME_ABSENT_AFTER_SILENCE = 300.0

#: Statuses below 500 of requests that were not carried out, though not rejected either.
_NOT_REJECTED = frozenset({408, 421, 425})


def is_outcome_unknown(error: BulkExportsError) -> bool:
    """Whether Twilio may have created a job although the submission ended in this error."""
    if isinstance(error, (BulkExportsConnectionError, BulkExportsResponseError, BulkExportsServerError)):
        return True
    if isinstance(error, BulkExportsQuotaError):
        return False
    return isinstance(error, BulkExportsAPIError) and (error.status in _NOT_REJECTED or error.is_transient)


def find_created_jobs(
    search: Callable[[], Sequence[Job]],
    error: BulkExportsError,
    *,
    name: str,
    may_resend: bool,
    guard: JobGuard,
    log: Log,
) -> Sequence[Job]:
    """
    Find out whether Twilio created the job of a submission.

    :param search: Reads the list and returns the new jobs that may be the one.
    :param error: What the submission ended in.
    :param name: FriendlyName of the job.
    :param may_resend: Whether the job may be submitted again if it surely does not exist.
    :return: The jobs that may be the one; none if it does not exist and is to be submitted again.
    :raises BulkExportsConnectionError: if it remains unknown, or the job may not be submitted again.
    :raises BulkExportsError: if the list cannot be read and trying again would not help.
    """
    log.warning("No usable response to the submission. Checking the Jobs list for %r: %s", name, error.what)
    result = _search(search, error, guard=guard, log=log)
    if result.found:
        return result.found
    if result.is_absent and may_resend:
        log.warning(
            "Twilio has not listed the job for %.0f s, so it was not created. Submitting it again", result.absent_for
        )
        return ()
    seen = "the Jobs list could not be read" if result.absent_for is None else "the Jobs list does not show it"
    raise BulkExportsConnectionError(
        f"Cannot tell whether Twilio created {name!r}: the response was lost ({error.what}), and {seen}",
        remedy="The task's next attempt searches for the job again before it submits; if no retries are left, clear "
        "the task.",
        details=error.details,
    ) from None


class _SearchResult(NamedTuple):
    """
    What a search found.

    :param found: New jobs that may be the one.
    :param absent_for: Seconds for which a readable list lacked it; ``None`` if the list could never be read.
    :param is_absent: Whether that is long enough to assume that the job does not exist.
    """

    found: Sequence[Job] = ()
    absent_for: float | None = None
    is_absent: bool = False


def _search(
    search: Callable[[], Sequence[Job]], error: BulkExportsError, *, guard: JobGuard, log: Log
) -> _SearchResult:
    """Search again and again, through an outage that outlasts the client's retries."""
    has_response = isinstance(error, BulkExportsAPIError)
    long_enough = _ASSUME_ABSENT_AFTER_ERROR if has_response else _ASSUME_ABSENT_AFTER_SILENCE
    absent_for: float | None = None
    for number, pause in enumerate((0.0, *_SEARCH_PAUSES, *_LATE_SEARCH_PAUSES)):
        if number > len(_SEARCH_PAUSES) and absent_for is None:
            break
        if pause:
            guard.sleep(pause)
        try:
            found = search()
        except BulkExportsError as failed:
            if not failed.is_transient:
                raise
            log.warning("Cannot read the Jobs list yet: %s", failed.what)
            continue
        if found:
            return _SearchResult(found=found)
        absent_for = 0.0 if absent_for is None else absent_for + pause
        if absent_for >= long_enough:
            return _SearchResult(absent_for=absent_for, is_absent=True)
    return _SearchResult(absent_for=absent_for)
