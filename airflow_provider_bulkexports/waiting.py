"""
What is waited for, looked at once and without memory: jobs, or day files whoever had them made.

How looks follow each other is in ``watching.py``; how a wait ends, and what the task makes of it, in ``outcomes.py``.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from operator import is_
from typing import NamedTuple, Protocol

from airflow_provider_bulkexports.api.models import (
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
from airflow_provider_bulkexports.planning.progress import (
    Progress,
    Verdict,
    is_finished,
    own_range,
    progress_of,
    range_of,
)
from airflow_provider_bulkexports.retention import expires_at

__all__ = ["Check", "DayWait", "JobWait", "Source", "Wait"]

#: Looks at the files for each look at the jobs, while no job works on a wanted day.
_IDLE_LOOKS = 10


class Source(Protocol):
    """Who is asked: a client (``BulkExportsClient``), or one look of many waits (``Round``)."""

    def get_job(self, job_sid: str) -> Job:
        """Fetch one job."""

    def list_jobs(self, resource_type: str) -> Iterable[Job]:
        """List the jobs of a resource type."""

    def list_days(self, resource_type: str) -> Iterable[ExportDay]:
        """List the day files of a resource type."""


class Check(NamedTuple):
    """
    What one look showed.

    :param event: How the wait ended; ``None`` while it goes on.
    :param evidence: What the progress was concluded from, for the next look to compare with.
    """

    progress: Progress
    event: WaitEvent | None
    evidence: object = None


class Wait(Protocol):
    """Anything that can be waited for."""

    @property
    def subject(self) -> str:
        """What it is, in a log line."""

    def check(self, source: Source, previous: Check | None = None) -> Check:
        """Look once; blocks. ``previous`` is what the last look showed, if there was one."""


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

    def check(self, source: Source, previous: Check | None = None) -> Check:
        """
        Look at the jobs once.

        :raises BulkExportsNotFoundError: if Twilio does not know a job, asked twice.
        :raises BulkExportsInputError: if the jobs are not what was waited for.
        """
        jobs = [_fetch(source, sid) for sid in self.job_sids]
        if previous and previous.event is None and isinstance(evidence := previous.evidence, list):
            if all(map(is_, jobs, evidence)):
                return previous
            if all(map(_is_as_far, jobs, evidence)):
                return Check(previous.progress.with_outlook(jobs), None, jobs)
        days = self._days_in(jobs)
        progress = progress_of(jobs, days)
        if progress.verdict is Verdict.WAIT:
            return Check(progress, None, jobs)
        if progress.verdict is Verdict.DELETED:
            return Check(progress, self._deleted(progress))
        resource_type = self.resource_type or next((job.resource_type for job in jobs if job.resource_type), None)
        if progress.unnamed_days:
            progress = name_days(progress, _files(source, resource_type))
        markers = [marker for job in jobs if (marker := read_marker(job))]
        created = [marker.day for marker in markers] if len(markers) == len(jobs) else []
        return Check(progress, _finished(progress, created, self.job_sids, resource_type))

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
        covered = any(own.start <= days.start and days.end <= own.end for own in ranges)
        missing = [] if covered else [day for day in days if not any(day in own for own in ranges)]
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

    def check(self, source: Source, previous: Check | None = None) -> Check:
        """Look at the list of files once, and, if files are missing, at the jobs for days without records."""
        files = [entry for entry in source.list_days(self.resource_type) if entry.day in self.days]
        states = dict.fromkeys(sorted(entry.day for entry in files), DayStatus.COMPLETED)
        looks_left = 0
        if len(states) < len(self.days):
            looks_left = previous.evidence - 1 if previous and isinstance(previous.evidence, int) else 0
            if looks_left <= 0:
                states, looks_left = self._with_empty_days(states, source)
        progress = Progress(self.days, states, unaccounted=len(self.days) - len(states))
        if progress.verdict is Verdict.WAIT:
            return Check(progress, None, looks_left)
        created = [entry.create_date for entry in files if entry.create_date]
        return Check(progress, _finished(progress, created, (), self.resource_type))

    def _with_empty_days(self, states: Mapping[date, DayStatus], source: Source) -> tuple[dict[date, DayStatus], int]:
        """Add days that a job calls empty; and after how many looks it is worth to ask about the jobs again."""
        jobs = [job for job in source.list_jobs(self.resource_type) if _overlap(own_range(job) or self.days, self.days)]
        said = progress_of(jobs, self.days)
        is_being_made = not all(map(is_finished, jobs))
        empty = dict.fromkeys(said.with_status(DayStatus.COMPLETED_EMPTY_RECORDS), DayStatus.COMPLETED_EMPTY_RECORDS)
        return {**empty, **states}, 1 if is_being_made else _IDLE_LOOKS


def _finished(
    progress: Progress,
    created: Iterable[date],
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
        expires_at=expires_at(created),
    )
    return WaitEvent(status="finished", message="", result=result)


def _is_as_far(one: Job, other: Job) -> bool:
    """Whether the days of a job stand as they stood."""
    return one.details == other.details and one.start_day == other.start_day and one.end_day == other.end_day


def _fetch(source: Source, job_sid: str) -> Job:
    try:
        return source.get_job(job_sid)
    except BulkExportsNotFoundError:
        pass
    try:
        # A single 404 may come from a server that does not know the new job yet.
        return source.get_job(job_sid)
    except BulkExportsNotFoundError as error:
        raise error.restated(
            f"Twilio does not know job {job_sid}: it was deleted, finished more than seven days ago, or belongs to "
            f"another account than the connection's. Clear the task that submitted it to submit it again. ({error})",
            BulkExportsNotFoundError,
        ) from error


def _files(source: Source, resource_type: ResourceType | None) -> set[date]:
    """Days of which there is a file; without the permission to list them, none is known."""
    if resource_type is None:
        return set()
    try:
        return {entry.day for entry in source.list_days(resource_type)}
    except BulkExportsError as error:
        if error.is_transient:
            raise
        logging.getLogger(__name__).info("Going on without the list of day files: %s", error)
        return set()


def _overlap(one: DayRange, other: DayRange) -> bool:
    return one.start <= other.end and other.start <= one.end


def _iso(days: Iterable[date]) -> list[str]:
    return [day.isoformat() for day in days]


def _listed(days: Iterable[date]) -> str:
    return ", ".join(_iso(days))
