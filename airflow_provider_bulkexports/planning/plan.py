"""Which listed jobs a task uses again, and which days it has to submit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from airflow_provider_bulkexports.api.models import DayRange, DayStatus, Job
from airflow_provider_bulkexports.planning.days import merge_days
from airflow_provider_bulkexports.planning.identity import read_marker
from airflow_provider_bulkexports.planning.progress import own_range, rank_of, read_details

__all__ = ["ExportPlan", "plan_exports"]


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
    spare: tuple[Job, ...] = ()


def plan_exports(wanted: DayRange, known: Iterable[Job], *, identity: str) -> ExportPlan:
    """
    Decide the fewest new jobs that make every wanted day available.

    A day is served by the job of ours that has the best news of it; of equal ones, by the older. Days that failed or
    were deleted in all of them, or are in none, are submitted.

    :param wanted: Inclusive UTC days the task needs.
    :param known: Jobs of the resource type that Twilio lists (it keeps finished ones for seven days).
    :param identity: The task's identity; see :func:`airflow_provider_bulkexports.planning.identity.identity_of`.
    """
    ours = [(marker.submitted_on, job) for job in known if (marker := read_marker(job)) and marker.identity == identity]
    ours.sort(key=lambda entry: entry[0])
    best: dict[date, tuple[int, int]] = {}
    for age, (_, job) in enumerate(ours):
        for day, status in _outlook(job, wanted).items():
            if status.is_lost:
                continue
            best[day] = min(best.get(day, (rank_of(status), age)), (rank_of(status), age))
    used = {age for _, age in best.values()}
    return ExportPlan(
        adopt=tuple(job for age, (_, job) in enumerate(ours) if age in used),
        submit=merge_days(day for day in wanted if day not in best),
        spare=tuple(job for age, (_, job) in enumerate(ours) if age not in used),
    )


def _outlook(job: Job, wanted: DayRange) -> dict[date, DayStatus]:
    """What becomes of each wanted day of the job, as far as it can be told."""
    days = own_range(job) or wanted
    reading = read_details(job, days)
    if reading.unaccounted or not all(status.is_final for status in reading.unnamed):
        rest = DayStatus.SUBMITTED
    else:
        rest = max(reading.unnamed, key=rank_of, default=DayStatus.SUBMITTED)
    return {day: reading.states.get(day, rest) for day in days if day in wanted}
