"""
Of several jobs that tasks submitted at the same time for the same days, keep one.

Mapped tasks that start together all find no job, so all submit one. The same happens to a worker that was frozen
between reading the list and its POST. Each task reads the list again after its POST. The oldest job stays; the tasks of
the others adopt it and withdraw their own, unless Twilio has started it. The task of the oldest job has nothing to do,
and may never have seen another job.

If the list does not show which job is the oldest, each task uses the first list in which it saw the new jobs, because
all tasks take the same job of such a list for the oldest. The tasks of the other jobs withdraw theirs at once. The task
of the presumed oldest waits for the jobs of its first list to go, and only for those: a later job is newer.
If one of them stays, its task saw no other job, so it is the oldest after all, and the presumed oldest is withdrawn
instead. A task trusts what is left only when two lists show the same, with a pause between them in which the task of
that job reads its own first list.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from airflow_provider_bulkexports.compat import Log
from airflow_provider_bulkexports.exceptions import BulkExportsError, BulkExportsNotFoundError
from airflow_provider_bulkexports.model.days import DayRange
from airflow_provider_bulkexports.model.resources import Job, ResourceType
from airflow_provider_bulkexports.planning.adoption import ExportPlan, equal_jobs, has_started, may_be_withdrawn
from airflow_provider_bulkexports.planning.job_age import sort_by_age
from airflow_provider_bulkexports.submission.cancellation import JobGuard
from airflow_provider_bulkexports.submission.job_list import JobList

if TYPE_CHECKING:
    from airflow_provider_bulkexports.api.client import BulkExportsClient

__all__ = ["DuplicateResolver", "wait_for_other_tasks"]

#: Seconds before each further read of a list that does not show the new job yet; where mapped tasks may have submitted
#: the same days, more of them.
_LISTING_PAUSES = (1.0, 2.0, 4.0)
_MORE_LISTING_PAUSES = (8.0, 15.0)

#: Seconds between two lists while tasks agree on a job, and how many lists at most.
_AGREEMENT_PAUSE, _MAX_AGREEMENT_LISTS = 1.5, 20

#: Where Twilio responds slowly, a pause lasts this many reads, but not longer than these seconds: the other tasks end
#: the read that they have begun.
_READS_PER_PAUSE, _LONGEST_PAUSE = 3, 10.0

#: Lists after which a job that is still there counts as one that stays.
_LISTS_UNTIL_IT_STAYS = 5

#: Seconds, and how often, to wait before a submission for a job that other tasks seem to be withdrawing.
_RACE_PAUSE, _RACE_PAUSES = 2.5, 6


def wait_for_other_tasks(
    job_list: JobList, plan: Callable[[], ExportPlan], *, may_be_own: bool, guard: JobGuard, log: Log
) -> None:
    """
    Wait, before a submission, while other tasks seem to be choosing one of the jobs that they submitted just now.

    A single job that is left counts when two lists show it: by then its task has checked for others, too.

    :param job_list: Refreshed after each pause.
    :param plan: What the current list allows; called again after each pause.
    :param may_be_own: Whether a single job is this task's own, of its previous attempt.
    """
    before: set[str] = set()
    for _ in range(_RACE_PAUSES):
        current = plan()
        unfinished = [job for job in (*current.duplicates, *current.adopt) if not job.is_finished]
        if len(unfinished) < (2 if may_be_own else 1):
            return
        sids = {job.job_sid for job in unfinished}
        if not may_be_withdrawn(unfinished, job_list.jobs) or (len(sids) == 1 and sids == before):
            return
        before = sids
        pause = max(_RACE_PAUSE, job_list.settle_seconds)
        log.info("Other tasks seem to be submitting the same days; checking again in %.0f s", pause)
        guard.sleep(pause)
        job_list.refresh()


class DuplicateResolver:
    """
    What a task does after it created a job for some days.

    :param identity: The task's; see :func:`airflow_provider_bulkexports.planning.identity.identity_of`.
    :param is_shared: Whether other tasks have the same identity, as mapped tasks do.
    """

    def __init__(
        self,
        client: BulkExportsClient,
        resource_type: ResourceType,
        identity: str,
        days: DayRange,
        log: Log,
        guard: JobGuard,
        *,
        is_shared: bool = False,
    ) -> None:
        self._client = client
        self._resource_type = resource_type
        self._identity = identity
        self._days = days
        self._log = log
        self._guard = guard
        self._is_shared = is_shared
        self._last_read_took = 0.0

    def resolve(self, mine: Job, *, known_before: Collection[str], is_own: bool = True) -> str | None:
        """
        Read the list again, and withdraw the job if another task's is older.

        Errors are logged only: a job exists, and a second one costs less than a failed task.

        :param known_before: Sids that were listed before the job was submitted.
        :param is_own: Whether the job is surely the task's own; only then may the task withdraw it.
        :return: Sid of the job that stays; ``None`` if it no longer exists and the task has to start again.
        """
        listed = self._list_including(mine)
        equal = self._equal_jobs(listed, known_before)
        if all(job.job_sid == mine.job_sid for job in equal):
            return mine.job_sid
        by_age = sort_by_age(listed, known_before=known_before)
        if not by_age.is_certain:
            return self._agree_on_one(mine, listed, known_before, is_own=is_own)
        sids = {job.job_sid for job in equal} | {mine.job_sid}
        oldest = next(job for job in by_age.oldest_first if job.job_sid in sids)
        if oldest.job_sid == mine.job_sid:
            self._log.info(
                "Other tasks submitted the same days at the same time; keeping job %s, the oldest", mine.job_sid
            )
            return mine.job_sid
        self._log.info(
            "Another task submitted the same days at the same time; adopted its job %s, the oldest", oldest.job_sid
        )
        if is_own:
            self._withdraw(mine, kept=oldest.job_sid)
        left = self._equal_jobs(self._list() or listed, known_before)
        return oldest.job_sid if any(job.job_sid == oldest.job_sid for job in left) else None

    def _list_including(self, mine: Job) -> Sequence[Job]:
        """The list, once it has the job; empty if the list lacks it for some time."""
        for pause in (0.0, *_LISTING_PAUSES, *(_MORE_LISTING_PAUSES if self._is_shared else ())):
            if pause:
                self._guard.sleep(pause)
            listed = self._list()
            if listed and any(job.job_sid == mine.job_sid for job in listed):
                return listed
        self._log.info("Twilio does not list job %s yet, so it cannot be compared with other tasks' jobs", mine.job_sid)
        return ()

    def _list(self) -> Sequence[Job] | None:
        """The list; ``None`` if it cannot be read."""
        began = time.monotonic()
        try:
            return list(self._client.list_jobs(self._resource_type))
        except BulkExportsError as error:
            self._log.warning("Cannot read the Jobs list to check for other tasks' jobs: %s", error.what)
            return None
        finally:
            self._last_read_took = time.monotonic() - began

    def _equal_jobs(self, listed: Sequence[Job], known_before: Collection[str]) -> list[Job]:
        return equal_jobs(self._identity, self._days, listed, ignore=known_before)

    def _agree_on_one(
        self, mine: Job, listed: Sequence[Job], known_before: Collection[str], *, is_own: bool
    ) -> str | None:
        """Wait until one job is left, where the list does not show which is the oldest."""
        self._log.info("Other tasks submitted the same days at the same time; waiting until one job is left")
        first_list = self._by_age(listed, known_before)
        is_presumed_oldest = is_own and first_list[0] == mine.job_sid
        if is_presumed_oldest and self._outlasts(mine, first_list[1:], known_before):
            self._log.info("Keeping job %s", mine.job_sid)
            return mine.job_sid
        is_gone = is_own and self._withdraw(mine, kept=" or ".join(sid for sid in first_list if sid != mine.job_sid))
        kept = self._wait_for_last_job(known_before, ignore=mine.job_sid if is_gone else None)
        if kept is not None:
            self._log.info("Keeping job %s", kept)
        return kept

    def _outlasts(self, mine: Job, others: Sequence[str], known_before: Collection[str]) -> bool:
        """Whether the others of the first list go, and the task's own job does not."""
        for _ in range(_LISTS_UNTIL_IT_STAYS):
            self._pause()
            if (listed := self._list()) is not None:
                left = self._by_age(listed, known_before)
                if mine.job_sid not in left:
                    return False
                if not set(others) & set(left) or self._have_started(left, listed):
                    return True
        return False

    def _wait_for_last_job(self, known_before: Collection[str], *, ignore: str | None) -> str | None:
        """The job that is left, or the first of several that no task withdraws; ``None`` if there is none."""
        left: list[str] | None = None
        for _ in range(_MAX_AGREEMENT_LISTS):
            listed = self._list()
            if listed is not None:
                before, left = left, [sid for sid in self._by_age(listed, known_before) if sid != ignore]
                if left == before and (len(left) <= 1 or self._have_started(left, listed)):
                    break
            self._pause()
        return left[0] if left else None

    def _pause(self) -> None:
        self._guard.sleep(min(max(_AGREEMENT_PAUSE, _READS_PER_PAUSE * self._last_read_took), _LONGEST_PAUSE))

    def _by_age(self, listed: Sequence[Job], known_before: Collection[str]) -> list[str]:
        oldest_first = sort_by_age(listed, known_before=known_before).oldest_first
        return [job.job_sid for job in self._equal_jobs(oldest_first, known_before)]

    @staticmethod
    def _have_started(sids: Collection[str], listed: Sequence[Job]) -> bool:
        return all(has_started(job) or job.is_finished for job in listed if job.job_sid in sids)

    def _withdraw(self, mine: Job, *, kept: str) -> bool:
        """Delete the task's own job, for another one, unless Twilio has started it; whether it is gone."""
        try:
            job = self._client.get_job(mine.job_sid)
            if has_started(job) or job.is_finished:
                self._log.warning("Job %s has already started, so it was not deleted; using job %s", mine.job_sid, kept)
                return False
            self._client.delete_job(mine.job_sid)
        except BulkExportsNotFoundError:
            pass
        except BulkExportsError as error:
            self._log.warning("Could not delete the duplicate job %s: %s", mine.job_sid, error)
            return False
        self._guard.unregister(mine.job_sid)
        self._log.info("Deleted the duplicate job %s; the quota it used is not refunded", mine.job_sid)
        return True
