"""Watch a wait: look again and again, say what is new, survive passing faults. The same for every mode of waiting."""

from __future__ import annotations

import random
import time
from datetime import datetime, timezone

from airflow_provider_bulkexports.compat import Log, conf
from airflow_provider_bulkexports.exceptions import BulkExportsError, BulkExportsRateLimitError
from airflow_provider_bulkexports.outcomes import WaitEvent
from airflow_provider_bulkexports.planning import pacing
from airflow_provider_bulkexports.planning.pacing import Outlook, Pace
from airflow_provider_bulkexports.planning.progress import Progress
from airflow_provider_bulkexports.waiting import Check, Source, Wait

__all__ = ["FAILURES_IN_A_ROW", "MAX_POLL_INTERVAL", "POLL_INTERVAL", "Streak", "Watch"]

#: Seconds between looks, where the DAG does not say.
POLL_INTERVAL = conf.getfloat("bulkexports", "poll_interval", fallback=60.0)

#: Seconds up to which Twilio's estimate stretches them, where the DAG does not say.
MAX_POLL_INTERVAL = conf.getfloat("bulkexports", "max_poll_interval", fallback=pacing.MAX_POLL_INTERVAL)

#: Looks in a row that may fail. With their growing pauses they outlast an outage of ten minutes at any interval.
FAILURES_IN_A_ROW = 10


class Streak:
    """Failed looks in a row, and the pause that they call for."""

    def __init__(self) -> None:
        self.length = 0
        self._retry_after: float | None = None

    def add(self, error: BulkExportsError) -> None:
        """Count a failed look."""
        self.length += 1
        self._retry_after = error.retry_after if isinstance(error, BulkExportsRateLimitError) else None

    def end(self) -> None:
        """Count anew, after a look that worked."""
        self.length = 0

    def pause(self, pace: Pace) -> float:
        """Seconds until the next look, after at least one failed."""
        return pace.pause_after(self.length, retry_after=self._retry_after)


class Watch:
    """
    A wait's memory between looks, so that each log line says something new and passing faults are survived.

    :param wait: What is waited for.
    :param log: Where the wait's progress goes.
    :param pace: How often to look.
    """

    days_of = None

    def __init__(self, wait: Wait, log: Log, pace: Pace) -> None:
        self.wait = wait
        self.pace = pace
        self._log = log
        self._failures = Streak()
        self._last: Check | None = None
        self._last_headline = ""

    @property
    def is_failing(self) -> bool:
        """Whether the last look failed."""
        return self._failures.length > 0

    def look(self, source: Source) -> WaitEvent | None:
        """
        Look once. Blocks; never raises an error of this package.

        :return: How the wait ended, or ``None`` while it goes on.
        """
        try:
            check = self.wait.check(source, self._last)
        except BulkExportsError as error:
            return self._failed(error)
        self._failures.end()
        previous, self._last = self._last, check
        if previous is None or not _is_same(previous.progress, check.progress):
            self._say(check.progress)
        return check.event

    def insist(self, source: Source, *, deadline: float) -> WaitEvent | None:
        """
        Look, and if that fails again and again: until Twilio answers, or the budget of failures is spent.

        For tasks on a worker. A rescheduled one forgets this object between its looks: it cannot count otherwise.

        :param deadline: Monotonic time after which nothing is repeated.
        """
        event = self.look(source)
        while event is None and self.is_failing and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(self._failures.pause(Pace(0)), left))
            event = self.look(source)
        return event

    def pause(self) -> float:
        """Seconds until the next look."""
        if self.is_failing:
            return self._failures.pause(self.pace)
        now = datetime.now(timezone.utc)
        outlook = self._last.progress.outlook(now=now) if self._last else Outlook()
        return self.pace.pause(outlook, jitter=random.random())

    def timed_out(self, *, fate: str | None = None) -> WaitEvent:
        """
        Make the event of a wait whose deadline passed.

        :param fate: What became of the job, and what to do now, if it does not go on.
        """
        message = (
            f"Timed out waiting for {self.wait.subject} ({self._last_line}). "
            f"{fate or 'The job goes on at Twilio: clear the task to wait on'}, "
            "with a longer timeout if this happens often."
        )
        return WaitEvent(status="timeout", message=message, result=None)

    @property
    def _last_line(self) -> str:
        if self._last is None:
            return "Twilio has not answered yet"
        return self._last.progress.summary(today=datetime.now(timezone.utc).date())

    def _failed(self, error: BulkExportsError) -> WaitEvent | None:
        if not error.is_transient:
            return WaitEvent(status="fatal", message=str(error), result=None)
        self._failures.add(error)
        if self._failures.length >= FAILURES_IN_A_ROW:
            message = (
                f"Twilio could not be asked {self._failures.length} times in a row; the job goes on there. {error}"
            )
            return WaitEvent(status="error", message=message, result=None)
        self._log.warning("Look failed (%d of %d in a row): %s", self._failures.length, FAILURES_IN_A_ROW, error)
        return None

    def _say(self, progress: Progress) -> None:
        # Twilio computes its estimate anew for every answer: that alone is no news.
        if progress.headline != self._last_headline:
            self._last_headline = progress.headline
            self._log.info("%s: %s", self.wait.subject, self._last_line)


def _is_same(one: Progress, other: Progress) -> bool:
    """Whether two looks certainly showed the same, told without comparing every day."""
    return one.states is other.states and one.queue_position == other.queue_position
