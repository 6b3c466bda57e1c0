"""Which days a wait for jobs means, and whether its jobs can make them final."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.days import MAX_DAYS_PER_JOB, DayRange
from airflow_provider_bulkexports.model.plain import listed
from airflow_provider_bulkexports.model.resources import Job
from airflow_provider_bulkexports.planning.progress import days_spanned_by

__all__ = ["awaited_days"]


def awaited_days(
    jobs: Sequence[Job], *, start_day: date | None, end_day: date | None, former: DayRange | None = None
) -> DayRange:
    """
    Return the days that are waited for, all of which the jobs cover as far as is known.

    :param start_day: First wanted day; ``None``: the jobs' own.
    :param end_day: Last wanted day, inclusive; ``None``: the jobs' own.
    :param former: What this was at the last poll, in case that the jobs do not say which days they cover this time.
    :raises BulkExportsInputError: if it is not known which days are meant, or they can never become final.
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
    if len(days) > MAX_DAYS_PER_JOB * len(jobs):  # and not to be counted one by one
        raise BulkExportsInputError(
            f"{days} cannot become final: {sids} has at most {MAX_DAYS_PER_JOB} days; correct start_day and end_day"
        )
    covered = any(own.start <= days.start and days.end <= own.end for own in ranges)
    missing = [] if covered else [day for day in days if not any(day in own for own in ranges)]
    if missing and len(ranges) == len(jobs):
        raise BulkExportsInputError(
            f"{listed(missing)} cannot become final: {sids} covers {listed(ranges, most=10)} only; "
            "correct start_day and end_day"
        )
    return days
