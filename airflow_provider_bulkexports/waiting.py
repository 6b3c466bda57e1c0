"""
Waiting for jobs: one look, one decision and one result for every mode (poke, reschedule, deferrable, operator).

    JobWait    what is waited for; checks once, without memory
    Watch      a wait's memory between looks: failures in a row, and what the log already says

How a wait ended, and what that means for the task, is in ``outcomes.py``.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import NamedTuple

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.api.models import (
    DayRange,
    DayStatus,
    ExportDay,
    Job,
    ResourceType,
    parse_day,
    parse_job_sids,
)
from airflow_provider_bulkexports.compat import Log, conf
from airflow_provider_bulkexports.exceptions import BulkExportsError, BulkExportsInputError, BulkExportsNotFoundError
from airflow_provider_bulkexports.outcomes import WaitEvent, WaitResult
from airflow_provider_bulkexports.planning.identity import read_marker
from airflow_provider_bulkexports.planning.naming import name_days
from airflow_provider_bulkexports.planning.progress import Progress, Verdict, own_range, progress_of, range_of

__all__ = ["POLL_INTERVAL", "Check", "JobWait", "Watch"]

#: Seconds between looks, where the DAG does not say.
POLL_INTERVAL = conf.getfloat("bulkexports", "poll_interval", fallback=60.0)

#: Days for which Twilio keeps a file, from its creation (documentation of BulkExports, Overview).
FILE_LIFETIME = timedelta(days=7)

#: Looks in a row that may fail. With their growing pauses they outlast an outage of ten minutes at any interval.
FAILURES_IN_A_ROW = 10
LONGEST_PAUSE_AFTER_FAILURE = 300.0
SHORTEST_PAUSE_AFTER_FAILURE = 5.0


class Check(NamedTuple):
    """What one look at the jobs showed; ``event`` is ``None`` while the wait goes on."""

    progress: Progress
    event: WaitEvent | None


@dataclass(frozen=True, slots=True)
class JobWait:
    """
    What is waited for.

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
        result = WaitResult(
            job_sids=list(self.job_sids),
            resource_type=resource_type.value if resource_type else None,
            start_day=days.start.isoformat(),
            end_day=days.end.isoformat(),
            completed=_iso(progress.with_status(DayStatus.COMPLETED)),
            empty=_iso(progress.with_status(DayStatus.COMPLETED_EMPTY_RECORDS)),
            failed=_iso(progress.with_status(DayStatus.FAILED)),
            expires_at=_expires_at(progress, files, jobs),
        )
        return Check(progress, WaitEvent(status="finished", message="", result=result))

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


class Watch:
    """
    A wait's memory between looks, so that each log line says something new and passing faults are survived.

    :param wait: What is waited for.
    :param log: Where the wait's progress goes.
    """

    def __init__(self, wait: JobWait, log: Log) -> None:
        self.wait = wait
        self._log = log
        self._failures = 0
        self._last_headline = ""
        self._last_line = "Twilio has not answered yet"

    def look(self, client: BulkExportsClient) -> WaitEvent | None:
        """
        Look once. Blocks; never raises an error of this package.

        :return: How the wait ended, or ``None`` while it goes on.
        """
        try:
            progress, event = self.wait.check(client)
        except BulkExportsError as error:
            return self._failed(error)
        self._failures = 0
        self._say(progress)
        return event

    def insist(self, client: BulkExportsClient, *, deadline: float) -> WaitEvent | None:
        """
        Look, and if that fails again and again: until Twilio answers, or the budget of failures is spent.

        For tasks on a worker. A rescheduled one forgets this object between its looks: it cannot count otherwise.

        :param deadline: Monotonic time after which nothing is repeated.
        """
        event = self.look(client)
        while event is None and self._failures and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(self.pause(0), left))
            event = self.look(client)
        return event

    def pause(self, interval: float) -> float:
        """Seconds until the next look: the interval, or longer and longer after failures."""
        if not self._failures:
            return interval
        grown = max(interval, SHORTEST_PAUSE_AFTER_FAILURE) * 2.0 ** (self._failures - 1)
        return max(interval, min(grown, LONGEST_PAUSE_AFTER_FAILURE))

    def timed_out(self) -> WaitEvent:
        """Make the event of a wait whose deadline passed."""
        message = (
            f"Timed out waiting for {', '.join(self.wait.job_sids)} ({self._last_line}). The job goes on at Twilio: "
            "clear the task to wait on, with a longer timeout if this happens often."
        )
        return WaitEvent(status="timeout", message=message, result=None)

    def _failed(self, error: BulkExportsError) -> WaitEvent | None:
        if not error.is_transient:
            return WaitEvent(status="fatal", message=str(error), result=None)
        self._failures += 1
        if self._failures >= FAILURES_IN_A_ROW:
            message = f"Twilio could not be asked {self._failures} times in a row; the job goes on there. {error}"
            return WaitEvent(status="error", message=message, result=None)
        self._log.warning("Look failed (%d of %d in a row): %s", self._failures, FAILURES_IN_A_ROW, error)
        return None

    def _say(self, progress: Progress) -> None:
        self._last_line = progress.summary(today=datetime.now(timezone.utc).date())
        # Twilio computes its estimate anew for every answer: that alone is no news.
        if progress.headline != self._last_headline:
            self._last_headline = progress.headline
            self._log.info("%s: %s", ", ".join(self.wait.job_sids), self._last_line)


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
