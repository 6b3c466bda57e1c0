"""
When to poll next: by the interval, Twilio's estimate, and the failures so far.

Nothing sleeps here: ``polling/shared_poller.py`` does in the triggerer, ``tasks/export_jobs.py`` on a worker, and
Airflow's own sensor for a sensor on a worker.
"""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_bulkexports.exceptions import BulkExportsInputError

__all__ = ["MAX_POLL_INTERVAL", "CompletionEstimate", "PollSchedule"]

#: Default of the longest pause, in seconds. A wait may end that much later than its job.
MAX_POLL_INTERVAL = 300.0

SHORTEST_PAUSE_AFTER_FAILURE = 5.0
LONGEST_PAUSE_AFTER_FAILURE = 300.0
LONGEST_RETRY_AFTER = 300.0

#: Queue position from which on the pause stays the same.
_FARTHEST_POSITION = 5

#: Part of a stretched pause that jitter may take off, so that processes do not poll in step.
_JITTER = 0.1


@dataclass(frozen=True, slots=True)
class CompletionEstimate:
    """
    What Twilio says about the time until a job is complete.

    :param seconds_left: Until the estimated time; zero or less once that has passed, ``None`` without an estimate.
    :param queue_position: 1 for the next job; ``None`` if unknown, or if the job has left the queue.
    """

    seconds_left: float | None = None
    queue_position: int | None = None


@dataclass(frozen=True, slots=True)
class PollSchedule:
    """
    How often to poll.

    :param interval: Seconds between two polls; no pause is shorter.
    :param max_interval: Upper limit in seconds when Twilio estimates a later completion; at or below the interval,
        estimates have no effect.
    """

    interval: float
    max_interval: float = MAX_POLL_INTERVAL

    def __post_init__(self) -> None:
        for name, seconds in (("poll_interval", self.interval), ("max_poll_interval", self.max_interval)):
            if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds < float("inf"):
                raise BulkExportsInputError(f"{name} must be a number of seconds, such as 60; got {seconds!r}")

    def pause(self, estimate: CompletionEstimate, *, jitter: float) -> float:
        """
        Seconds from one poll to the next.

        Half of the time left by Twilio's estimate, which may be wrong either way. Without an estimate: longer while the
        job is far back in the queue.

        :param jitter: From 0 to 1, chosen at random.
        """
        if estimate.seconds_left is not None:
            wanted = estimate.seconds_left / 2
        elif estimate.queue_position:
            wanted = self.interval * min(estimate.queue_position, _FARTHEST_POSITION)
        else:
            wanted = self.interval
        longest = max(min(wanted, self.max_interval), self.interval)
        # A sum of floats may exceed its limit by the last digit.
        return min(longest, self.interval + (longest - self.interval) * (1 - _JITTER * jitter))

    def pause_after(self, failures: int, *, retry_after: float | None = None) -> float:
        """
        Seconds after a failed poll: growing, and never shorter than the interval.

        :param failures: Consecutive failures.
        :param retry_after: Seconds that Twilio asked to wait.
        """
        grown = max(self.interval, SHORTEST_PAUSE_AFTER_FAILURE) * 2.0 ** (failures - 1)
        asked = min(retry_after or 0.0, LONGEST_RETRY_AFTER)
        return max(self.interval, min(grown, LONGEST_PAUSE_AFTER_FAILURE), asked)
