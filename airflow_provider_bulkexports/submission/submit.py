"""
Submit once: look for the task's own jobs before a POST, and again after it.

    list ──> all days served? ──yes──> adopt
      │            │ no
      │            └─ an earlier try may have died after its POST: look once more, a little later
      └──> POST, within seconds of the look
            ├──> 201: look again; of several jobs that were submitted at once, keep one (``rivalry.py``)
            ├──> no usable answer: look until Twilio lists the job, or surely does not; then POST once more
            ├──> 429 on and on, though the list can be read ─┐
            └──> refused in words that speak of the quota ───┴──> BulkExportsQuotaError

After a POST without an answer the request may still be on its way, so its absence is believed later than after an
answered failure, and never more than two are sent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.api.quota_refusals import as_quota_error
from airflow_provider_bulkexports.compat import Log
from airflow_provider_bulkexports.exceptions import (
    BulkExportsConnectionError,
    BulkExportsError,
    BulkExportsRateLimitError,
)
from airflow_provider_bulkexports.model.days import DayRange
from airflow_provider_bulkexports.model.resources import Job, ResourceType
from airflow_provider_bulkexports.planning.adoption import (
    ExportPlan,
    is_order_open,
    paid_before,
    plan_exports,
    rivals_of,
)
from airflow_provider_bulkexports.planning.identity import base_of, friendly_name
from airflow_provider_bulkexports.planning.job_age import seniority_of
from airflow_provider_bulkexports.submission.cancellation import JobGuard
from airflow_provider_bulkexports.submission.duplicates import Rivalry
from airflow_provider_bulkexports.submission.job_list import Listing
from airflow_provider_bulkexports.submission.lost_responses import is_outcome_unknown, search_for_job

__all__ = ["ExportRequest", "submit"]

#: POSTs for the same days, of which all but the last surely failed.
_MOST_POSTS = 2

#: Seconds before each further POST after 429, which Twilio never processes. An overload passes within them.
_TOO_MANY_REQUESTS_PAUSES = (15.0, 30.0, 60.0, 120.0, 240.0)

#: Seconds that a job may take to appear in the list, as far as a retry is concerned.
_LISTED_AFTER = 30.0

#: Seconds, and how often, to wait for a job that other tasks seem to be taking back.
_RACE_PAUSE, _RACE_PAUSES = 2.5, 6


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """
    What a task wants exported.

    :param name: Text before the marker in the jobs' FriendlyName.
    :param identity: By what its new jobs are known; see
        :func:`airflow_provider_bulkexports.planning.identity.identity_of`.
    :param adopts: Identities whose jobs serve it as well as new ones.
    :param adopts_own: Whether jobs that it adopts can only be the task's own, and not another mapped task's.
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
    :param guard: Told of every job, and asked before every step.
    :param is_retry: Whether an earlier try may have submitted a job that is not listed yet.
    :return: Job sids: the adopted ones, then the new ones.
    :raises BulkExportsQuotaError: if the days of this UTC day are spent.
    :raises BulkExportsConnectionError: if it cannot be told whether a job was created.
    """
    submission = _Submission(client, request, today=today, log=log, guard=guard)
    submission.look()
    if is_retry and request.adopts and submission.plan(request.days).submit:
        log.info("An earlier try may have submitted a job just now: looking again in %.0f s", _LISTED_AFTER)
        guard.sleep(_LISTED_AFTER)
        submission.look()
    submission.await_end_of_race(is_retry=is_retry)
    _tell(submission.plan(request.days), log)
    return submission.serve(request.days)


def _tell(plan: ExportPlan, log: Log) -> None:
    for job in plan.duplicates:
        kept = ", ".join(adopted.job_sid for adopted in plan.adopt) or "a new one"
        log.warning(
            "Job %s (%s) is this task's too. It is not needed and left alone: %s stays in use. "
            "DeleteExportJobOperator takes what is unfinished out of Twilio's queue; the quota is spent.",
            job.job_sid,
            job.friendly_name,
            kept,
        )


class _Submission:
    """The looks and POSTs of one request, and what follows those that go wrong."""

    def __init__(
        self, client: BulkExportsClient, request: ExportRequest, *, today: date, log: Log, guard: JobGuard
    ) -> None:
        self._client = client
        self._request = request
        self._name = friendly_name(request.name, identity=request.identity, today=today)
        self._log = log
        self._guard = guard
        self._listing = Listing(client, request.resource_type)
        self.look = self._listing.look
        self._lost_answers: Counter[DayRange] = Counter()
        self._too_many: Counter[DayRange] = Counter()

    def plan(self, days: DayRange) -> ExportPlan:
        """What to use of the jobs that the last look showed, and what to submit."""
        return plan_exports(days, self._listing.jobs, identities=self._request.adopts)

    def await_end_of_race(self, *, is_retry: bool) -> None:
        """
        Give other tasks, which seem to have submitted the same just now, the time to agree which job is first.

        One that is left is believed when it has been seen twice: by then its task has looked for others', too.
        """
        before: set[str] = set()
        for _ in range(_RACE_PAUSES):
            plan = self.plan(self._request.days)
            rivals = [job for job in (*plan.duplicates, *plan.adopt) if not job.is_finished]
            if len(rivals) < (2 if self._request.adopts_own and is_retry else 1):
                return
            sids = {job.job_sid for job in rivals}
            if not is_order_open(rivals, self._listing.jobs) or (len(sids) == 1 and sids == before):
                return
            before = sids
            pause = max(_RACE_PAUSE, self._listing.pause)
            self._log.info("Other tasks seem to submit the same days: looking again in %.0f s", pause)
            self._guard.sleep(pause)
            self.look()

    def serve(self, days: DayRange) -> list[str]:
        """Adopt what the last look showed, submit the rest; sids of the adopted jobs, then of the new ones."""
        plan = self.plan(days)
        for job in plan.adopt:
            self._log.info(
                "Adopted job %s (%s), submitted by an earlier try or a mapped task", job.job_sid, job.friendly_name
            )
            if self._request.adopts_own:
                self._guard.take(job.job_sid)
        sids = [job.job_sid for job in plan.adopt]
        for missing in plan.submit:
            sids += self._submit(missing)
        return sids

    def _submit(self, days: DayRange) -> list[str]:
        """Submit a job for the days, once, unless it turns out that another one has them."""
        self._guard.check()
        if self._listing.is_stale:
            return self._look_and_serve(days)
        self._warn_of_paying_twice(days)
        known_before = self._listing.sids
        is_own = True
        try:
            job = self._post(days)
        except BulkExportsRateLimitError as error:
            self._wait_out(days, error)
            return self.serve(days)
        except BulkExportsError as error:
            if not is_outcome_unknown(error):
                raise
            found = self._find_created_job(days, error, known_before)
            if found is None:
                return self.serve(days)
            job, is_own = found, self._request.adopts_own
        else:
            self._log.info(
                "Submitted job %s: %s %s, %d days of today's quota",
                job.job_sid,
                self._request.resource_type,
                days,
                len(days),
            )
        return self._keep_one(job, days, known_before, is_own=is_own)

    def _keep_one(self, job: Job, days: DayRange, known_before: Collection[str], *, is_own: bool) -> list[str]:
        if is_own:
            self._guard.take(job.job_sid)
        request = self._request
        rivalry = Rivalry(
            self._client,
            request.resource_type,
            request.identity,
            days,
            self._log,
            self._guard,
            is_shared=not request.adopts_own,
        )
        kept = rivalry.settle(job, known_before=known_before, is_own=is_own)
        if kept is not None:
            return [kept]
        self._log.warning("The job that was adopted instead of %s is gone; looking again", job.job_sid)
        return self._look_and_serve(days)

    def _look_and_serve(self, days: DayRange) -> list[str]:
        self.look()
        self.await_end_of_race(is_retry=False)
        return self.serve(days)

    def _find_created_job(self, days: DayRange, error: BulkExportsError, known_before: Collection[str]) -> Job | None:
        """The job of a lost answer; ``None`` if there surely is none, and it may be submitted again."""
        self._log.warning(
            "It is unknown whether Twilio created the job; looking for %r in its list: %s", self._name, error
        )
        self._lost_answers[days] += 1

        def look() -> Sequence[Job]:
            return rivals_of(self._request.identity, days, self.look(), besides=known_before)

        search = search_for_job(look, error, guard=self._guard, log=self._log)
        if search.found:
            by_age = seniority_of(self._listing.jobs, known_before=known_before).oldest_first
            job = next(job for job in by_age if job in search.found)
            self._log.info("Twilio had created it: job %s", job.job_sid)
            return job
        if search.is_absence_certain and self._lost_answers[days] < _MOST_POSTS:
            self._log.warning(
                "Twilio has not listed the job for %.0f s, so it was not created: submitting it again",
                search.absent_for,
            )
            return None
        seen = "Twilio's list could not be read" if search.absent_for is None else "Twilio does not list it"
        raise BulkExportsConnectionError(
            f"It cannot be told whether Twilio created {self._name!r}: its answer was lost, and {seen}. The task's "
            f"next try looks for the job again before it submits; clear the task if this was its last. ({error})"
        ) from error

    def _warn_of_paying_twice(self, days: DayRange) -> None:
        besides = {self._request.identity, *self._request.adopts}
        name = base_of(Job("", friendly_name=self._name))
        for job, again in paid_before(days, self._listing.jobs, name=name, besides=besides):
            self._log.warning(
                "%s is paid twice: job %s (%s), of another run of this task, exports it already. If the runs are not "
                "meant to overlap, give each its own start_day and end_day",
                again,
                job.job_sid,
                job.friendly_name,
            )

    def _post(self, days: DayRange) -> Job:
        request = self._request
        return self._client.create_job(
            request.resource_type,
            start_day=days.start,
            end_day=days.end,
            friendly_name=self._name,
            webhook_url=request.webhook_url,
            webhook_method=request.webhook_method,
            email=request.email,
        )

    def _wait_out(self, days: DayRange, error: BulkExportsRateLimitError) -> None:
        """Wait after 429 and look again; for minutes, and then it is the quota, or an overload of everything."""
        while (refusals := self._too_many[days]) < len(_TOO_MANY_REQUESTS_PAUSES):
            self._too_many[days] += 1
            pause = _TOO_MANY_REQUESTS_PAUSES[refusals]
            self._log.warning("Twilio did not process the submission; it is sent again in %.0f s: %s", pause, error)
            self._guard.sleep(pause)
            try:
                self.look()
                return
            except BulkExportsError as failed:
                if not failed.is_transient:
                    raise
                self._log.warning("The list of jobs cannot be read yet: %s", failed)
        # Raises what it says itself if the whole account is refused: that is an overload, and no quota.
        next(self._client.list_jobs(self._request.resource_type), None)
        why = "It has answered so to every submission for minutes, but not to other requests."
        raise as_quota_error(error, why=why) from error
