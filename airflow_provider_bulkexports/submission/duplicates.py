"""
Of several jobs that tasks submitted at once for the same days, keep one.

Mapped tasks that start together all find nothing, and all submit; so does a worker that was frozen between its look and
its POST. Each looks again after its POST. The oldest job stays; the others' tasks adopt it and take their own back, as
long as Twilio has not begun it. The task of the oldest job needs to do nothing, and may have seen no other job at all.

Where the list does not tell which job is the oldest, each task goes by its first look at the new jobs, where all take
the same one for the oldest. Those of the other jobs take theirs back at once. The task of that one waits for the jobs
of its first look to go, and for those only: one that it sees later is newer. One that stays has a task that saw no
other: it is the oldest after all, and the job that was taken for it goes instead. Nobody believes what is left before
it has seen it twice, with a pause between in which the job's task has its own first look.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.compat import Log
from airflow_provider_bulkexports.exceptions import BulkExportsError, BulkExportsNotFoundError
from airflow_provider_bulkexports.model.days import DayRange
from airflow_provider_bulkexports.model.resources import Job, ResourceType
from airflow_provider_bulkexports.planning.adoption import has_begun, rivals_of
from airflow_provider_bulkexports.planning.job_age import seniority_of
from airflow_provider_bulkexports.submission.cancellation import JobGuard

__all__ = ["Rivalry"]

#: Seconds before each further look for the new job in a list that lags; where mapped tasks may have submitted the same
#: days, more of them.
_LISTING_PAUSES = (1.0, 2.0, 4.0)
_MORE_LISTING_PAUSES = (8.0, 15.0)

#: Seconds between looks while tasks agree without knowing the order of the list, and how often.
_AGREEMENT_PAUSE, _AGREEMENT_PAUSES = 1.5, 20

#: Where Twilio answers slowly, a pause is so many times as long as a look, and no longer than so many seconds: the
#: other tasks end the look that they have begun.
_PAUSE_IN_LOOKS, _LONGEST_PAUSE = 3, 10.0

#: After so many of them, a job that has not gone is one that stays.
_PATIENCE = 5


class Rivalry:
    """
    What a task does after it created a job for some days.

    :param identity: The task's; see :func:`airflow_provider_bulkexports.planning.identity.identity_of`.
    :param is_shared: Whether other tasks have the same one, as mapped tasks do.
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
        self._last_look_took = 0.0

    def settle(self, mine: Job, *, known_before: Collection[str], is_own: bool = True) -> str | None:
        """
        Look again, and take the job back if another task's is older.

        Errors do not matter here: a job exists, and a second one costs less than a failed task.

        :param known_before: Sids that were listed before the job was submitted.
        :param is_own: Whether the job is surely the task's own, which alone it may take back.
        :return: Sid of the job that stays; ``None`` if it is gone meanwhile, and everything is open again.
        """
        listed = self._list_with(mine)
        rivals = self._rivals(listed, known_before)
        if all(job.job_sid == mine.job_sid for job in rivals):
            return mine.job_sid
        seniority = seniority_of(listed, known_before=known_before)
        if not seniority.is_certain:
            return self._agree(mine, listed, known_before, is_own=is_own)
        sids = {job.job_sid for job in rivals} | {mine.job_sid}
        oldest = next(job for job in seniority.oldest_first if job.job_sid in sids)
        if oldest.job_sid == mine.job_sid:
            self._log.info("Other tasks submitted the same days at once; job %s is the oldest and stays", mine.job_sid)
            return mine.job_sid
        self._log.info("Another task submitted the same days at once: adopted its job %s, the oldest", oldest.job_sid)
        if is_own:
            self._take_back(mine)
        left = self._rivals(self._list() or listed, known_before)
        return oldest.job_sid if any(job.job_sid == oldest.job_sid for job in left) else None

    def _list_with(self, mine: Job) -> Sequence[Job]:
        """The list, once it has the job; empty if it does not show it for some time."""
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
            self._log.warning("The list of jobs cannot be read to look for other tasks' jobs: %s", error)
            return None
        finally:
            self._last_look_took = time.monotonic() - began

    def _rivals(self, listed: Sequence[Job], known_before: Collection[str]) -> list[Job]:
        return rivals_of(self._identity, self._days, listed, besides=known_before)

    def _agree(self, mine: Job, listed: Sequence[Job], known_before: Collection[str], *, is_own: bool) -> str | None:
        """Look until one job is left; the list does not tell their order."""
        self._log.info("Other tasks submitted the same days at once; looking until one job is left")
        first_look = self._by_age(listed, known_before)
        may_stay = is_own and first_look[0] == mine.job_sid
        if may_stay and self._outlasts(mine, first_look[1:], known_before):
            self._log.info("Job %s stays", mine.job_sid)
            return mine.job_sid
        is_gone = is_own and self._take_back(mine)
        kept = self._await_last(known_before, besides=mine.job_sid if is_gone else None)
        if kept is not None:
            self._log.info("Job %s stays", kept)
        return kept

    def _outlasts(self, mine: Job, others: Sequence[str], known_before: Collection[str]) -> bool:
        """Whether the others of the first look go, and the task's own job does not."""
        for _ in range(_PATIENCE):
            self._rest()
            if (listed := self._list()) is not None:
                left = self._by_age(listed, known_before)
                if mine.job_sid not in left:
                    return False
                if not set(others) & set(left) or self._have_begun(left, listed):
                    return True
        return False

    def _await_last(self, known_before: Collection[str], *, besides: str | None) -> str | None:
        """The job that is left, or the first of several that nobody takes back; ``None`` if there is none."""
        left: list[str] | None = None
        for _ in range(_AGREEMENT_PAUSES):
            listed = self._list()
            if listed is not None:
                before, left = left, [sid for sid in self._by_age(listed, known_before) if sid != besides]
                if left == before and (len(left) <= 1 or self._have_begun(left, listed)):
                    break
            self._rest()
        return left[0] if left else None

    def _rest(self) -> None:
        self._guard.sleep(min(max(_AGREEMENT_PAUSE, _PAUSE_IN_LOOKS * self._last_look_took), _LONGEST_PAUSE))

    def _by_age(self, listed: Sequence[Job], known_before: Collection[str]) -> list[str]:
        by_age = seniority_of(listed, known_before=known_before).oldest_first
        return [job.job_sid for job in self._rivals(by_age, known_before)]

    @staticmethod
    def _have_begun(sids: Collection[str], listed: Sequence[Job]) -> bool:
        return all(has_begun(job) or job.is_finished for job in listed if job.job_sid in sids)

    def _take_back(self, mine: Job) -> bool:
        """Delete the task's own job unless Twilio has begun it; whether it is gone."""
        try:
            job = self._client.get_job(mine.job_sid)
            if has_begun(job) or job.is_finished:
                self._log.warning("Job %s has begun and is left alone; the other one is used", mine.job_sid)
                return False
            self._client.delete_job(mine.job_sid)
        except BulkExportsNotFoundError:
            pass
        except BulkExportsError as error:
            self._log.warning("Could not delete job %s, which is not needed: %s", mine.job_sid, error)
            return False
        self._guard.drop(mine.job_sid)
        self._log.info("Deleted job %s, which is not needed; its quota is spent", mine.job_sid)
        return True
