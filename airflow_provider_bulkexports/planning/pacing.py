"""When to look next: by the wait's own interval, Twilio's estimate, and what went wrong before."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_bulkexports.exceptions import BulkExportsInputError

__all__ = ["MAX_POLL_INTERVAL", "CompletionEstimate", "PollSchedule"]

#: Longest pause in seconds, where the DAG does not say: so much later than possible may a wait end.
MAX_POLL_INTERVAL = 300.0

SHORTEST_PAUSE_AFTER_FAILURE = 5.0
LONGEST_PAUSE_AFTER_FAILURE = 300.0
LONGEST_RETRY_AFTER = 300.0

#: A job at this place of Twilio's queue, or behind it, is as far away as one at it.
_FARTHEST_POSITION = 5

#: Part of a stretched pause that jitter may take off, so that processes do not look in step.
_JITTER = 0.1


@dataclass(frozen=True, slots=True)
class CompletionEstimate:
    """
    What Twilio says of the end.

    :param seconds_left: Until its estimate; not positive when that has passed, ``None`` if it gave none.
    :param queue_position: Jobs before this one and itself; ``None`` if it did not say, or the job has left the queue.
    """

    seconds_left: float | None = None
    queue_position: int | None = None


@dataclass(frozen=True, slots=True)
class PollSchedule:
    """
    How often to look.

    :param interval: Seconds between looks; no pause is shorter.
    :param ceiling: Seconds up to which Twilio's estimate may stretch it; at or below the interval, it never does.
    """

    interval: float
    max_interval: float = MAX_POLL_INTERVAL

    def __post_init__(self) -> None:
        for name, seconds in (("poll_interval", self.interval), ("max_poll_interval", self.max_interval)):
            if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds < float("inf"):
                raise BulkExportsInputError(f"{name} {seconds!r}: write seconds, such as 60")

    def pause(self, estimate: CompletionEstimate, *, jitter: float) -> float:
        """
        Seconds from one look to the next.

        Half of what is left by Twilio's estimate, which may be wrong either way; without one, longer while the job
        stands far back in the queue.

        :param jitter: From 0 to 1, chosen at random.
        """
        if estimate.seconds_left is not None:
            wanted = estimate.seconds_left / 2
        elif estimate.queue_position:
            wanted = self.interval * min(estimate.queue_position, _FARTHEST_POSITION)
        else:
            wanted = self.interval
        stretch = max(min(wanted, self.max_interval) - self.interval, 0.0)
        return self.interval + stretch * (1 - _JITTER * jitter)

    def pause_after(self, failures: int, *, retry_after: float | None = None) -> float:
        """
        Seconds after a failed look: longer and longer, and never shorter than the interval.

        :param failures: Failed looks in a row.
        :param retry_after: Seconds that Twilio asked to wait.
        """
        grown = max(self.interval, SHORTEST_PAUSE_AFTER_FAILURE) * 2.0 ** (failures - 1)
        asked = min(retry_after or 0.0, LONGEST_RETRY_AFTER)
        return max(self.interval, min(grown, LONGEST_PAUSE_AFTER_FAILURE), asked)
