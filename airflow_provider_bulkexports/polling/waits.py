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

from airflow_provider_bulkexports.exceptions import BulkExportsError, BulkExportsInputError, BulkExportsNotFoundError
from airflow_provider_bulkexports.model.days import DayRange, parse_day
from airflow_provider_bulkexports.model.details import DayStatus
from airflow_provider_bulkexports.model.plain import listed
from airflow_provider_bulkexports.model.resources import ExportDay, Job, ResourceType, parse_job_sids
from airflow_provider_bulkexports.model.results import WaitEvent, WaitResult
from airflow_provider_bulkexports.planning.coverage import awaited_days
from airflow_provider_bulkexports.planning.expiry import earliest_expiry
from airflow_provider_bulkexports.planning.identity import read_marker
from airflow_provider_bulkexports.planning.job_days import _is_as_far, _overlap
from airflow_provider_bulkexports.planning.progress import (
    Progress,
    Verdict,
    progress_of,
    resolve_unnamed_days,
)

__all__ = ["CheckResult", "DayWait", "ExportsReader", "JobWait", "StaleCredentialsError", "Wait"]

#: Looks at the files for each look at the jobs, while no job works on a wanted day.
_IDLE_LOOKS = 10


class ExportsReader(Protocol):
    """Who is asked: a client (``BulkExportsClient``), or one look of many waits (``PollRound``)."""

    def get_job(self, job_sid: str) -> Job:
        """Fetch one job."""

    def list_jobs(self, resource_type: str) -> Iterable[Job]:
        """List the jobs of a resource type."""

    def list_days(self, resource_type: str) -> Iterable[ExportDay]:
        """List the day files of a resource type."""


class StaleCredentialsError(Exception):
    """Raised by a source that refuses the whole poll: its credentials may have been replaced. No fault of a wait."""


class CheckResult(NamedTuple):
    """
    What one look showed.

    :param event: How the wait ended; ``None`` while it goes on.
    :param evidence: What the progress was concluded from, for the next look to compare with.
    :param failure: Why the poll failed although the days are final.
    :param fallback: How the wait ends if it keeps failing in this way.
    """

    progress: Progress
    event: WaitEvent | None
    basis: object = None
    failure: BulkExportsError | None = None
    fallback: WaitEvent | None = None


class Wait(Protocol):
    """Anything that can be waited for."""

    @property
    def subject(self) -> str:
        """What it is, in a log line."""

    def check(self, source: ExportsReader, previous: CheckResult | None = None) -> CheckResult:
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
        return listed(self.job_sids, most=10)

    def check(self, source: ExportsReader, previous: CheckResult | None = None) -> CheckResult:
        """
        Look at the jobs once.

        :raises BulkExportsNotFoundError: if Twilio does not know a job, asked twice.
        :raises BulkExportsInputError: if the jobs are not what was waited for.
        """
        jobs = [_fetch(source, sid) for sid in self.job_sids]
        if previous and previous.event is None and isinstance(basis := previous.basis, list):
            if all(map(is_, jobs, basis)):
                return previous
            if all(map(_is_as_far, jobs, basis)):
                return CheckResult(previous.progress.with_estimate(jobs), None, jobs)
        days = self._days_in(jobs, previous)
        progress = progress_of(jobs, days)
        if progress.verdict is Verdict.WAIT:
            return CheckResult(progress, None, jobs)
        if progress.verdict is Verdict.DELETED:
            return CheckResult(progress, self._deleted(progress))
        resource_type = self.resource_type or next((job.resource_type for job in jobs if job.resource_type), None)
        markers = [marker for job in jobs if (marker := read_marker(job))]
        created = [marker.day for marker in markers] if len(markers) == len(jobs) else []

        def finished(named: Progress) -> WaitEvent:
            return _finished(named, created, self.job_sids, resource_type)

        if not progress.unnamed_days:
            return CheckResult(progress, finished(progress))
        try:
            named = resolve_unnamed_days(progress, _files(source, resource_type))
        except BulkExportsError as error:  # passing; by the list's absence alone no day is said to have failed
            fallback = (
                None if progress.unnamed.get(DayStatus.FAILED) else finished(resolve_unnamed_days(progress, None))
            )
            return CheckResult(progress, None, failure=error, fallback=fallback)
        return CheckResult(named, finished(named))

    def _days_in(self, jobs: Sequence[Job], previous: CheckResult | None) -> DayRange:
        for job in jobs:
            if self.resource_type and job.resource_type and job.resource_type is not self.resource_type:
                raise BulkExportsInputError(
                    f"Job {job.job_sid} exports {job.resource_type}, not {self.resource_type}: correct resource_type"
                )
        former = previous.progress.days if previous else None
        return awaited_days(jobs, start_day=self.start_day, end_day=self.end_day, former=former)

    def _deleted(self, progress: Progress) -> WaitEvent:
        lost = progress.with_status(DayStatus.DELETED_BY_USER_REQUEST, DayStatus.RUNNING_TO_BE_DELETED)
        which = f": {listed(lost)} will not be exported" if lost else ""
        message = (
            f"Job {self.subject} was deleted{which}. "
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

    def check(self, source: ExportsReader, previous: CheckResult | None = None) -> CheckResult:
        """Look at the list of files once, and, if files are missing, at the jobs for days without records."""
        files = [entry for entry in source.list_days(self.resource_type) if entry.day in self.days]
        states = dict.fromkeys(sorted(entry.day for entry in files), DayStatus.COMPLETED)
        looks_left, jobs = 0, list[Job]()
        if len(states) < len(self.days):
            looks_left = previous.basis - 1 if previous and isinstance(previous.basis, int) else 0
            if looks_left <= 0:
                jobs = self._jobs(source)
                states = self._with_empty_days(states, jobs)
                looks_left = _IDLE_LOOKS if all(job.is_finished for job in jobs) else 1
        progress = Progress(self.days, states, unaccounted=len(self.days) - len(states)).with_estimate(jobs)
        if progress.verdict is Verdict.WAIT:
            return CheckResult(progress, None, looks_left)
        created = [entry.create_date for entry in files if entry.create_date]
        return CheckResult(progress, _finished(progress, created, (), self.resource_type))

    def _jobs(self, source: ExportsReader) -> list[Job]:
        """The jobs that may work on a wanted day."""
        return [job for job in source.list_jobs(self.resource_type) if _overlap(job.days or self.days, self.days)]

    def _with_empty_days(self, states: Mapping[date, DayStatus], jobs: Iterable[Job]) -> dict[date, DayStatus]:
        """Add days that a job calls empty, by name or, if it says which days it covers, by its counts."""
        said = progress_of([job for job in jobs if job.days or _names_all_days(job)], self.days)
        empty = dict.fromkeys(said.with_status(DayStatus.COMPLETED_EMPTY_RECORDS), DayStatus.COMPLETED_EMPTY_RECORDS)
        return {**empty, **states}


def _finished(
    progress: Progress,
    created: Iterable[date],
    job_sids: Sequence[str],
    resource_type: ResourceType | None,
) -> WaitEvent:
    expiry = earliest_expiry(created)
    result = WaitResult(
        job_sids=list(job_sids),
        resource_type=resource_type.value if resource_type else None,
        start_day=progress.days.start.isoformat(),
        end_day=progress.days.end.isoformat(),
        completed=_iso(progress.with_status(DayStatus.COMPLETED)),
        empty=_iso(progress.with_status(DayStatus.COMPLETED_EMPTY_RECORDS)),
        failed=_iso(progress.with_status(DayStatus.FAILED)),
        expires_at=expiry.isoformat() if expiry else None,
    )
    return WaitEvent(status="finished", message="", result=result)


def _names_all_days(job: Job) -> bool:
    return all(len(group.days) >= group.count for group in job.details)


def _fetch(source: ExportsReader, job_sid: str) -> Job:
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


def _files(source: ExportsReader, resource_type: ResourceType | None) -> set[date] | None:
    """Days of which there is a file; ``None`` if nobody can tell, such as without the permission to list them."""
    if resource_type is None:
        return None
    try:
        return {entry.day for entry in source.list_days(resource_type)}
    except BulkExportsError as error:
        if error.is_transient:
            raise
        logging.getLogger(__name__).info("Going on without the list of day files: %s", error)
        return None


def _iso(days: Iterable[date]) -> list[str]:
    return [day.isoformat() for day in days]
