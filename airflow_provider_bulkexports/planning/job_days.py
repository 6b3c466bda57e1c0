"""What a job's details say about each of its days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from airflow_provider_bulkexports.model.days import DayRange
from airflow_provider_bulkexports.model.details import DayStatus, StatusGroup
from airflow_provider_bulkexports.model.resources import Job

__all__ = ["Reading", "rank_of", "read_details"]


#: From the best news of a day to the worst, where several jobs cover it. A day on its way beats one that failed.
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
    """Place of a status from the best news of a day (0) to the worst."""
    return _RANK[status]


@dataclass(frozen=True, slots=True)
class Reading:
    """What one job says about its own days; fields as in :class:`Progress`."""

    states: Mapping[date, DayStatus]
    unnamed: Counter[DayStatus]
    unaccounted: int


def read_details(job: Job, days: DayRange) -> Reading:
    """
    Read a job's ``details``.

    Days of a status that Twilio only counted are named where no other day is left for them.

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
    """Order for a day that is in two groups, caught between them: believe what keeps us waiting, then the worst."""
    return not status.is_final, rank_of(status)


def _is_as_far(one: Job, other: Job) -> bool:
    """Whether the days of a job stand as they stood."""
    return one.details == other.details and one.start_day == other.start_day and one.end_day == other.end_day


def _overlap(one: DayRange, other: DayRange) -> bool:
    return one.start <= other.end and other.start <= one.end
