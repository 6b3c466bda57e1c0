"""The days that a job wait covers, and whether its jobs can make them final."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.days import MAX_DAYS_PER_JOB, DayRange, day_ranges
from airflow_provider_bulkexports.model.plain import listed
from airflow_provider_bulkexports.model.resources import Job, ResourceType
from airflow_provider_bulkexports.planning.progress import days_spanned_by

__all__ = ["awaited_days", "require_resource_type"]


def awaited_days(
    jobs: Sequence[Job], *, start_day: date | None, end_day: date | None, former: DayRange | None = None
) -> DayRange:
    """
    Return the days to wait for; the jobs cover them all, as far as is known.

    :param start_day: First wanted day; ``None``: the jobs' own.
    :param end_day: Last wanted day, inclusive; ``None``: the jobs' own.
    :param former: The result at the last poll, for jobs that do not say this time which days they cover.
    :raises BulkExportsInputError: if the days are unknown, or can never become final.
    """
    ranges = [own for job in jobs if (own := job.days)]
    if start_day and end_day:
        days = DayRange(start_day, end_day)
    elif former and not ranges:
        return former
    else:
        whole = days_spanned_by(jobs)
        days = DayRange(start_day or whole.start, end_day or whole.end)
    sids = listed((job.job_sid for job in jobs), most=10)
    if len(days) > MAX_DAYS_PER_JOB * len(jobs):  # too many to list
        raise BulkExportsInputError(
            f"{days} is more than {sids} can cover: a job has at most {MAX_DAYS_PER_JOB} days",
            remedy="Correct start_day and end_day.",
        )
    covered = any(own.start <= days.start and days.end <= own.end for own in ranges)
    missing = [] if covered else [day for day in days if not any(day in own for own in ranges)]
    if missing and len(ranges) == len(jobs):
        raise BulkExportsInputError(
            f"Not covered by {sids} ({listed(sorted(ranges), most=10)}): {', '.join(day_ranges(missing))}",
            remedy="Correct start_day and end_day.",
        )
    return days


def require_resource_type(jobs: Sequence[Job], resource_type: ResourceType | None) -> None:
    """
    Check that the jobs export a resource type.

    :param resource_type: The wanted one; ``None``: any.
    :raises BulkExportsInputError: if a job exports another one.
    """
    for job in jobs:
        if resource_type and job.resource_type and job.resource_type is not resource_type:
            raise BulkExportsInputError(
                f"Job {job.job_sid} exports {job.resource_type}, not {resource_type}", remedy="Correct resource_type."
            )
