"""
Submit once: look for the task's own jobs before a POST, and after one whose outcome is unknown.

    list ──> all days served? ──yes──> adopt
      │            │ no
      │            └─ an earlier try may have died after its POST: look once more, a little later
      └──> POST ──> 201: done
                ├─> no usable answer: look until Twilio lists the job; if it does not, fail, to be retried
                ├─> 429 on and on, though the list can be read ─┐
                └─> refused in words that speak of the quota ───┴──> BulkExportsQuotaError

A POST without an answer is never repeated here, even when the list does not have the job: the request may still be on
its way. The task's retry looks again, after Airflow's own delay, and only then submits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.api.models import DayRange, Job, ResourceType
from airflow_provider_bulkexports.api.quota import as_quota_error
from airflow_provider_bulkexports.cancelling import JobGuard
from airflow_provider_bulkexports.compat import Log
from airflow_provider_bulkexports.exceptions import (
    BulkExportsConnectionError,
    BulkExportsError,
    BulkExportsRateLimitError,
    BulkExportsResponseError,
    BulkExportsServerError,
)
from airflow_provider_bulkexports.planning.identity import friendly_name
from airflow_provider_bulkexports.planning.plan import ExportPlan, jobs_of, plan_exports
from airflow_provider_bulkexports.planning.progress import own_range

__all__ = ["ExportRequest", "submit"]

#: After these, Twilio may or may not have created the job.
_OUTCOME_UNKNOWN = (BulkExportsConnectionError, BulkExportsServerError, BulkExportsResponseError)

#: Seconds before each further look for a job that may have been created; with the client's own retries they outlast an
#: outage of a quarter of an hour.
_LOOK_UP_PAUSES = (5.0, 10.0, 20.0, 40.0, 60.0, 60.0, 60.0, 120.0, 120.0, 120.0, 120.0, 120.0)

#: Seconds after which a list that can be read and does not have the job is believed.
_BELIEVED_ABSENT_AFTER = 120.0

#: Seconds before each further POST after 429, which Twilio never processes. An overload passes within them.
_TOO_MANY_REQUESTS_PAUSES = (15.0, 30.0, 60.0, 120.0, 240.0)

#: Seconds that a job may take to appear in the list, as far as a retry is concerned.
_LISTED_AFTER = 30.0


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """
    What a task wants exported.

    :param name: Text before the marker in the jobs' FriendlyName.
    :param identity: By what its new jobs are known; see
        :func:`airflow_provider_bulkexports.planning.identity.identity_of`.
    :param adopts: Identities whose jobs serve it as well as new ones.
    """

    resource_type: ResourceType
    days: DayRange
    name: str
    identity: str
    adopts: tuple[str, ...] = ()
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
    known = list(client.list_jobs(request.resource_type))
    plan = plan_exports(request.days, known, identities=request.adopts)
    if plan.submit and is_retry and request.adopts:
        log.info("An earlier try may have submitted a job just now: looking again in %.0f s", _LISTED_AFTER)
        guard.sleep(_LISTED_AFTER)
        known = list(client.list_jobs(request.resource_type))
        plan = plan_exports(request.days, known, identities=request.adopts)
    _tell(plan, log)
    for job in plan.adopt:
        guard.take(job.job_sid)
    submission = _Submission(client, request, today=today, log=log, guard=guard, known=known)
    sids = [job.job_sid for job in plan.adopt]
    return sids + [submission.create(days).job_sid for days in plan.submit]


def _tell(plan: ExportPlan, log: Log) -> None:
    for job in plan.adopt:
        log.info("Adopted job %s (%s), which an earlier try of this task submitted", job.job_sid, job.friendly_name)
    for job in plan.spare:
        kept = ", ".join(adopted.job_sid for adopted in plan.adopt) or "a new one"
        log.warning(
            "Job %s (%s) is this task's too. It is not needed and left alone: %s stays in use. "
            "DeleteExportJobOperator takes what is unfinished out of Twilio's queue; the quota is spent.",
            job.job_sid,
            job.friendly_name,
            kept,
        )


class _Submission:
    """The POSTs of one request, and what follows those that go wrong."""

    def __init__(
        self,
        client: BulkExportsClient,
        request: ExportRequest,
        *,
        today: date,
        log: Log,
        guard: JobGuard,
        known: Iterable[Job],
    ) -> None:
        self._client = client
        self._request = request
        self._name = friendly_name(request.name, identity=request.identity, today=today)
        self._log = log
        self._guard = guard
        self._known_sids = {job.job_sid for job in known}

    def create(self, days: DayRange) -> Job:
        """Create a job for the days, once."""
        try:
            job = self._post(days, _TOO_MANY_REQUESTS_PAUSES)
            self._log.info(
                "Submitted job %s: %s %s, %d days of today's quota",
                job.job_sid,
                self._request.resource_type,
                days,
                len(days),
            )
        except _OUTCOME_UNKNOWN as error:
            self._log.warning(
                "It is unknown whether Twilio created the job; looking for %r in its list: %s", self._name, error
            )
            job = self._created_after_all(days, error)
            self._log.info("Twilio had created it: job %s", job.job_sid)
        self._known_sids.add(job.job_sid)
        self._guard.take(job.job_sid)
        return job

    def _post(self, days: DayRange, pauses: Sequence[float]) -> Job:
        self._guard.check()
        request = self._request
        try:
            return self._client.create_job(
                request.resource_type,
                start_day=days.start,
                end_day=days.end,
                friendly_name=self._name,
                webhook_url=request.webhook_url,
                webhook_method=request.webhook_method,
                email=request.email,
            )
        except BulkExportsRateLimitError as error:
            if not pauses:
                # Raises what it says itself if the whole account is refused: that is an overload, and no quota.
                next(self._client.list_jobs(request.resource_type), None)
                why = "It has answered so to every submission for minutes, but not to other requests."
                raise as_quota_error(error, why=why) from error
            self._log.warning("Twilio did not process the submission; it is sent again in %.0f s: %s", pauses[0], error)
            self._guard.sleep(pauses[0])
            return self._post(days, pauses[1:])

    def _created_after_all(self, days: DayRange, error: BulkExportsError) -> Job:
        """Look for the job until it is there, or surely not; through an outage that outlasts the client's retries."""
        absent_for: float | None = None
        for pause in (0.0, *_LOOK_UP_PAUSES):
            if pause:
                self._guard.sleep(pause)
            try:
                listed = list(self._client.list_jobs(self._request.resource_type))
            except BulkExportsError as failed:
                if not failed.is_transient:
                    raise
                self._log.warning("The list of jobs cannot be read yet: %s", failed)
                continue
            for job in jobs_of((self._request.identity,), listed):
                if job.job_sid not in self._known_sids and own_range(job) in (days, None):
                    return job
            absent_for = 0.0 if absent_for is None else absent_for + pause
            if absent_for >= _BELIEVED_ABSENT_AFTER:
                break
        seen = "Twilio's list could not be read" if absent_for is None else "Twilio does not list it"
        raise BulkExportsConnectionError(
            f"It cannot be told whether Twilio created {self._name!r}: its answer was lost, and {seen}. The task's "
            f"next try looks for the job again before it submits; clear the task if this was its last. ({error})"
        ) from error
