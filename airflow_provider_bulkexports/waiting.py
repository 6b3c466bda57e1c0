"""
What is waited for, looked at once and without memory: jobs, or day files whoever had them made.

How looks follow each other is in ``watching.py``; how a wait ends, and what the task makes of it, in ``outcomes.py``.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timezone
from typing import NamedTuple, Protocol

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.api.models import (
    FILE_LIFETIME,
    DayRange,
    DayStatus,
    ExportDay,
    Job,
    ResourceType,
    parse_day,
    parse_job_sids,
)
from airflow_provider_bulkexports.exceptions import BulkExportsError, BulkExportsInputError, BulkExportsNotFoundError
from airflow_provider_bulkexports.outcomes import WaitEvent, WaitResult
from airflow_provider_bulkexports.planning.identity import read_marker
from airflow_provider_bulkexports.planning.naming import name_days
from airflow_provider_bulkexports.planning.progress import Progress, Verdict, own_range, progress_of, range_of

__all__ = ["Check", "DayWait", "JobWait", "Wait"]


class Check(NamedTuple):
    """What one look at the jobs showed; ``event`` is ``None`` while the wait goes on."""

    progress: Progress
    event: WaitEvent | None


class Wait(Protocol):
    """Anything that can be waited for."""

    @property
    def subject(self) -> str:
        """What it is, in a log line."""

    def check(self, client: BulkExportsClient) -> Check:
        """Look once; blocks."""


@dataclass(frozen=True, slots=True)
class JobWait:
    """
    Wait until the days of jobs are final.

    :param job_sids: Jobs that together cover the days.
    :param resource_type: Theirs, if known.
    :param start_day: First wanted UTC day; ``None``: the jobs' own.
    :param end_day: Last wanted UTC day, inclusive; ``None``: the jobs' own.
    """

    job_sids: tuple[str, ...]
    resource_type: ResourceType | None = None
    start_day: date | None = None
    end_day: date | None = None

    @classmethod
    def parse(
        cls, job_sid: object, *, resource_type: object = None, start_day: object = None, end_day: object = None
    ) -> JobWait:
        """
        Take a wait as a user wrote it.

        :param job_sid: A job sid or a list of them.
        :raises BulkExportsInputError: saying what to write instead.
        """
        wait = cls(
            job_sids=parse_job_sids(job_sid),
            resource_type=ResourceType.parse(resource_type) if resource_type else None,
            start_day=parse_day(start_day, name="start_day") if start_day else None,
            end_day=parse_day(end_day, name="end_day") if end_day else None,
        )
        if wait.start_day and wait.end_day:
            DayRange(wait.start_day, wait.end_day)
        return wait

    @property
    def subject(self) -> str:
        """The job sids."""
        return ", ".join(self.job_sids)

    def check(self, client: BulkExportsClient) -> Check:
        """
        Look at the jobs once.

        :raises BulkExportsNotFoundError: if Twilio does not know a job, asked twice.
        :raises BulkExportsInputError: if the jobs are not what was waited for.
        """
        jobs = [_fetch(client, sid) for sid in self.job_sids]
        days = self._days_in(jobs)
        progress = progress_of(jobs, days)
        if progress.verdict is Verdict.WAIT:
            return Check(progress, None)
        if progress.verdict is Verdict.DELETED:
            return Check(progress, self._deleted(progress))
        resource_type = self.resource_type or next((job.resource_type for job in jobs if job.resource_type), None)
        files = _files(client, resource_type, needed=bool(progress.unnamed_days))
        progress = name_days(progress, files)
        return Check(progress, _finished(progress, files, jobs, self.job_sids, resource_type))

    def _days_in(self, jobs: Sequence[Job]) -> DayRange:
        for job in jobs:
            if self.resource_type and job.resource_type and job.resource_type is not self.resource_type:
                raise BulkExportsInputError(
                    f"Job {job.job_sid} exports {job.resource_type}, not {self.resource_type}: correct resource_type"
                )
        if self.start_day and self.end_day:
            days = DayRange(self.start_day, self.end_day)
        else:
            whole = range_of(jobs)
            days = DayRange(self.start_day or whole.start, self.end_day or whole.end)
        ranges = [own for job in jobs if (own := own_range(job))]
        missing = [day for day in days if not any(day in own for own in ranges)]
        if missing and len(ranges) == len(jobs):
            raise BulkExportsInputError(
                f"{_listed(missing)} cannot become final: {', '.join(self.job_sids)} covers "
                f"{', '.join(map(str, ranges))} only; correct start_day and end_day"
            )
        return days

    def _deleted(self, progress: Progress) -> WaitEvent:
        lost = progress.with_status(DayStatus.DELETED_BY_USER_REQUEST, DayStatus.RUNNING_TO_BE_DELETED)
        which = f": {_listed(lost)} will not be exported" if lost else ""
        message = (
            f"Job {', '.join(self.job_sids)} was deleted{which}. "
            "Clear the task that submitted it: it submits the missing days again."
        )
        return WaitEvent(status="deleted", message=message, result=None)


@dataclass(frozen=True, slots=True)
class DayWait:
    """
    Wait until the files of days exist, whoever had them made.

    A day of which a listed job says that it has no records counts as well, since some such days have no file.
    """

    resource_type: ResourceType
    days: DayRange

    @property
    def subject(self) -> str:
        """The resource type and the days."""
        return f"{self.resource_type} of {self.days}"

    def check(self, client: BulkExportsClient) -> Check:
        """Look at the list of files once, and at the jobs if files are missing."""
        files = {entry.day: entry for entry in client.list_days(self.resource_type) if entry.day in self.days}
        states = dict.fromkeys(sorted(files), DayStatus.COMPLETED)
        if len(states) < len(self.days):
            said = progress_of(list(client.list_jobs(self.resource_type)), self.days)
            for day in said.with_status(DayStatus.COMPLETED_EMPTY_RECORDS):
                states.setdefault(day, DayStatus.COMPLETED_EMPTY_RECORDS)
        progress = Progress(self.days, states, unaccounted=len(self.days) - len(states))
        if progress.verdict is Verdict.WAIT:
            return Check(progress, None)
        return Check(progress, _finished(progress, files, [], (), self.resource_type))


def _finished(
    progress: Progress,
    files: Mapping[date, ExportDay],
    jobs: Sequence[Job],
    job_sids: Sequence[str],
    resource_type: ResourceType | None,
) -> WaitEvent:
    result = WaitResult(
        job_sids=list(job_sids),
        resource_type=resource_type.value if resource_type else None,
        start_day=progress.days.start.isoformat(),
        end_day=progress.days.end.isoformat(),
        completed=_iso(progress.with_status(DayStatus.COMPLETED)),
        empty=_iso(progress.with_status(DayStatus.COMPLETED_EMPTY_RECORDS)),
        failed=_iso(progress.with_status(DayStatus.FAILED)),
        expires_at=_expires_at(progress, files, jobs),
    )
    return WaitEvent(status="finished", message="", result=result)


def _fetch(client: BulkExportsClient, job_sid: str) -> Job:
    try:
        return client.get_job(job_sid)
    except BulkExportsNotFoundError:
        pass
    try:
        # A single 404 may come from a server that does not know the new job yet.
        return client.get_job(job_sid)
    except BulkExportsNotFoundError as error:
        raise BulkExportsNotFoundError(
            f"Twilio does not know job {job_sid}: it was deleted, finished more than seven days ago, or belongs to "
            f"another account than the connection's. Clear the task that submitted it to submit it again. ({error})",
            status=error.status,
            code=error.code,
            twilio_message=error.twilio_message,
            more_info=error.more_info,
            request_id=error.request_id,
        ) from error


def _files(client: BulkExportsClient, resource_type: ResourceType | None, *, needed: bool) -> dict[date, ExportDay]:
    """The newest file of each day; nothing if the list cannot be had and is not needed to name the days."""
    if resource_type is None:
        return {}
    try:
        return {entry.day: entry for entry in client.list_days(resource_type)}
    except BulkExportsError as error:
        if needed and error.is_transient:
            raise
        logging.getLogger(__name__).info("Going on without the list of day files: %s", error)
        return {}


def _expires_at(progress: Progress, files: Mapping[date, ExportDay], jobs: Sequence[Job]) -> str | None:
    """Seven days after the oldest file's creation; failing that, after the earliest day it can have been created."""
    created = [
        entry.create_date
        for day in progress.with_status(DayStatus.COMPLETED, DayStatus.COMPLETED_EMPTY_RECORDS)
        if (entry := files.get(day)) and entry.create_date
    ]
    if not created:
        markers = [marker for job in jobs if (marker := read_marker(job))]
        created = [datetime.strptime(marker.submitted_on, "%Y%m%d").date() for marker in markers]
    if not created:
        return None
    first = min(created)
    return (datetime(first.year, first.month, first.day, tzinfo=timezone.utc) + FILE_LIFETIME).isoformat()


def _iso(days: Iterable[date]) -> list[str]:
    return [day.isoformat() for day in days]


def _listed(days: Iterable[date]) -> str:
    return ", ".join(_iso(days))
