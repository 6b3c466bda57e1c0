"""Watch a wait: look again and again, say what is new, survive passing faults. The same for every mode of waiting."""

from __future__ import annotations

import time
from datetime import datetime, timezone

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.compat import Log, conf
from airflow_provider_bulkexports.exceptions import BulkExportsError
from airflow_provider_bulkexports.outcomes import WaitEvent
from airflow_provider_bulkexports.planning.progress import Progress
from airflow_provider_bulkexports.waiting import Wait

__all__ = ["FAILURES_IN_A_ROW", "POLL_INTERVAL", "Watch"]

#: Seconds between looks, where the DAG does not say.
POLL_INTERVAL = conf.getfloat("bulkexports", "poll_interval", fallback=60.0)

#: Looks in a row that may fail. With their growing pauses they outlast an outage of ten minutes at any interval.
FAILURES_IN_A_ROW = 10
LONGEST_PAUSE_AFTER_FAILURE = 300.0
SHORTEST_PAUSE_AFTER_FAILURE = 5.0


class Watch:
    """
    A wait's memory between looks, so that each log line says something new and passing faults are survived.

    :param wait: What is waited for.
    :param log: Where the wait's progress goes.
    """

    def __init__(self, wait: Wait, log: Log) -> None:
        self.wait = wait
        self._log = log
        self._failures = 0
        self._last_headline = ""
        self._last_line = "Twilio has not answered yet"

    def look(self, client: BulkExportsClient) -> WaitEvent | None:
        """
        Look once. Blocks; never raises an error of this package.

        :return: How the wait ended, or ``None`` while it goes on.
        """
        try:
            progress, event = self.wait.check(client)
        except BulkExportsError as error:
            return self._failed(error)
        self._failures = 0
        self._say(progress)
        return event

    def insist(self, client: BulkExportsClient, *, deadline: float) -> WaitEvent | None:
        """
        Look, and if that fails again and again: until Twilio answers, or the budget of failures is spent.

        For tasks on a worker. A rescheduled one forgets this object between its looks: it cannot count otherwise.

        :param deadline: Monotonic time after which nothing is repeated.
        """
        event = self.look(client)
        while event is None and self._failures and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(self.pause(0), left))
            event = self.look(client)
        return event

    def pause(self, interval: float) -> float:
        """Seconds until the next look: the interval, or longer and longer after failures."""
        if not self._failures:
            return interval
        grown = max(interval, SHORTEST_PAUSE_AFTER_FAILURE) * 2.0 ** (self._failures - 1)
        return max(interval, min(grown, LONGEST_PAUSE_AFTER_FAILURE))

    def timed_out(self, *, fate: str = "The job goes on at Twilio: clear the task to wait on") -> WaitEvent:
        """
        Make the event of a wait whose deadline passed.

        :param fate: What becomes of the job, and what to do now.
        """
        message = (
            f"Timed out waiting for {self.wait.subject} ({self._last_line}). {fate}, "
            "with a longer timeout if this happens often."
        )
        return WaitEvent(status="timeout", message=message, result=None)

    def _failed(self, error: BulkExportsError) -> WaitEvent | None:
        if not error.is_transient:
            return WaitEvent(status="fatal", message=str(error), result=None)
        self._failures += 1
        if self._failures >= FAILURES_IN_A_ROW:
            message = f"Twilio could not be asked {self._failures} times in a row; the job goes on there. {error}"
            return WaitEvent(status="error", message=message, result=None)
        self._log.warning("Look failed (%d of %d in a row): %s", self._failures, FAILURES_IN_A_ROW, error)
        return None

    def _say(self, progress: Progress) -> None:
        self._last_line = progress.summary(today=datetime.now(timezone.utc).date())
        # Twilio computes its estimate anew for every answer: that alone is no news.
        if progress.headline != self._last_headline:
            self._last_headline = progress.headline
            self._log.info("%s: %s", self.wait.subject, self._last_line)
