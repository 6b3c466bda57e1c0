"""Which listed jobs a task uses again, and which days it has to submit."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from airflow_provider_bulkexports.model.days import DayRange, merge_days
from airflow_provider_bulkexports.model.details import DayStatus
from airflow_provider_bulkexports.model.resources import Job
from airflow_provider_bulkexports.planning.identity import base_of, read_marker
from airflow_provider_bulkexports.planning.job_age import has_distinct_positions, is_sorted_by_sid, sort_by_age
from airflow_provider_bulkexports.planning.job_days import rank_of, read_details

__all__ = [
    "ExportPlan",
    "days_paid_twice",
    "equal_jobs",
    "has_started",
    "jobs_with_identity",
    "may_be_withdrawn",
    "plan_exports",
]


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """
    What to use and what to submit.

    :param adopt: Jobs that a previous attempt of the task submitted and that still serve it, oldest first.
    :param submit: Days to submit, in the fewest ranges; one job each.
    :param duplicates: Jobs of the task that it does not need, for example after a double submission.
    """

    adopt: tuple[Job, ...]
    submit: tuple[DayRange, ...]
    duplicates: tuple[Job, ...] = ()


def plan_exports(wanted: DayRange, known: Iterable[Job], *, identities: Collection[str]) -> ExportPlan:
    """
    Decide the fewest new jobs that make every wanted day available.

    A day is served by a job of ours that has exported it, otherwise by one that is going to; of several, by the oldest.
    Days that failed or were deleted in all of them, or are in none, are submitted.

    :param wanted: Inclusive UTC days the task needs.
    :param known: Jobs of the resource type that Twilio lists (it keeps finished ones for seven days).
    :param identities: Identities of the task's jobs; see
        :func:`airflow_provider_bulkexports.planning.identity.identity_of`.
    """
    ours = jobs_with_identity(identities, known)
    best: dict[date, tuple[bool, int]] = {}
    for age, job in enumerate(ours):
        for day, status in _status_by_day(job, wanted).items():
            if status.is_lost:
                continue
            # Running is not better than Submitted: of two unfinished jobs, the older one stays in use.
            candidate = (not status.is_exported, age)
            best[day] = min(best.get(day, candidate), candidate)
    used = {age for _, age in best.values()}
    return ExportPlan(
        adopt=tuple(job for age, job in enumerate(ours) if age in used),
        submit=merge_days(day for day in wanted if day not in best),
        duplicates=tuple(job for age, job in enumerate(ours) if age not in used),
    )


def jobs_with_identity(identities: Collection[str], known: Iterable[Job]) -> list[Job]:
    """The jobs that bear one of the identities, oldest first; within one day, as far as ``job_age.py`` can tell."""
    by_age = sort_by_age(list(known)).oldest_first
    marked = [(marker, job) for job in by_age if (marker := read_marker(job)) and marker.identity in identities]
    return [job for _, job in sorted(marked, key=lambda entry: entry[0].submitted_on)]


def equal_jobs(identity: str, days: DayRange, listed: Iterable[Job], *, ignore: Collection[str] = ()) -> list[Job]:
    """
    The jobs of one identity for exactly these days that may still export all of them, in the list's order.

    :param ignore: Sids of jobs to leave out.
    """
    return [
        job
        for job in listed
        if job.job_sid not in ignore
        and (marker := read_marker(job))
        and marker.identity == identity
        and job.days in (days, None)
        and not any(status.is_lost for status in _status_by_day(job, days).values())
    ]


def has_started(job: Job) -> bool:
    """Whether Twilio has taken a day of the job out of its queue."""
    return any(group.status is not DayStatus.SUBMITTED for group in job.details if group.count or group.days)


def may_be_withdrawn(equal: Sequence[Job], listed: Sequence[Job]) -> bool:
    """
    Whether the tasks of some equal jobs may still withdraw them, because the list does not show which is the oldest.

    A single job is the oldest. The other tasks see that in a list that is in some order of time, or by the positions in
    Twilio's queue.
    """
    if all(job.is_finished or has_started(job) for job in equal):
        return False
    if len(equal) > 1:
        return not sort_by_age(listed).is_certain
    return len(listed) == 1 or (is_sorted_by_sid(listed) and not has_distinct_positions(listed))


def days_paid_twice(
    days: DayRange, known: Iterable[Job], *, name: str, own: Collection[str]
) -> list[tuple[Job, DayRange]]:
    """
    Days about to be submitted although a listed job of the same name exports them, with that job.

    :param name: Text before the marker of the new job, as Twilio gets it.
    :param own: Identities whose jobs are the task's own.
    """
    twice = []
    for job in known:
        marker = read_marker(job)
        if marker is None or marker.identity in own or base_of(job) != name or job.days is None:
            continue
        again = merge_days(day for day, status in _status_by_day(job, days).items() if not status.is_lost)
        twice += [(job, part) for part in again]
    return twice


def _status_by_day(job: Job, wanted: DayRange) -> dict[date, DayStatus]:
    """Status of each wanted day of the job, as far as it is known."""
    days = job.days or wanted
    reading = read_details(job, days)
    if reading.unaccounted or not all(status.is_final for status in reading.unnamed):
        rest = DayStatus.SUBMITTED
    else:
        rest = max(reading.unnamed, key=rank_of, default=DayStatus.SUBMITTED)
    return {day: reading.states.get(day, rest) for day in days if day in wanted}
