"""What a job's details say about each of its days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from airflow_provider_bulkexports.model.days import DayRange
from airflow_provider_bulkexports.model.details import DayStatus, StatusGroup
from airflow_provider_bulkexports.model.resources import Job

__all__ = ["Reading", "has_same_days", "overlap", "rank_of", "read_details"]

#: From best to worst, for a day that several jobs cover. A day that is still running beats one that failed.
_BEST_FIRST = (
    DayStatus.COMPLETED,
    DayStatus.COMPLETED_EMPTY_RECORDS,
    DayStatus.RUNNING,
    DayStatus.SUBMITTED,
    DayStatus.ERROR_DURING_RUN,
    DayStatus.UNKNOWN,
    DayStatus.FAILED,
    DayStatus.RUNNING_TO_BE_DELETED,
    DayStatus.DELETED_BY_USER_REQUEST,
)

_RANK = {status: rank for rank, status in enumerate(_BEST_FIRST)}


def rank_of(status: DayStatus) -> int:
    """Place of a status from the best (0) to the worst."""
    return _RANK[status]


@dataclass(frozen=True, slots=True)
class Reading:
    """What one job says about its own days; fields as in ``Progress``."""

    states: Mapping[date, DayStatus]
    unnamed: Counter[DayStatus]
    unaccounted: int


def read_details(job: Job, days: DayRange) -> Reading:
    """
    Read a job's ``details``.

    If Twilio only counted the days of a status, and just as many days are left, these days get that status.

    :param days: All days of the job.
    """
    return _read_details(job.details, days)


def _read_details(details: Iterable[StatusGroup], days: DayRange) -> Reading:
    states: dict[date, DayStatus] = {}
    unnamed: Counter[DayStatus] = Counter()
    for group in details:
        for day in group.days:
            if day not in states or _precedence(group.status) > _precedence(states[day]):
                states[day] = group.status
        unnamed[group.status] += group.count - len(group.days)
    unnamed = +unnamed
    open_days = [day for day in days if day not in states]
    if len(unnamed) == 1 and unnamed.total() >= len(open_days):
        states.update(dict.fromkeys(open_days, next(iter(unnamed))))
        return Reading(states, Counter(), 0)
    return Reading(states, unnamed, max(len(open_days) - unnamed.total(), 0))


def _precedence(status: DayStatus) -> tuple[bool, int]:
    """Precedence when a day appears in two groups: unfinished first, then the worse status."""
    return not status.is_final, rank_of(status)


def has_same_days(one: Job, other: Job) -> bool:
    """Whether two states of a job agree about its days; its estimate and queue position may differ."""
    return one.details == other.details and one.start_day == other.start_day and one.end_day == other.end_day


def overlap(one: DayRange, other: DayRange) -> bool:
    """Whether two ranges share a day."""
    return one.start <= other.end and other.start <= one.end
