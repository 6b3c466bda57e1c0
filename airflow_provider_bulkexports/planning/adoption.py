"""Which listed jobs a task uses again, and which days it has to submit."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from airflow_provider_bulkexports.model.days import DayRange, merge_days
from airflow_provider_bulkexports.model.details import DayStatus
from airflow_provider_bulkexports.model.resources import Job
from airflow_provider_bulkexports.planning.identity import base_of, read_marker
from airflow_provider_bulkexports.planning.job_age import do_places_differ, is_sorted_by_sid, seniority_of
from airflow_provider_bulkexports.planning.job_days import rank_of, read_details

__all__ = ["ExportPlan", "has_begun", "is_order_open", "jobs_with_identity", "paid_before", "plan_exports", "rivals_of"]


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """
    What to use and what to submit.

    :param adopt: Jobs that a former try of the task submitted and that still serve it, oldest first.
    :param submit: Days to submit, in the fewest ranges; one job each.
    :param spare: Jobs of the task that others make superfluous, such as a double submission.
    """

    adopt: tuple[Job, ...]
    submit: tuple[DayRange, ...]
    duplicates: tuple[Job, ...] = ()


def plan_exports(wanted: DayRange, known: Iterable[Job], *, identities: Collection[str]) -> ExportPlan:
    """
    Decide the fewest new jobs that make every wanted day available.

    A day is served by a job of ours that has exported it, else by one that is going to; of several, by the oldest.
    Days that failed or were deleted in all of them, or are in none, are submitted.

    :param wanted: Inclusive UTC days the task needs.
    :param known: Jobs of the resource type that Twilio lists (it keeps finished ones for seven days).
    :param identities: By what the task's jobs are known; see
        :func:`airflow_provider_bulkexports.planning.identity.identity_of`.
    """
    ours = jobs_with_identity(identities, known)
    best: dict[date, tuple[bool, int]] = {}
    for age, job in enumerate(ours):
        for day, status in _outlook(job, wanted).items():
            if status.is_lost:
                continue
            # Running is no better than Submitted: the older of two jobs stays in use while both are on their way.
            news = (not status.is_exported, age)
            best[day] = min(best.get(day, news), news)
    used = {age for _, age in best.values()}
    return ExportPlan(
        adopt=tuple(job for age, job in enumerate(ours) if age in used),
        submit=merge_days(day for day in wanted if day not in best),
        duplicates=tuple(job for age, job in enumerate(ours) if age not in used),
    )


def jobs_with_identity(identities: Collection[str], known: Iterable[Job]) -> list[Job]:
    """The jobs that bear one of the identities, oldest first; of one day, as ``seniority.py`` can tell."""
    by_age = seniority_of(list(known)).oldest_first
    marked = [(marker, job) for job in by_age if (marker := read_marker(job)) and marker.identity in identities]
    return [job for _, job in sorted(marked, key=lambda entry: entry[0].submitted_on)]


def rivals_of(identity: str, days: DayRange, listed: Iterable[Job], *, besides: Collection[str] = ()) -> list[Job]:
    """
    The jobs of one identity for the very same days that may still export all of them, in the list's order.

    :param besides: Sids of jobs that are not meant.
    """
    return [
        job
        for job in listed
        if job.job_sid not in besides
        and (marker := read_marker(job))
        and marker.identity == identity
        and job.days in (days, None)
        and not any(status.is_lost for status in _outlook(job, days).values())
    ]


def has_begun(job: Job) -> bool:
    """Whether Twilio has taken a day of the job out of its queue."""
    return any(group.status is not DayStatus.SUBMITTED for group in job.details if group.count or group.days)


def is_order_open(rivals: Sequence[Job], listed: Sequence[Job]) -> bool:
    """
    Whether the tasks of some jobs may still be taking them back, as the list does not tell which is the oldest.

    A lone job is the oldest, and the other tasks see that in a list that is in some order of time, or by the places in
    Twilio's queue.
    """
    if all(job.is_finished or has_begun(job) for job in rivals):
        return False
    if len(rivals) > 1:
        return not seniority_of(listed).is_certain
    return len(listed) == 1 or (is_sorted_by_sid(listed) and not do_places_differ(listed))


def paid_before(
    days: DayRange, known: Iterable[Job], *, name: str, besides: Collection[str]
) -> list[tuple[Job, DayRange]]:
    """
    Days that are about to be submitted though a listed job of the same name exports them: they are paid twice.

    :param name: Text before the marker of the new job, as Twilio gets it.
    :param besides: Identities whose jobs are the task's own.
    """
    twice = []
    for job in known:
        marker = read_marker(job)
        if marker is None or marker.identity in besides or base_of(job) != name or job.days is None:
            continue
        again = merge_days(day for day, status in _outlook(job, days).items() if not status.is_lost)
        twice += [(job, some) for some in again]
    return twice


def _outlook(job: Job, wanted: DayRange) -> dict[date, DayStatus]:
    """What becomes of each wanted day of the job, as far as it can be told."""
    days = job.days or wanted
    reading = read_details(job, days)
    if reading.unaccounted or not all(status.is_final for status in reading.unnamed):
        rest = DayStatus.SUBMITTED
    else:
        rest = max(reading.unnamed, key=rank_of, default=DayStatus.SUBMITTED)
    return {day: reading.states.get(day, rest) for day in days if day in wanted}
