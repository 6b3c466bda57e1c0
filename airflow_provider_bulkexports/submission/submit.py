"""
Submit once: search Twilio's list for the task's own jobs before a POST, and again after it.

    list ──> all days served? ──yes──> adopt
      │            │ no
      │            └─ a previous attempt may have died after its POST: list once more, a little later
      └──> POST, within seconds of the list
            ├──> 201: list again; of several jobs submitted at the same time, keep one (``duplicates.py``)
            ├──> no usable response: list until the job appears, or surely does not exist; then POST once more
            │                        (``lost_responses.py``)
            ├──> 429 for minutes, though the list can be read ─┐
            └──> rejected in words about the quota ────────────┴──> BulkExportsQuotaError

After a POST without any response the request may still be on its way. So its absence is assumed later than after an
error response, and at most two are sent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from airflow_provider_bulkexports.api.quota_refusals import as_quota_error
from airflow_provider_bulkexports.compat import Log
from airflow_provider_bulkexports.exceptions import BulkExportsError, BulkExportsRateLimitError
from airflow_provider_bulkexports.model.days import DayRange
from airflow_provider_bulkexports.model.plain import counted
from airflow_provider_bulkexports.model.resources import Job, ResourceType
from airflow_provider_bulkexports.planning.adoption import ExportPlan, days_paid_twice, equal_jobs, plan_exports
from airflow_provider_bulkexports.planning.identity import base_of, friendly_name
from airflow_provider_bulkexports.planning.job_age import sort_by_age
from airflow_provider_bulkexports.submission.cancellation import JobGuard
from airflow_provider_bulkexports.submission.duplicates import DuplicateResolver, wait_for_other_tasks
from airflow_provider_bulkexports.submission.job_list import JobList
from airflow_provider_bulkexports.submission.lost_responses import find_created_jobs, is_outcome_unknown

if TYPE_CHECKING:
    from airflow_provider_bulkexports.api.client import BulkExportsClient

__all__ = ["ExportRequest", "submit"]

#: POSTs for the same days, of which all but the last surely failed.
_MAX_POSTS = 2

#: Seconds before each further POST after 429, which Twilio never processes. An overload passes within them.
_RATE_LIMIT_PAUSES = (15.0, 30.0, 60.0, 120.0, 240.0)

#: Seconds within which a retry expects the job of the previous attempt in the list.
_LISTED_WITHIN = 30.0


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """
    What a task wants exported.

    :param name: Text before the marker in the jobs' FriendlyName.
    :param identity: Marks its new jobs; see :func:`airflow_provider_bulkexports.planning.identity.identity_of`.
    :param adopts: Identities whose jobs the task uses instead of new ones.
    :param adopts_own: Whether only the task itself can have submitted the jobs it adopts, not another mapped task.
    """

    resource_type: ResourceType
    days: DayRange
    name: str
    identity: str
    adopts: tuple[str, ...] = ()
    adopts_own: bool = True
    webhook_url: str | None = None
    webhook_method: str | None = None
    email: str | None = None


def submit(
    client: BulkExportsClient,
    request: ExportRequest,
    *,
    today: date,
    log: Log,
    guard: JobGuard,
    is_retry: bool = False,
) -> list[str]:
    """
    Make sure that jobs for all wanted days exist, creating as few as possible.

    :param today: Current UTC day.
    :param guard: Registers every job, and is asked before every step.
    :param is_retry: Whether a previous attempt may have submitted a job that is not listed yet.
    :return: Job sids: the adopted ones, then the new ones.
    :raises BulkExportsQuotaError: if the quota of this UTC day is used up.
    :raises BulkExportsConnectionError: if it remains unknown whether a job was created.
    :raises TaskKilledError: if the task is killed meanwhile.
    """
    submission = _Submission(client, request, today=today, log=log, guard=guard)
    submission.refresh()
    if is_retry and request.adopts and submission.plan(request.days).submit:
        log.info("A previous attempt may have just submitted a job; checking again in %.0f s", _LISTED_WITHIN)
        guard.sleep(_LISTED_WITHIN)
        submission.refresh()
    submission.wait_for_other_tasks(is_retry=is_retry)
    _log_duplicates(submission.plan(request.days), log)
    return submission.adopt_or_submit(request.days)


def _log_duplicates(plan: ExportPlan, log: Log) -> None:
    for job in plan.duplicates:
        kept = ", ".join(adopted.job_sid for adopted in plan.adopt) or "a new job"
        log.warning(
            "Found a duplicate job of this task, %s (%s). Using %s and leaving the duplicate running. "
            "DeleteExportJobOperator removes its unfinished days from Twilio's queue; the quota is not refunded.",
            job.job_sid,
            job.friendly_name,
            kept,
        )


class _Submission:
    """The lists and POSTs of one request, in the order of the diagram in the module docstring."""

    def __init__(
        self, client: BulkExportsClient, request: ExportRequest, *, today: date, log: Log, guard: JobGuard
    ) -> None:
        self._client = client
        self._request = request
        self._name = friendly_name(request.name, identity=request.identity, today=today)
        self._log = log
        self._guard = guard
        self._job_list = JobList(client, request.resource_type)
        self.refresh = self._job_list.refresh
        self._lost_responses: Counter[DayRange] = Counter()

    def plan(self, days: DayRange) -> ExportPlan:
        """Which jobs of the list to adopt, and what to submit."""
        return plan_exports(days, self._job_list.jobs, identities=self._request.adopts)

    def wait_for_other_tasks(self, *, is_retry: bool) -> None:
        """Wait while other tasks seem to be submitting the same days."""
        wait_for_other_tasks(
            self._job_list,
            lambda: self.plan(self._request.days),
            may_be_own=self._request.adopts_own and is_retry,
            guard=self._guard,
            log=self._log,
        )

    def adopt_or_submit(self, days: DayRange) -> list[str]:
        """Adopt the listed jobs and submit the rest; sids of the adopted jobs, then of the new ones."""
        plan = self.plan(days)
        for job in plan.adopt:
            self._log.info(
                "Adopted job %s (%s), submitted by a previous attempt or a mapped task", job.job_sid, job.friendly_name
            )
            if self._request.adopts_own:
                self._guard.register(job.job_sid)
        sids = [job.job_sid for job in plan.adopt]
        for missing in plan.submit:
            sids += self._submit(missing)
        return sids

    def _submit(self, days: DayRange) -> list[str]:
        """Submit a job for the days, once, unless it turns out that another one serves them."""
        if self._job_list.is_stale:
            return self._start_again(days)
        self._warn_if_paid_twice(days)
        pauses = iter(_RATE_LIMIT_PAUSES)
        while True:
            self._guard.raise_if_killed()
            known_before = self._job_list.sids
            try:
                job = self._create_job(days)
            except BulkExportsRateLimitError as error:
                self._wait_after_rate_limit(error, pauses)
                if self._job_list.is_stale or self.plan(days).submit != (days,):
                    return self.adopt_or_submit(days)
            except BulkExportsError as error:
                if not is_outcome_unknown(error):
                    raise
                found = self._find_created_job(days, error, known_before)
                if found is None:
                    return self.adopt_or_submit(days)
                return self._keep_one(found, days, known_before, is_own=self._request.adopts_own)
            else:
                return self._keep_one(job, days, known_before, is_own=True)

    def _start_again(self, days: DayRange) -> list[str]:
        self.refresh()
        self.wait_for_other_tasks(is_retry=False)
        return self.adopt_or_submit(days)

    def _warn_if_paid_twice(self, days: DayRange) -> None:
        own = {self._request.identity, *self._request.adopts}
        name = base_of(Job("", friendly_name=self._name))
        for job, again in days_paid_twice(days, self._job_list.jobs, name=name, own=own):
            self._log.warning(
                "Paying twice for %s: job %s (%s) of another run of this task already exports it. If the runs are not "
                "meant to overlap, give each its own start_day and end_day",
                again,
                job.job_sid,
                job.friendly_name,
            )

    def _create_job(self, days: DayRange) -> Job:
        request = self._request
        job = self._client.create_job(
            request.resource_type,
            start_day=days.start,
            end_day=days.end,
            friendly_name=self._name,
            webhook_url=request.webhook_url,
            webhook_method=request.webhook_method,
            email=request.email,
        )
        self._log.info(
            "Submitted job %s: %s %s, %s of today's quota",
            *(job.job_sid, request.resource_type, days, counted(len(days), "day")),
        )
        return job

    def _wait_after_rate_limit(self, error: BulkExportsRateLimitError, pauses: Iterator[float]) -> None:
        """
        Pause and read the list again; once more while the list cannot be read.

        :param pauses: Pauses that are left.
        :raises BulkExportsQuotaError: if none is left and only submissions are rejected.
        """
        for pause in pauses:
            self._log.warning(
                "Twilio did not process the submission; sending it again in %.0f s: %s", pause, error.what
            )
            self._guard.sleep(pause)
            try:
                self.refresh()
                return
            except BulkExportsError as failed:
                if not failed.is_transient:
                    raise
                self._log.warning("Cannot read the Jobs list yet: %s", failed.what)
        # If every request of the account is rejected, this one raises that: an overload, not the quota.
        next(self._client.list_jobs(self._request.resource_type), None)
        why = "Every submission has been rejected this way for several minutes while other requests succeed."
        raise as_quota_error(error, why=why) from error

    def _find_created_job(self, days: DayRange, error: BulkExportsError, known_before: Collection[str]) -> Job | None:
        """The job of a lost response; ``None`` if it does not exist and may be submitted again."""
        self._lost_responses[days] += 1

        def search() -> Sequence[Job]:
            return equal_jobs(self._request.identity, days, self.refresh(), ignore=known_before)

        found = find_created_jobs(
            search,
            error,
            name=self._name,
            may_resend=self._lost_responses[days] < _MAX_POSTS,
            guard=self._guard,
            log=self._log,
        )
        by_age = sort_by_age(self._job_list.jobs, known_before=known_before).oldest_first
        job = next((job for job in by_age if job in found), None)
        if job:
            self._log.info("Found the job of the lost response: %s", job.job_sid)
        return job

    def _keep_one(self, job: Job, days: DayRange, known_before: Collection[str], *, is_own: bool) -> list[str]:
        """Sid of the job, or of an older one that another task submitted at the same time."""
        if is_own:
            self._guard.register(job.job_sid)
        request = self._request
        resolver = DuplicateResolver(
            self._client,
            request.resource_type,
            request.identity,
            days,
            self._log,
            self._guard,
            is_shared=not request.adopts_own,
        )
        kept = resolver.resolve(job, known_before=known_before, is_own=is_own)
        if kept is not None:
            return [kept]
        self._log.warning("The job adopted instead of %s no longer exists; checking the Jobs list again", job.job_sid)
        return self._start_again(days)
