"""Watch a wait: look again and again, say what is new, survive passing faults. The same for every mode of waiting."""

from __future__ import annotations

import random
import time
import traceback
from datetime import datetime, timezone
from pathlib import Path

from airflow_provider_bulkexports.compat import Log
from airflow_provider_bulkexports.exceptions import (
    BulkExportsError,
    BulkExportsRateLimitError,
    BulkExportsResponseError,
    text_of,
)
from airflow_provider_bulkexports.model.plain import plain_text
from airflow_provider_bulkexports.model.results import WaitEvent
from airflow_provider_bulkexports.planning.pacing import CompletionEstimate, PollSchedule
from airflow_provider_bulkexports.planning.progress import Progress
from airflow_provider_bulkexports.polling.waits import CheckResult, ExportsReader, StaleCredentialsError, Wait

__all__ = [
    "MAX_CONSECUTIVE_FAILURES",
    "ConsecutiveFailures",
    "WaitPoller",
    "as_poll_error",
]

#: Looks in a row that may fail. With their growing pauses they outlast an outage of ten minutes at any interval.
MAX_CONSECUTIVE_FAILURES = 10


def as_poll_error(error: Exception) -> BulkExportsError:
    """
    Take whatever ended a poll for a failed poll, which the next one may mend; an error of this package is itself.

    A fault of ours in reading one answer must not end the waits for others, and says where it is.
    """
    if isinstance(error, BulkExportsError):
        return error
    steps = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(steps[-1].filename).name}:{steps[-1].lineno})" if steps else ""
    what = plain_text(f"{type(error).__name__}: {text_of(error)}", longest=500)
    return BulkExportsResponseError(f"Unexpected {what}{where}")


class ConsecutiveFailures:
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

    def pause(self, schedule: PollSchedule) -> float:
        """Seconds until the next look, after at least one failed."""
        return schedule.pause_after(self.length, retry_after=self._retry_after)


class WaitPoller:
    """
    A wait's memory between looks, so that each log line says something new and passing faults are survived.

    :param wait: What is waited for.
    :param log: Where the wait's progress goes.
    :param pace: How often to look.
    """

    days_of = None

    def __init__(self, wait: Wait, log: Log, schedule: PollSchedule) -> None:
        self.wait = wait
        self.schedule = schedule
        self._log = log
        self._failures = ConsecutiveFailures()
        self._last: CheckResult | None = None
        self._last_headline = ""

    @property
    def is_failing(self) -> bool:
        """Whether the last look failed."""
        return self._failures.length > 0

    def look(self, source: ExportsReader) -> WaitEvent | None:
        """
        Look once. Blocks; a fault is counted, not raised.

        :return: How the wait ended, or ``None`` while it goes on.
        :raises StaleCredentialsError: if the source does, which concerns the whole poll.
        """
        try:
            check = self.wait.check(source, self._last)
        except StaleCredentialsError:
            raise
        except Exception as error:  # noqa: BLE001  # counted; see fail()
            return self.fail(error)
        previous, self._last = self._last, check
        if check.failure:
            return self.fail(check.failure)
        self._failures.end()
        if previous is None or not _is_same(previous.progress, check.progress):
            self._say(check.progress)
        return check.event

    def insist(self, source: ExportsReader, *, deadline: float) -> WaitEvent | None:
        """
        Look, and if that fails again and again: until Twilio answers, or the budget of failures is spent.

        For tasks on a worker. A rescheduled one forgets this object between its looks: it cannot count otherwise.

        :param deadline: Monotonic time after which nothing is repeated.
        """
        event = self.look(source)
        while event is None and self.is_failing and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(self._failures.pause(PollSchedule(0)), left))
            event = self.look(source)
        if event is None and time.monotonic() >= deadline:
            return self._fallback()
        return event

    def pause(self) -> float:
        """Seconds until the next look."""
        if self.is_failing:
            return self._failures.pause(self.schedule)
        now = datetime.now(timezone.utc)
        estimate = self._last.progress.estimate(now=now) if self._last else CompletionEstimate()
        return self.schedule.pause(estimate, jitter=random.random())

    def timed_out(self, *, fate: str | None = None) -> WaitEvent:
        """
        Make the event of a wait whose deadline passed.

        :param fate: What became of the job, and what to do now, if it does not go on.
        """
        if fallback := self._fallback():
            return fallback
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

    def fail(self, error: Exception) -> WaitEvent | None:
        """
        Count a failed poll, also one that failed before it came to this wait; any error that is not ours may pass.

        :return: How the wait ended, if the error ends it or the budget of consecutive failures is spent.
        """
        failure = as_poll_error(error)
        if not failure.is_transient:
            return WaitEvent(status="fatal", message=str(failure), result=None)
        self._failures.add(failure)
        length = self._failures.length
        if length >= MAX_CONSECUTIVE_FAILURES:
            message = f"Twilio could not be asked {length} times in a row; the job goes on there. {failure}"
            return self._fallback() or WaitEvent(status="error", message=message, result=None)
        self._log.warning("Look failed (%d of %d in a row): %s", length, MAX_CONSECUTIVE_FAILURES, plain_text(failure))
        return None

    def _fallback(self) -> WaitEvent | None:
        """The end of a wait whose days are final, but for a list that cannot be had."""
        if self._last is None or self._last.fallback is None:
            return None
        self._log.warning(
            "All days of %s are final. Which of them have no records is unknown: %s",
            self.wait.subject,
            self._last.failure,
        )
        return self._last.fallback

    def _say(self, progress: Progress) -> None:
        # Twilio computes its estimate anew for every answer: that alone is no news.
        if progress.headline != self._last_headline:
            self._last_headline = progress.headline
            self._log.info("%s: %s", self.wait.subject, self._last_line)


def _is_same(one: Progress, other: Progress) -> bool:
    """Whether two looks certainly showed the same, told without comparing every day."""
    return one.states is other.states and one.queue_position == other.queue_position
