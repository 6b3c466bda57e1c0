"""Submit once: look for the task's own jobs before a POST, and after one whose outcome is unknown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.api.models import DayRange, Job, ResourceType
from airflow_provider_bulkexports.compat import Log
from airflow_provider_bulkexports.exceptions import (
    BulkExportsConnectionError,
    BulkExportsError,
    BulkExportsResponseError,
    BulkExportsServerError,
)
from airflow_provider_bulkexports.planning.identity import friendly_name, read_marker
from airflow_provider_bulkexports.planning.plan import ExportPlan, plan_exports
from airflow_provider_bulkexports.planning.progress import own_range

__all__ = ["ExportRequest", "submit"]

#: After these, Twilio may or may not have created the job.
_OUTCOME_UNKNOWN = (BulkExportsConnectionError, BulkExportsServerError, BulkExportsResponseError)


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """
    What a task wants exported.

    :param name: Text before the marker in the jobs' FriendlyName.
    :param identity: See :func:`airflow_provider_bulkexports.planning.identity.identity_of`.
    """

    resource_type: ResourceType
    days: DayRange
    name: str
    identity: str
    webhook_url: str | None = None
    webhook_method: str | None = None
    email: str | None = None


def submit(
    client: BulkExportsClient,
    request: ExportRequest,
    *,
    if_exists: str,
    today: date,
    log: Log,
) -> list[str]:
    """
    Make sure that jobs for all wanted days exist, creating as few as possible.

    :param if_exists: ``adopt`` the jobs that a former try of the task submitted, or ``submit`` anew whatever exists.
    :param today: Current UTC day.
    :return: Job sids: the adopted ones, then the new ones.
    """
    known = list(client.list_jobs(request.resource_type))
    plan = plan_exports(request.days, known, identity=request.identity)
    if if_exists == "submit":
        plan = ExportPlan(adopt=(), submit=(request.days,))
    for job in plan.adopt:
        log.info("Adopted job %s (%s), which an earlier try of this task submitted", job.job_sid, job.friendly_name)
    for job in plan.spare:
        log.warning("Job %s (%s) is also this task's, but not needed; left alone", job.job_sid, job.friendly_name)
    sids = [job.job_sid for job in plan.adopt]
    known_sids = {job.job_sid for job in known}
    for days in plan.submit:
        job = _create(client, request, days, known_sids=known_sids, today=today, log=log)
        known_sids.add(job.job_sid)
        sids.append(job.job_sid)
    return sids


def _create(
    client: BulkExportsClient,
    request: ExportRequest,
    days: DayRange,
    *,
    known_sids: set[str],
    today: date,
    log: Log,
) -> Job:
    name = friendly_name(request.name, identity=request.identity, today=today)
    try:
        job = client.create_job(
            request.resource_type,
            start_day=days.start,
            end_day=days.end,
            friendly_name=name,
            webhook_url=request.webhook_url,
            webhook_method=request.webhook_method,
            email=request.email,
        )
    except _OUTCOME_UNKNOWN as error:
        log.warning("It is unknown whether Twilio created the job; looking for %r in its list: %s", name, error)
        job = _created_after_all(client, request, days, known_sids=known_sids, error=error)
        log.info("Twilio had created it: job %s", job.job_sid)
        return job
    log.info("Submitted job %s: %s %s, %d days of today's quota", job.job_sid, request.resource_type, days, len(days))
    return job


def _created_after_all(
    client: BulkExportsClient, request: ExportRequest, days: DayRange, *, known_sids: set[str], error: BulkExportsError
) -> Job:
    for job in client.list_jobs(request.resource_type):
        marker = read_marker(job)
        is_ours = marker is not None and marker.identity == request.identity
        if is_ours and job.job_sid not in known_sids and own_range(job) in (days, None):
            return job
    raise error
