"""
Of several jobs that tasks submitted at once for the same days, keep one.

Mapped tasks that start together all find nothing, and all submit; so does a worker that was frozen between its look and
its POST. Each looks again after its POST. The oldest job stays; the others' tasks adopt it and take their own back, as
long as Twilio has not begun it. The task of the oldest job needs to do nothing, and may have seen no other job at all.

Where the list does not tell which job is the oldest, all take the first one for it; its task then waits to see the
others go. One that stays has a task that saw no other: it is the oldest after all, and the first one goes instead.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.api.models import DayRange, Job, ResourceType
from airflow_provider_bulkexports.cancelling import JobGuard
from airflow_provider_bulkexports.compat import Log
from airflow_provider_bulkexports.exceptions import BulkExportsError, BulkExportsNotFoundError
from airflow_provider_bulkexports.planning.plan import has_begun, rivals_of
from airflow_provider_bulkexports.planning.progress import is_finished
from airflow_provider_bulkexports.planning.seniority import seniority_of

__all__ = ["Rivalry"]

#: Seconds before each further look for the new job in a list that lags; where mapped tasks may have submitted the same
#: days, more of them.
_LISTING_PAUSES = (1.0, 2.0, 4.0)
_MORE_LISTING_PAUSES = (8.0, 15.0)

#: Seconds between looks while tasks agree without knowing the order of the list, and how often.
_AGREEMENT_PAUSE, _AGREEMENT_PAUSES = 1.5, 20

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
            return self._agree(mine, known_before, is_own=is_own)
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
            if any(job.job_sid == mine.job_sid for job in listed):
                return listed
        self._log.info("Twilio does not list job %s yet, so it cannot be compared with other tasks' jobs", mine.job_sid)
        return ()

    def _list(self) -> Sequence[Job]:
        try:
            return list(self._client.list_jobs(self._resource_type))
        except BulkExportsError as error:
            self._log.warning("The list of jobs cannot be read to look for other tasks' jobs: %s", error)
            return ()

    def _rivals(self, listed: Sequence[Job], known_before: Collection[str]) -> list[Job]:
        return rivals_of(self._identity, self._days, listed, besides=known_before)

    def _agree(self, mine: Job, known_before: Collection[str], *, is_own: bool) -> str | None:
        """Look until one job is left; the list does not tell their order."""
        self._log.info("Other tasks submitted the same days at once; looking until one job is left")
        may_go, rivals = is_own, [mine]
        for number in range(_AGREEMENT_PAUSES):
            if listed := self._list():
                rivals = self._rivals(listed, known_before)
                if len(rivals) <= 1:
                    break
                if may_go and (rivals[0].job_sid != mine.job_sid or number >= _PATIENCE):
                    may_go = False
                    self._take_back(mine)
                    continue
            self._guard.sleep(_AGREEMENT_PAUSE)
        if not rivals:
            return None
        self._log.info("Job %s stays", rivals[0].job_sid)
        return rivals[0].job_sid

    def _take_back(self, mine: Job) -> None:
        """Delete the task's own job unless Twilio has begun it."""
        try:
            job = self._client.get_job(mine.job_sid)
            if has_begun(job) or is_finished(job):
                self._log.warning("Job %s has begun and is left alone; the other one is used", mine.job_sid)
                return
            self._client.delete_job(mine.job_sid)
        except BulkExportsNotFoundError:
            pass
        except BulkExportsError as error:
            self._log.warning("Could not delete job %s, which is not needed: %s", mine.job_sid, error)
            return
        self._guard.drop(mine.job_sid)
        self._log.info("Deleted job %s, which is not needed; its quota is spent", mine.job_sid)
