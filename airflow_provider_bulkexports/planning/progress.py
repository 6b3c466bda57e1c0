"""
From a job's ``details`` to the state of every wanted day, a verdict and one line for the log.

Twilio gives a job no status of its own (OpenAPI document): it is computed here, the same for every mode of waiting.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
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
    State of the wanted days.

    :param days: The wanted days.
    :param states: Status of each day that Twilio named, or that follows from its counts.
    :param unnamed: Statuses that Twilio only counted, by number of days, where it is not clear which days have them.
    :param unaccounted: Number of days of which Twilio said nothing at all.
    :param queue_position: Best place in Twilio's queue among the unfinished jobs.
    :param expected_at: Twilio's own estimate (UTC) for the last of the unfinished jobs.
    """

    days: DayRange
    states: Mapping[date, DayStatus] = field(default_factory=dict)
    unnamed: Mapping[DayStatus, int] = field(default_factory=dict)
    unaccounted: int = 0
    queue_position: int | None = None
    expected_at: datetime | None = None

    def with_estimate(self, jobs: Sequence[Job]) -> Progress:
        """
        Take over what the unfinished of the jobs say of their end.

        An estimate is for a whole job: where only a part of one is wanted, that may be there sooner, and none counts.
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
        changed = replace(self, queue_position=position, expected_at=expected_at)
        # The days are the same: they need not be counted again, which takes longer than all else here.
        changed.__dict__["counts"] = self.counts
        return changed

    @cached_property
    def counts(self) -> Mapping[DayStatus, int]:
        """Number of wanted days by status, named or not; days that Twilio has not accounted for are missing."""
        return Counter(self.states.values()) + Counter(self.unnamed)

    @property
    def verdict(self) -> Verdict:
        """
        A deleted day ends the wait at once, since nothing will come of it; a failed one when all others are final.
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

    @cached_property
    def headline(self) -> str:
        """What changes only when something happened: ``41/90 days final: 38 completed, 3 empty; queue position 3``."""
        counts = self.counts
        final = sum(count for status, count in counts.items() if status.is_final)
        words: Counter[str] = Counter()
        for status in _BEST_FIRST:
            if status in _WORDS and counts.get(status):
                words[_WORDS[status]] += counts[status]
        text = f"{min(final, len(self.days))}/{len(self.days)} days final"
        if words:
            text += ": " + ", ".join(f"{count} {word}" for word, count in words.items())
        if self.queue_position and self.verdict is Verdict.WAIT:
            text += f"; queue position {self.queue_position}"
        return text

    def estimate(self, *, now: datetime) -> CompletionEstimate:
        """
        What Twilio says of the end, for the pace of looking.

        :param now: Current moment (UTC).
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

    :raises BulkExportsInputError: if Twilio echoed none; the caller must then say which days are meant.
    """
    ranges = [days for job in jobs if (days := job.days)]
    if not ranges:
        sids = listed((job.job_sid for job in jobs), most=10)
        raise BulkExportsInputError(f"Twilio does not say which days {sids} covers: pass start_day and end_day")
    return DayRange(min(days.start for days in ranges), max(days.end for days in ranges))


def progress_of(jobs: Sequence[Job], days: DayRange) -> Progress:
    """
    Combine what the jobs say about the wanted days; of several states of a day the best one counts.

    :param jobs: One job, or several that together cover the days.
    :param days: The wanted days; may be a part of what the jobs cover.
    """
    told = tuple((job.details, job.days or days) for job in jobs)
    return _progress_of(told, days).with_estimate(jobs)


@lru_cache(maxsize=1024)  # jobs of the same days that are as far as each other say the same
def _progress_of(told: Sequence[tuple[tuple[StatusGroup, ...], DayRange]], days: DayRange) -> Progress:
    ranges = [own_days for _, own_days in told]
    readings = [_read_details(details, own_days) for details, own_days in told]
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
    # A job's own range may be wider than what is wanted, and its counts then say more than there are days open.
    open_days = len(days) - len(states)
    unnamed = Counter({status: min(count, open_days) for status, count in unnamed.items()})
    unaccounted = min(max(unaccounted, open_days - unnamed.total()), open_days)
    return Progress(days, states, unnamed, unaccounted)


def _best_states(readings: Sequence[Reading], days: DayRange, *, pending: Set[date]) -> dict[date, DayStatus]:
    """
    Choose of each day's states the best one.

    :param hoped: Days of which a job that covers them has not said yet what becomes of them. One that another job lost
        is open again: it was resubmitted, and Twilio's first answers about a new job have no details.
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
    Give every day of a finished wait a status; real answers had ``days: null`` beside several statuses in 2020.

    A day with a file is completed, or empty where the counts leave no other choice. A day without one failed if any day
    did (so that no failure is overlooked), and is empty otherwise: empty days had no file then.

    :param progress: Progress whose verdict is final.
    :param files: Days of which Twilio lists a file; ``None``: the list cannot be had. Where it lacks files of completed
        days, a day counts as completed rather than empty: whoever stores it asks for its file, and a list that came
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
    return replace(progress, states={**progress.states, **named}, unnamed={})


def _lacks_files(progress: Progress, files: Collection[date] | None) -> bool:
    """Whether there must be more files than the list shows; of a part of a job's days that is not known."""
    completed, open_days = progress.unnamed.get(DayStatus.COMPLETED, 0), progress.unnamed_days
    if files is None:
        return completed > 0
    is_whole = sum(progress.unnamed.values()) == len(open_days)
    return is_whole and completed > sum(day in files for day in open_days)
