"""Poll one wait: repeat its check, log what changed, survive transient failures. The same for every mode of waiting."""

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
from airflow_provider_bulkexports.model.days import DayRange
from airflow_provider_bulkexports.model.plain import plain_text
from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.model.results import WaitEvent, failed_wait
from airflow_provider_bulkexports.planning.pacing import CompletionEstimate, PollSchedule
from airflow_provider_bulkexports.planning.progress import Progress
from airflow_provider_bulkexports.polling.heartbeat import shown_time
from airflow_provider_bulkexports.polling.waits import (
    CheckResult,
    ExportsReader,
    JobCheck,
    Needs,
    StaleCredentialsError,
    Wait,
)

__all__ = [
    "MAX_CONSECUTIVE_FAILURES",
    "ConsecutiveFailures",
    "WaitPoller",
    "as_poll_error",
]

#: Consecutive failures that end a wait. With their growing delays they outlast ten minutes of outage at any interval.
MAX_CONSECUTIVE_FAILURES = 10

#: Seconds after which a poll that has not ended counts as one that Twilio does not respond to.
_LONG_POLL = 60.0


def as_poll_error(error: Exception) -> BulkExportsError:
    """
    Turn any error into that of a failed poll, which the next poll may mend; errors of this package stay as they are.

    A bug in reading one response must not end the waits for others. The message names its place.
    """
    if isinstance(error, BulkExportsError):
        return error
    steps = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(steps[-1].filename).name}:{steps[-1].lineno})" if steps else ""
    what = plain_text(f"{type(error).__name__}: {text_of(error)}", longest=500)
    return BulkExportsResponseError(f"Unexpected {what}{where}")


class ConsecutiveFailures:
    """Counts consecutive failed polls, and sets the delay after them."""

    def __init__(self) -> None:
        self.length = 0
        #: When the first of them failed, in seconds since the epoch.
        self.since = 0.0
        self._retry_after: float | None = None

    def add(self, error: BulkExportsError) -> None:
        """Count a failed poll."""
        if not self.length:
            self.since = time.time()
        self.length += 1
        self._retry_after = error.retry_after if isinstance(error, BulkExportsRateLimitError) else None

    def reset(self) -> None:
        """Start counting at zero, after a poll that succeeded."""
        self.length = 0

    def delay(self, schedule: PollSchedule) -> float:
        """Seconds until the next poll, after at least one failed."""
        return schedule.pause_after(self.length, retry_after=self._retry_after)


class WaitPoller:
    """
    Keeps the state of one wait between its polls, to log only what changed and to count consecutive failures.

    :param log: Gets the wait's progress.
    :param schedule: How often to poll.
    """

    def __init__(self, wait: Wait, log: Log, schedule: PollSchedule) -> None:
        self.wait = wait
        self.schedule = schedule
        self._log = log
        self._failures = ConsecutiveFailures()
        self._last: CheckResult | None = None
        self._last_headline = ""

    @property
    def needs(self) -> Needs:
        """What each poll requests."""
        return self.wait.needs

    @property
    def is_failing(self) -> bool:
        """Whether the last poll failed."""
        return self._failures.length > 0

    @property
    def days(self) -> DayRange | None:
        """The awaited days; ``None`` before the first poll that succeeds."""
        return self._last.progress.days if self._last else None

    @property
    def resource_type(self) -> ResourceType | None:
        """Type of the awaited jobs, if the last poll found it."""
        jobs = self._last.jobs if isinstance(self._last, JobCheck) else ()
        return next((job.resource_type for job in jobs if job.resource_type), None)

    def poll(self, reader: ExportsReader) -> WaitEvent | None:
        """
        Poll once. Blocks; a failure is counted, not raised.

        :return: How the wait ended; ``None`` while it continues.
        :raises StaleCredentialsError: if the reader does, since that concerns the whole poll.
        """
        try:
            check = self.wait.check(reader, self._last)
        except StaleCredentialsError:
            raise
        except Exception as error:  # noqa: BLE001  # counted; see fail()
            return self.fail(error)
        previous, self._last = self._last, check
        if check.failure:
            return self.fail(check.failure)
        self._failures.reset()
        if previous is None or not _has_same_headline(previous.progress, check.progress):
            self._log_progress(check.progress)
        return check.event

    def poll_until_answered(self, reader: ExportsReader, *, deadline: float) -> WaitEvent | None:
        """
        Poll, and repeat a failed poll until Twilio responds or the consecutive failures are too many.

        For tasks on a worker: a rescheduled task cannot count otherwise, since it loses this object between two polls.

        :param deadline: Monotonic time after which nothing is repeated.
        """
        event = self.poll(reader)
        while event is None and self.is_failing and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(self._failures.delay(PollSchedule(0)), left))
            event = self.poll(reader)
        if event is None and time.monotonic() >= deadline:
            return self._fallback()
        return event

    def next_delay(self) -> float:
        """Seconds until the next poll."""
        if self.is_failing:
            return self._failures.delay(self.schedule)
        now = datetime.now(timezone.utc)
        estimate = self._last.progress.estimate(now=now) if self._last else CompletionEstimate()
        return self.schedule.pause(estimate, jitter=random.random())

    def log_start(self) -> None:
        """Say what the wait is for."""
        self._log.info("Waiting for %s", self.wait.goal(self.days))

    def log_status(self, *, began: float, next_poll: float, end: float | None) -> None:
        """
        Say what the wait is doing, whether or not anything has changed. All times in seconds since the epoch.

        :param began: When the wait began.
        :param next_poll: When the next poll is due; a poll that is overdue may be under way.
        :param end: When the wait times out.
        """
        now = time.time()
        self._log.info(
            "%s; waiting since %s UTC, next poll %s, timeout %s",
            self._last.progress.days_final if self._last else "no status received yet",
            shown_time(began, now=now),
            "now" if next_poll <= now else shown_time(next_poll, now=now),
            "never" if end is None else shown_time(end, now=now),
        )
        if self.is_failing:
            since, length = shown_time(self._failures.since, now=now), self._failures.length
            self._log.warning(
                "No usable response from Twilio since %s UTC (%d of %d consecutive failures)",
                *(since, length, MAX_CONSECUTIVE_FAILURES),
            )
        elif next_poll < now - _LONG_POLL:
            since = shown_time(next_poll, now=now)
            self._log.warning("Twilio has not responded since %s UTC; the poll continues", since)

    def timed_out(self, *, cancellation: str | None = None) -> WaitEvent:
        """
        Make the event of a wait whose deadline has passed.

        :param cancellation: If the jobs were to be cancelled: what became of them, and what to do now.
        """
        if fallback := self._fallback():
            return fallback
        remedy = (
            f"{cancellation or f'{self.wait.aftermath} Clear this task to resume waiting'}; "
            "raise timeout if this happens often."
        )
        late = BulkExportsError(
            f"Timed out waiting for {self.wait.subject} ({self._last_line})", remedy=remedy, details=self._details
        )
        return failed_wait("timeout", late)

    @property
    def _details(self) -> dict[str, str | list[str]]:
        return {**self.wait.details, **({"days": str(self.days)} if self.days else {})}

    @property
    def _last_line(self) -> str:
        if self._last is None:
            return "no status received yet"
        return self._last.progress.summary(today=datetime.now(timezone.utc).date())

    def fail(self, error: Exception) -> WaitEvent | None:
        """
        Count a failed poll, also one that failed before it came to this wait. Foreign errors count as transient.

        :return: How the wait ended, if the error or the number of consecutive failures ends it.
        """
        failure = as_poll_error(error)
        if not failure.is_transient:
            return failed_wait("fatal", failure)
        self._failures.add(failure)
        length = self._failures.length
        if length >= MAX_CONSECUTIVE_FAILURES:
            outage = BulkExportsError(
                f"Polling Twilio failed {length} times in a row. {failure.what}",
                remedy=f"{self.wait.aftermath} Clear this task to resume waiting. {failure.remedy}".strip(),
                details={**self._details, **failure.details},
            )
            return self._fallback() or failed_wait("error", outage)
        self._log.warning(
            "Poll failed (%d of %d consecutive failures): %s", length, MAX_CONSECUTIVE_FAILURES, failure.what
        )
        return None

    def _fallback(self) -> WaitEvent | None:
        """The end of a wait whose days are all final, when only the list of day files cannot be read."""
        if self._last is None or self._last.fallback is None:
            return None
        self._log.warning(
            "All days of %s are final. Which of them have no records is unknown: %s",
            self.wait.subject,
            self._last.failure,
        )
        return self._last.fallback

    def _log_progress(self, progress: Progress) -> None:
        # Twilio computes its estimate for each response: a new estimate alone is not news.
        if progress.headline != self._last_headline:
            self._last_headline = progress.headline
            self._log.info("%s: %s", self.wait.subject, self._last_line)


def _has_same_headline(one: Progress, other: Progress) -> bool:
    """Tell without composing both, which takes half of the time of a check in which only the estimate changed."""
    return one.states is other.states and one.queue_position == other.queue_position
