"""When the day quota renews, and which ranges fit into which UTC day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta, timezone

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.days import MAX_DAYS_PER_JOB, DayRange, exportable_at
from airflow_provider_bulkexports.model.plain import counted

__all__ = ["CLOCK_MARGIN", "quota_renewed_at", "schedule_ranges"]

#: Seconds over which tasks are spread that wait for the same midnight.
_SPREAD = 300

#: Seconds that Twilio's clock may be behind.
CLOCK_MARGIN = 5


def quota_renewed_at(now: datetime, *, identity: str) -> datetime:
    """
    When to repeat a submission that was rejected for the quota.

    That is shortly after the next UTC midnight, tasks one after the other, each always in the same place.

    :param now: In UTC.
    :param identity: The task's; see :func:`airflow_provider_bulkexports.planning.identity.identity_of`.
    """
    midnight = datetime.combine(now.date() + timedelta(days=1), time(), timezone.utc)
    return midnight + timedelta(seconds=CLOCK_MARGIN + int(identity, 16) % _SPREAD)


def schedule_ranges(
    ranges: Iterable[DayRange], *, today: date, used_today: int = 0, quota: int = MAX_DAYS_PER_JOB
) -> dict[date, list[DayRange]]:
    """
    Assign each range to the first UTC day that has enough quota left and on which Twilio exports the range.

    :param ranges: In order of importance: an earlier one is placed first, a later one may fill the gap it leaves.
    :param today: Current UTC day.
    :param used_today: Days requested today already; Twilio offers no way to ask.
    :param quota: Days that may be requested in a UTC day.
    :return: The ranges by the day on which to submit them, both in ascending order of the day.
    :raises BulkExportsInputError: for a range longer than the quota of a day.
    """
    room: dict[date, int] = {today: quota - used_today}
    plan: dict[date, list[DayRange]] = {}
    for days in ranges:
        if len(days) > quota:
            raise BulkExportsInputError(
                f"{days} is {counted(len(days), 'day')}, and only {quota} can be requested in a UTC day: split it first"
            )
        day = max(today, exportable_at(days.end).date())
        while room.setdefault(day, quota) < len(days):
            day += timedelta(days=1)
        room[day] -= len(days)
        plan.setdefault(day, []).append(days)
    return dict(sorted(plan.items()))
