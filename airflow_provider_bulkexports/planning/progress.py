"""
The progress of a wait: the status of every wanted day, a verdict and one line for the log.

Twilio gives a job no status of its own (OpenAPI document). It is computed here, for every mode of waiting.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from functools import cached_property, lru_cache

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.days import DayRange
from airflow_provider_bulkexports.model.details import DayStatus, StatusGroup
from airflow_provider_bulkexports.model.plain import listed
from airflow_provider_bulkexports.model.resources import Job
from airflow_provider_bulkexports.planning.job_days import _BEST_FIRST, Reading, _read_details, rank_of
from airflow_provider_bulkexports.planning.pacing import CompletionEstimate

__all__ = ["Progress", "Verdict", "days_spanned_by", "progress_of", "resolve_unnamed_days"]

_WORDS = {
    DayStatus.COMPLETED: "completed",
    DayStatus.COMPLETED_EMPTY_RECORDS: "empty",
    DayStatus.FAILED: "failed",
    DayStatus.RUNNING_TO_BE_DELETED: "deleted",
    DayStatus.DELETED_BY_USER_REQUEST: "deleted",
}


class Verdict(Enum):
    """What a wait does next."""

    WAIT = "wait"
    EXPORTED = "exported"
    FAILED = "failed"
    DELETED = "deleted"


@dataclass(frozen=True)
class Progress:
    """
    Status of the wanted days.

    :param days: The wanted days.
    :param states: Status of each day that Twilio named, or whose status follows from its counts.
    :param unnamed: Number of days by status, for statuses that Twilio only counted and days that it did not name.
    :param unaccounted: Number of days without any status.
    :param queue_position: Best position of the unfinished jobs in Twilio's queue.
    :param expected_at: Twilio's own estimate (UTC) for the last of the unfinished jobs.
    :param counts: Number of wanted days by status, named or not, without the unaccounted days; counted unless given.
    """

    days: DayRange
    states: Mapping[date, DayStatus] = field(default_factory=dict)
    unnamed: Mapping[DayStatus, int] = field(default_factory=dict)
    unaccounted: int = 0
    queue_position: int | None = None
    expected_at: datetime | None = None
    counts: Mapping[DayStatus, int] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not self.counts:
            object.__setattr__(self, "counts", Counter(self.states.values()) + Counter(self.unnamed))

    def with_estimate(self, jobs: Sequence[Job]) -> Progress:
        """
        Add the estimate and the queue position of the unfinished jobs.

        An estimate is for a whole job. If only a part of a job is wanted, which may be complete sooner, none is used.
        """
        unfinished = [job for job in jobs if not job.is_finished]
        ranges = [own for job in unfinished if (own := job.days)]
        is_part = not all(own.start in self.days and own.end in self.days for own in ranges)
        positions = [job.job_queue_position for job in unfinished if job.job_queue_position is not None]
        estimates = [job.estimated_completion_time for job in unfinished if job.estimated_completion_time]
        position = min(positions, default=None)
        expected_at = None if is_part else max(estimates, default=None)
        if (position, expected_at) == (self.queue_position, self.expected_at):
            return self
        return Progress(self.days, self.states, self.unnamed, self.unaccounted, position, expected_at, self.counts)

    @property
    def verdict(self) -> Verdict:
        """
        What the wait does next. A deleted day ends it at once; a failed day ends it when all others are final.
        """
        statuses = self.counts.keys()
        if any(status.is_deleted for status in statuses):
            return Verdict.DELETED
        if self.unaccounted or not all(status.is_final for status in statuses):
            return Verdict.WAIT
        return Verdict.FAILED if DayStatus.FAILED in statuses else Verdict.EXPORTED

    def with_status(self, *statuses: DayStatus) -> tuple[date, ...]:
        """The named days that have one of the statuses, ascending."""
        return tuple(day for day in sorted(self.states) if self.states[day] in statuses)

    @property
    def unnamed_days(self) -> tuple[date, ...]:
        """The wanted days whose status is not known by name, ascending."""
        return tuple(day for day in self.days if day not in self.states)

    @property
    def days_final(self) -> str:
        """How many of the days are final: ``41/90 days final``."""
        final = sum(count for status, count in self.counts.items() if status.is_final)
        return f"{min(final, len(self.days))}/{len(self.days)} days final"

    @cached_property
    def headline(self) -> str:
        """One line that changes only with the jobs: ``41/90 days final: 38 completed, 3 empty; queue position 3``."""
        counts = self.counts
        words: Counter[str] = Counter()
        for status in _BEST_FIRST:
            if status in _WORDS and counts.get(status):
                words[_WORDS[status]] += counts[status]
        text = self.days_final
        if words:
            text += ": " + ", ".join(f"{count} {word}" for word, count in words.items())
        if self.queue_position and self.verdict is Verdict.WAIT:
            text += f"; queue position {self.queue_position}"
        return text

    def estimate(self, *, now: datetime) -> CompletionEstimate:
        """
        What Twilio says about the time until the end, for the schedule of polls.

        :param now: Current time (UTC).
        """
        if self.expected_at is not None:
            return CompletionEstimate(seconds_left=(self.expected_at - now).total_seconds())
        has_begun = bool(self.counts.keys() - {DayStatus.SUBMITTED, DayStatus.UNKNOWN})
        return CompletionEstimate(queue_position=None if has_begun else self.queue_position)

    def summary(self, *, today: date) -> str:
        """
        One line for the log: the headline and ``; Twilio expects 14:20 UTC``.

        :param today: Current UTC day; an estimate for another day is shown with its date.
        """
        if self.expected_at is None or self.verdict is not Verdict.WAIT:
            return self.headline
        shown = "%H:%M" if self.expected_at.date() == today else "%Y-%m-%d %H:%M"
        return f"{self.headline}; Twilio expects {self.expected_at:{shown}} UTC"


def days_spanned_by(jobs: Sequence[Job]) -> DayRange:
    """
    The days that the jobs span together.

    :raises BulkExportsInputError: if Twilio echoed no days; the caller must then name them.
    """
    ranges = [days for job in jobs if (days := job.days)]
    if not ranges:
        sids = listed((job.job_sid for job in jobs), most=10)
        raise BulkExportsInputError(
            f"Twilio does not say which days job {sids} covers", remedy="Pass start_day and end_day."
        )
    return DayRange(min(days.start for days in ranges), max(days.end for days in ranges))


def progress_of(jobs: Sequence[Job], days: DayRange) -> Progress:
    """
    Combine what the jobs say about the wanted days; of several statuses of a day the best one counts.

    :param jobs: One job, or several that together cover the days.
    :param days: The wanted days; may be a part of the jobs' days.
    """
    reported = tuple((job.details, job.days or days) for job in jobs)
    return _progress_of(reported, days).with_estimate(jobs)


@lru_cache(maxsize=1024)  # many waits may be for the same jobs, and computing this takes seven times as long
def _progress_of(reported: Sequence[tuple[tuple[StatusGroup, ...], DayRange]], days: DayRange) -> Progress:
    ranges = [own_days for _, own_days in reported]
    readings = [_read_details(details, own_days) for details, own_days in reported]
    open_in = [
        {day for day in days if day not in reading.states and day in own_days}
        for own_days, reading in zip(ranges, readings, strict=True)
    ]
    states = _best_states(readings, days, pending=set().union(*open_in))
    unnamed: Counter[DayStatus] = Counter()
    unaccounted = 0
    for reading, its_open_days in zip(readings, open_in, strict=True):
        if its_open_days - states.keys():
            unnamed += reading.unnamed
            unaccounted += reading.unaccounted
    # A job may have more days than are wanted, so its counts may exceed the open days.
    open_days = len(days) - len(states)
    unnamed = Counter({status: min(count, open_days) for status, count in unnamed.items()})
    unaccounted = min(max(unaccounted, open_days - unnamed.total()), open_days)
    return Progress(days, states, unnamed, unaccounted)


def _best_states(readings: Sequence[Reading], days: DayRange, *, pending: Set[date]) -> dict[date, DayStatus]:
    """
    Choose the best status of each day.

    :param pending: Days without a status in a job that covers them. Such a day that another job lost is open again: it
        was resubmitted, and Twilio's first responses about a new job have no details.
    """
    states: dict[date, DayStatus] = {}
    for reading in readings:
        for day, status in reading.states.items():
            if day in days and (day not in states or rank_of(status) < rank_of(states[day])):
                states[day] = status
    if not pending:
        return states
    return {day: status for day, status in states.items() if not (status.is_lost and day in pending)}


def resolve_unnamed_days(progress: Progress, files: Collection[date] | None) -> Progress:
    """
    Give every day of a finished wait a status; real responses had ``days: null`` beside several statuses in 2020.

    A day with a file is completed, or empty if the counts leave no other choice. A day without a file failed if any day
    failed, so that no failure is overlooked. Otherwise it is empty: empty days had no file then.

    :param progress: Progress whose verdict is final.
    :param files: Days with a file in Twilio's list; ``None``: the list cannot be read. If the list lacks files of
        completed days, a day counts as completed rather than empty: storing it then requests its file, and a list
        without entries makes no day empty.
    """
    open_days = progress.unnamed_days
    if not open_days:
        return progress
    counted = progress.unnamed
    with_file = DayStatus.COMPLETED
    if DayStatus.COMPLETED not in counted and DayStatus.COMPLETED_EMPTY_RECORDS in counted:
        with_file = DayStatus.COMPLETED_EMPTY_RECORDS
    without_file = DayStatus.COMPLETED_EMPTY_RECORDS
    if DayStatus.FAILED in counted:
        without_file = DayStatus.FAILED
    elif DayStatus.COMPLETED_EMPTY_RECORDS not in counted or _lacks_files(progress, files):
        without_file = DayStatus.COMPLETED
    named = {day: with_file if day in (files or ()) else without_file for day in open_days}
    return Progress(
        progress.days,
        {**progress.states, **named},
        unaccounted=progress.unaccounted,
        queue_position=progress.queue_position,
        expected_at=progress.expected_at,
    )


def _lacks_files(progress: Progress, files: Collection[date] | None) -> bool:
    """Whether files must be missing from the list. For a part of a job's days this is unknown."""
    completed, open_days = progress.unnamed.get(DayStatus.COMPLETED, 0), progress.unnamed_days
    if files is None:
        return completed > 0
    is_whole = sum(progress.unnamed.values()) == len(open_days)
    return is_whole and completed > sum(day in files for day in open_days)
