"""
What to wait for: jobs, or day files made by anyone. Each check is stateless.

``wait_poller.py`` repeats checks; ``tasks/results.py`` turns the end of a wait into a task's result or failure.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, Protocol

from airflow_provider_bulkexports.exceptions import BulkExportsError, BulkExportsNotFoundError
from airflow_provider_bulkexports.model.days import DayRange, name_days, parse_day
from airflow_provider_bulkexports.model.details import DayStatus
from airflow_provider_bulkexports.model.plain import counted, listed, plain_text
from airflow_provider_bulkexports.model.resources import ExportDay, Job, ResourceType, parse_job_sids
from airflow_provider_bulkexports.model.results import WaitEvent, WaitResult, failed_wait
from airflow_provider_bulkexports.planning.coverage import awaited_days, require_resource_type
from airflow_provider_bulkexports.planning.expiry import earliest_expiry
from airflow_provider_bulkexports.planning.identity import read_marker
from airflow_provider_bulkexports.planning.job_days import has_same_days, overlap
from airflow_provider_bulkexports.planning.progress import (
    Progress,
    Verdict,
    progress_of,
    resolve_unnamed_days,
)

__all__ = ["CheckResult", "DayWait", "ExportsReader", "JobWait", "Needs", "StaleCredentialsError", "Wait"]

#: Polls of the files for each poll of the jobs, while no job works on a wanted day.
_POLLS_WITHOUT_JOBS = 10


class Needs(NamedTuple):
    """
    What one poll requests from Twilio.

    :param job_sids: Jobs, each by itself or from a page of the Jobs list.
    :param job_type: Resource type of these jobs, if known.
    :param job_lists: Resource types of which the whole Jobs list is needed.
    :param day_lists: Resource types of which the Days list is needed.
    """

    job_sids: tuple[str, ...] = ()
    job_type: ResourceType | None = None
    job_lists: tuple[ResourceType, ...] = ()
    day_lists: tuple[ResourceType, ...] = ()


class ExportsReader(Protocol):
    """Reads jobs and day files: a client (``BulkExportsClient``), or one poll of many waits (``PollRound``)."""

    @property
    def account_sid(self) -> str | None:
        """Account of the jobs and files, if known."""

    def get_job(self, job_sid: str) -> Job:
        """Fetch one job."""

    def list_jobs(self, resource_type: str) -> Iterable[Job]:
        """List the jobs of a resource type."""

    def list_days(self, resource_type: str) -> Iterable[ExportDay]:
        """List the day files of a resource type."""


class StaleCredentialsError(Exception):
    """Raised by a reader to refuse the whole poll: its credentials may have been replaced. Not a fault of a wait."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """
    What one check found.

    :param event: How the wait ended; ``None`` while it continues.
    :param failure: Why the check counts as failed although all days are final.
    :param fallback: How the wait ends if that failure persists.
    """

    progress: Progress
    event: WaitEvent | None = None
    failure: BulkExportsError | None = None
    fallback: WaitEvent | None = None


@dataclass(frozen=True, slots=True)
class JobCheck(CheckResult):
    """
    What one check of jobs found.

    :param jobs: The jobs while the wait continues, for the next check to compare with.
    """

    jobs: tuple[Job, ...] = ()


@dataclass(frozen=True, slots=True)
class DayCheck(CheckResult):
    """
    What one check of day files found.

    :param polls_without_jobs: Checks to come until the jobs are read again.
    """

    polls_without_jobs: int = 0


class Wait(Protocol):
    """Anything to wait for."""

    @property
    def subject(self) -> str:
        """Its name in a log line."""

    @property
    def aftermath(self) -> str:
        """What may still happen when nobody waits any more, as a sentence."""

    @property
    def details(self) -> dict[str, str | list[str]]:
        """What it waits for, as details of an error."""

    @property
    def needs(self) -> Needs:
        """What each check requests."""

    def goal(self, days: DayRange | None) -> str:
        """
        What it waits for, for one short log line.

        :param days: The wanted days, as far as they are known.
        """

    def check(self, reader: ExportsReader, previous: CheckResult | None = None) -> CheckResult:
        """Check once; blocks. ``previous`` is the result of the check before, if there was one."""


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
        Parse a wait given by the user.

        :param job_sid: A job sid or a list of them.
        :raises BulkExportsInputError: with what to write instead.
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

    def goal(self, days: DayRange | None) -> str:
        """The days of the jobs."""
        return f"{days or 'the days'} of {listed(self.job_sids, most=1)}"

    @property
    def aftermath(self) -> str:
        """The jobs continue without a wait; they may also have ended since the last poll."""
        return "The job may still be running at Twilio."

    @property
    def details(self) -> dict[str, str | list[str]]:
        """The job sids."""
        return {"job": list(self.job_sids)}

    @property
    def needs(self) -> Needs:
        """The jobs."""
        return Needs(job_sids=self.job_sids, job_type=self.resource_type)

    def check(self, reader: ExportsReader, previous: CheckResult | None = None) -> JobCheck:
        """
        Check the jobs once.

        At the end of the wait it may read the Days list, for days without a name and for the expiry of the files.

        :raises BulkExportsNotFoundError: if Twilio does not know a job, asked twice.
        :raises BulkExportsInputError: if the jobs are not those to wait for.
        """
        jobs = tuple(_fetch(reader, sid) for sid in self.job_sids)
        if isinstance(previous, JobCheck) and previous.jobs:
            if jobs == previous.jobs:
                return previous
            if all(map(has_same_days, jobs, previous.jobs)):
                return JobCheck(previous.progress.with_estimate(jobs), jobs=jobs)
        require_resource_type(jobs, self.resource_type)
        former = previous.progress.days if previous else None
        days = awaited_days(jobs, start_day=self.start_day, end_day=self.end_day, former=former)
        progress = progress_of(jobs, days)
        if progress.verdict is Verdict.WAIT:
            return JobCheck(progress, jobs=jobs)
        if progress.verdict is Verdict.DELETED:
            return JobCheck(progress, self._deleted(progress))
        return self._finished(reader, progress, jobs)

    def _finished(self, reader: ExportsReader, progress: Progress, jobs: Sequence[Job]) -> JobCheck:
        resource_type = self.resource_type or next((job.resource_type for job in jobs if job.resource_type), None)
        created, files = _submission_days(jobs), None
        if progress.unnamed_days:
            try:
                files = _list_files(reader, resource_type)
            except BulkExportsError as error:
                # It may pass. That the list cannot be read does not mean that any day failed.
                if progress.unnamed.get(DayStatus.FAILED):
                    return JobCheck(progress, failure=error)
                assumed = resolve_unnamed_days(progress, None)
                event = _finished(assumed, created, self.job_sids, resource_type)
                return JobCheck(progress, failure=error, fallback=event)
            progress = resolve_unnamed_days(progress, None if files is None else {file.day for file in files})
        elif not created and _exported_days(progress):
            files = _list_files_for_expiry(reader, resource_type)
        created = created or _creation_days(files or (), progress)
        return JobCheck(progress, _finished(progress, created, self.job_sids, resource_type))

    def _deleted(self, progress: Progress) -> WaitEvent:
        lost = progress.with_status(DayStatus.DELETED_BY_USER_REQUEST, DayStatus.RUNNING_TO_BE_DELETED)
        which, details = name_days("days not exported", lost)
        lack = f"; {counted(len(lost), 'day')} will not be exported{which}" if lost else ""
        deleted = BulkExportsError(
            f"Job {self.subject} was deleted{lack}",
            remedy="Clear the task that submitted it: it submits the missing days again.",
            details=details,
        )
        return failed_wait("deleted", deleted)


@dataclass(frozen=True, slots=True)
class DayWait:
    """
    Wait until the files of days exist, made by anyone.

    A day counts as well if a listed job says that it has no records: some such days have no file.
    """

    resource_type: ResourceType
    days: DayRange

    @property
    def subject(self) -> str:
        """The resource type and the days."""
        return f"{self.resource_type} of {self.days}"

    def goal(self, days: DayRange | None) -> str:
        """The files of the days."""
        return f"the files of {self.resource_type} {self.days}"

    @property
    def aftermath(self) -> str:
        """Files come from jobs of others, if there are any."""
        return "The files may still appear."

    @property
    def details(self) -> dict[str, str | list[str]]:
        """The resource type and the days."""
        return {"resource type": self.resource_type.value, "days": str(self.days)}

    @property
    def needs(self) -> Needs:
        """The list of files, and the list of jobs for days without records."""
        return Needs(job_lists=(self.resource_type,), day_lists=(self.resource_type,))

    def check(self, reader: ExportsReader, previous: CheckResult | None = None) -> DayCheck:
        """Check the list of files once, and, if files are missing, the jobs for days without records."""
        files = [entry for entry in reader.list_days(self.resource_type) if entry.day in self.days]
        states = dict.fromkeys(sorted(entry.day for entry in files), DayStatus.COMPLETED)
        polls_without_jobs, jobs = 0, list[Job]()
        if len(states) < len(self.days):
            polls_without_jobs = previous.polls_without_jobs - 1 if isinstance(previous, DayCheck) else 0
            if polls_without_jobs <= 0:
                jobs = self._jobs(reader)
                states = self._with_empty_days(states, jobs)
                polls_without_jobs = _POLLS_WITHOUT_JOBS if all(job.is_finished for job in jobs) else 1
        progress = Progress(self.days, states, unaccounted=len(self.days) - len(states)).with_estimate(jobs)
        if progress.verdict is Verdict.WAIT:
            return DayCheck(progress, polls_without_jobs=polls_without_jobs)
        created = [entry.create_date for entry in files if entry.create_date]
        return DayCheck(progress, _finished(progress, created, (), self.resource_type))

    def _jobs(self, reader: ExportsReader) -> list[Job]:
        """The jobs that may work on a wanted day."""
        return [job for job in reader.list_jobs(self.resource_type) if overlap(job.days or self.days, self.days)]

    def _with_empty_days(self, states: Mapping[date, DayStatus], jobs: Iterable[Job]) -> dict[date, DayStatus]:
        """Add days that a job calls empty: by name or, if it says which days it covers, by its counts."""
        reported = progress_of([job for job in jobs if job.days or _names_all_days(job)], self.days)
        empty_days = reported.with_status(DayStatus.COMPLETED_EMPTY_RECORDS)
        return {**dict.fromkeys(empty_days, DayStatus.COMPLETED_EMPTY_RECORDS), **states}


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


def _fetch(reader: ExportsReader, job_sid: str) -> Job:
    try:
        return reader.get_job(job_sid)
    except BulkExportsNotFoundError:
        pass
    try:
        # A single 404 may come from a server that does not know the new job yet.
        return reader.get_job(job_sid)
    except BulkExportsNotFoundError as error:
        raise error.restated(
            f"Twilio does not know job {job_sid}: it was deleted, finished more than seven days ago, or belongs to "
            "another account than the connection's",
            BulkExportsNotFoundError,
            remedy="Clear the task that submitted it to submit it again.",
        ) from None


def _submission_days(jobs: Sequence[Job]) -> list[date]:
    """The days on which jobs of this package were submitted; none if any of the jobs is not of this package."""
    markers = [marker for job in jobs if (marker := read_marker(job))]
    return [marker.day for marker in markers] if len(markers) == len(jobs) else []


def _exported_days(progress: Progress) -> tuple[date, ...]:
    return progress.with_status(DayStatus.COMPLETED, DayStatus.COMPLETED_EMPTY_RECORDS)


def _creation_days(files: Iterable[ExportDay], progress: Progress) -> list[date]:
    """The days on which the newest files of the exported days were made."""
    newest = {file.day: file.create_date for file in files}
    return [created for day in _exported_days(progress) if (created := newest.get(day))]


def _list_files(reader: ExportsReader, resource_type: ResourceType | None) -> list[ExportDay] | None:
    """List the day files; ``None`` if that is impossible, for example without the permission."""
    if resource_type is None:
        return None
    try:
        return list(reader.list_days(resource_type))
    except BulkExportsError as error:
        if error.is_transient:
            raise
        logging.getLogger(__name__).info("Continuing without the list of day files: %s", error)
        return None


def _list_files_for_expiry(reader: ExportsReader, resource_type: ResourceType | None) -> list[ExportDay]:
    """List the day files of a wait that has ended; a failure costs ``expires_at``, not the result."""
    if resource_type is None:
        return []
    try:
        return list(reader.list_days(resource_type))
    except StaleCredentialsError:
        raise
    except Exception as error:  # noqa: BLE001  # logged
        logging.getLogger(__name__).info("Cannot determine when the files expire: %s", plain_text(error))
        return []


def _iso(days: Iterable[date]) -> list[str]:
    return [day.isoformat() for day in days]
