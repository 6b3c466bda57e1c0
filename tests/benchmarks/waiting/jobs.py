"""The jobs that are waited for, ready to be sent: serialised once, so that the server costs little."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta, timezone

#: Days of each job, and the year that jobs share: an account has about 366 day files to list.
DAYS_OF_A_JOB = 90
FIRST_DAY = date(2025, 1, 1)
DAYS_IN_ALL = 365

#: Jobs end in another order than that of the list: a stride that shares no factor with any number of jobs below it.
STRIDE = 7919


class Job:
    """
    A job that runs until a known moment.

    :param number: Its place in the list, from 0.
    :param ends_at: When it ends, in seconds since the epoch.
    :param estimated: Whether it says so itself, as Twilio's estimate.
    """

    def __init__(self, number: int, ends_at: float, *, estimated: bool) -> None:
        self.number = number
        self.sid = f"JS{number:032x}"
        self.ends_at = ends_at
        first = FIRST_DAY + timedelta(days=number % (DAYS_IN_ALL - DAYS_OF_A_JOB))
        days = [(first + timedelta(days=day)).isoformat() for day in range(DAYS_OF_A_JOB)]
        some, most = days[: DAYS_OF_A_JOB // 9], days[DAYS_OF_A_JOB // 9 :]
        estimate = datetime.fromtimestamp(ends_at, timezone.utc).replace(tzinfo=None).isoformat() if estimated else None
        self._running = self._written(days, {"Completed": some, "Running": most}, "1", estimate)
        self._ended = self._written(days, {"CompletedEmptyRecords": some, "Completed": most}, "0", estimate)

    def has_ended(self, now: float) -> bool:
        """Whether every day is final."""
        return now >= self.ends_at

    def at(self, now: float) -> bytes:
        """The job as JSON."""
        return self._ended if self.has_ended(now) else self._running

    def _written(self, days: list[str], states: dict[str, list[str]], position: str, estimate: str | None) -> bytes:
        job = {
            "job_sid": self.sid,
            "friendly_name": f"Backfill {self.number} [af-20260101-{self.number:010x}]",
            "resource_type": "Messages",
            "start_day": days[0],
            "end_day": days[-1],
            "details": [{"status": status, "count": len(of), "days": of} for status, of in states.items()],
            "job_queue_position": position,
            "estimated_completion_time": estimate,
            "webhook_url": None,
            "webhook_method": None,
            "email": None,
        }
        return json.dumps(job).encode()


def make_jobs(count: int, *, seconds: float, now: float, estimated: bool) -> list[Job]:
    """Make jobs that end one after the other, evenly over the second half of so many seconds."""
    ranks = [(number * STRIDE) % count + 1 for number in range(count)] if count % STRIDE else range(1, count + 1)
    return [
        Job(number, now + seconds * (0.5 + 0.5 * rank / count), estimated=estimated)
        for number, rank in enumerate(ranks)
    ]


def day_files() -> list[bytes]:
    """The account's day files, each as JSON."""
    days = (FIRST_DAY + timedelta(days=day) for day in range(DAYS_IN_ALL))
    return [
        json.dumps(
            {
                "day": day.isoformat(),
                "size": 48213,
                "create_date": "2026-01-02",
                "friendly_name": "Backfill",
                "resource_type": "Messages",
            }
        ).encode()
        for day in days
    ]
