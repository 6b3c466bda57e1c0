"""After a submission whose outcome is unknown: look for its job until Twilio lists it, or surely does not."""

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

__all__ = ["Search", "is_outcome_unknown", "search_for_job"]

#: Seconds before each further look for a job that may have been created; with the client's own retries they outlast an
#: outage of a quarter of an hour.
_LOOK_UP_PAUSES = (5.0, 10.0, 20.0, 40.0, 60.0, 60.0, 60.0, 60.0, 120.0, 120.0, 120.0, 120.0)

#: The same, if an outage of the list ended so late that the time for believing its absence was short.
_LATE_LOOK_UP_PAUSES = (60.0, 60.0, 60.0, 60.0, 60.0)

#: Seconds after which a list that can be read and does not have the job is believed, if Twilio answered that it failed.
_BELIEVED_ABSENT_AFTER_FAILURE = 120.0

#: The same if there was no such answer: the request may have been on its way.
_BELIEVED_ABSENT_AFTER_SILENCE = 300.0

#: Statuses below 500 of requests that were not carried out, though not refused either.
_NO_REFUSAL = frozenset({408, 421, 425})


class Search(NamedTuple):
    """
    What became of a search.

    :param found: New jobs, any of which may be the one.
    :param absent_for: Seconds for which a list that could be read did not have it; ``None`` if none could be read.
    :param is_absence_certain: Whether that is long enough.
    """

    found: Sequence[Job] = ()
    absent_for: float | None = None
    is_absence_certain: bool = False


def is_outcome_unknown(error: BulkExportsError) -> bool:
    """Whether Twilio may have created a job though the submission ended in this error."""
    if isinstance(error, (BulkExportsConnectionError, BulkExportsResponseError, BulkExportsServerError)):
        return True
    if isinstance(error, BulkExportsQuotaError):
        return False
    return isinstance(error, BulkExportsAPIError) and (error.status in _NO_REFUSAL or error.is_transient)


def search_for_job(look: Callable[[], Sequence[Job]], error: BulkExportsError, *, guard: JobGuard, log: Log) -> Search:
    """
    Look until new jobs are listed, or surely none is; through an outage that outlasts the client's retries.

    :param look: Reads the list and returns the jobs that may be the one.
    :param error: What the submission ended in.
    :raises BulkExportsError: what a look ends in that does not pass.
    """
    is_answered = isinstance(error, BulkExportsAPIError)
    enough = _BELIEVED_ABSENT_AFTER_FAILURE if is_answered else _BELIEVED_ABSENT_AFTER_SILENCE
    absent_for: float | None = None
    for number, pause in enumerate((0.0, *_LOOK_UP_PAUSES, *_LATE_LOOK_UP_PAUSES)):
        if number > len(_LOOK_UP_PAUSES) and absent_for is None:
            break
        if pause:
            guard.sleep(pause)
        try:
            found = look()
        except BulkExportsError as failed:
            if not failed.is_transient:
                raise
            log.warning("The list of jobs cannot be read yet: %s", failed)
            continue
        if found:
            return Search(found=found)
        absent_for = 0.0 if absent_for is None else absent_for + pause
        if absent_for >= enough:
            return Search(absent_for=absent_for, is_absence_certain=True)
    return Search(absent_for=absent_for)
