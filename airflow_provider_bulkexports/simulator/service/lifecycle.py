"""
Life cycle of a job's days, from ``Submitted`` to their final status.

It is planned when the job is created, so a day's status depends on the time alone. Its final status is decided when it
ends, so that a test can script it until then.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from airflow_provider_bulkexports.model.details import DayStatus
from airflow_provider_bulkexports.simulator.knobs import Knobs

__all__ = ["DayRun", "plan_runs"]


@dataclass(slots=True)
class DayRun:
    """
    One day of one job.

    :param steps: Statuses before the final one, and the time at which each begins; the first begins with the job.
    :param ends_at: When the day is done, unless its job is deleted.
    :param outcome: Final status; ``None`` before ``ends_at``.
    """

    day: date
    steps: tuple[tuple[datetime, DayStatus], ...]
    ends_at: datetime
    outcome: DayStatus | None = None

    def status_at(self, moment: datetime) -> DayStatus:
        """Return the status of the day at ``moment``."""
        if self.outcome is not None and moment >= self.ends_at:
            return self.outcome
        begun = [status for at, status in self.steps if at <= moment]
        return begun[-1] if begun else DayStatus.SUBMITTED

    def delete(self, moment: datetime, stop_time: timedelta) -> None:
        """Delete the day: at once if it is queued, within ``stop_time`` if it runs."""
        was_running = self.status_at(moment) is DayStatus.RUNNING
        self.steps = tuple(step for step in self.steps if step[0] <= moment)
        self.outcome = DayStatus.DELETED_BY_USER_REQUEST
        if was_running:
            self.steps += ((moment, DayStatus.RUNNING_TO_BE_DELETED),)
            self.ends_at = min(self.ends_at, moment + stop_time)
        else:
            self.ends_at = moment


def plan_runs(
    days: Sequence[date],
    *,
    created_at: datetime,
    starts_at: datetime,
    failed_attempts: Callable[[date], int],
    knobs: Knobs,
    rng: Random,
) -> list[DayRun]:
    """
    Plan when each day runs and ends.

    ``knobs.parallel_days`` workers start the days roughly in order and take different times, so days end out of order.

    :param starts_at: When the first day runs.
    :param failed_attempts: Returns how many times a day goes through ``ErrorDuringRun``.
    """
    workers = [starts_at] * max(1, knobs.parallel_days)
    runs = []
    for day in _shuffled(days, knobs.parallel_days, rng):
        begins_at = heapq.heappop(workers)
        run = _plan_run(day, created_at, begins_at, failed_attempts(day), knobs, rng)
        heapq.heappush(workers, run.ends_at)
        runs.append(run)
    return sorted(runs, key=lambda run: run.day)


def _shuffled(days: Sequence[date], spread: int, rng: Random) -> list[date]:
    places = {day: place + rng.uniform(0, spread) for place, day in enumerate(days)}
    return sorted(days, key=places.__getitem__)


def _plan_run(day: date, created_at: datetime, begins_at: datetime, failures: int, knobs: Knobs, rng: Random) -> DayRun:
    duration = knobs.job_time(knobs.seconds_per_day_run * rng.uniform(0.5, 1.5))
    steps = [(created_at, DayStatus.SUBMITTED)]
    for _ in range(failures):
        steps.append((begins_at, DayStatus.RUNNING))
        broken_at = begins_at + duration / 2
        steps.append((broken_at, DayStatus.ERROR_DURING_RUN))
        begins_at = broken_at + knobs.job_time(knobs.error_pause_seconds)
    steps.append((begins_at, DayStatus.RUNNING))
    return DayRun(day, tuple(steps), begins_at + duration)
