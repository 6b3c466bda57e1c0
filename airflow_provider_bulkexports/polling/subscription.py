"""A wait's place in the shared poller: when it is polled next, and what it gets in the end."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Protocol, TypeVar, cast

from airflow_provider_bulkexports.model.plain import plain_text
from airflow_provider_bulkexports.polling.poll_round import PollRound
from airflow_provider_bulkexports.polling.waits import ExportsReader, Needs, StaleCredentialsError

__all__ = ["PollTarget", "Subscription", "TimedPollTarget", "log_heartbeats"]

T = TypeVar("T")
Found_co = TypeVar("Found_co", covariant=True)

#: Most seconds after the last round for which a new wait waits for others, to be polled together with them.
_LONGEST_GATHERING = 5.0

#: Seconds for the first poll of a wait whose time is already up: its job may have finished while no triggerer ran.
_GRACE_OF_THE_FIRST_POLL = 30.0


#: Heartbeats after which their thread lets the event loop run.
_BATCH = 20

#: Held while a target is made: a heartbeat may need it while the round that would make it still hangs.
_making = threading.Lock()


class PollTarget(Protocol[Found_co]):
    """What the shared poller polls: a ``WaitPoller``, or ``NewFiles``."""

    @property
    def needs(self) -> Needs:
        """What each poll requests."""

    @property
    def is_failing(self) -> bool:
        """Whether the last poll failed."""

    def poll(self, reader: ExportsReader) -> Found_co | None:
        """Poll once; blocks. Return what was waited for, once it is there."""

    def fail(self, error: Exception) -> Found_co | None:
        """Count a poll that failed before it came to this target. Return what ends the wait, if that is too many."""

    def next_delay(self) -> float:
        """Seconds until the next poll."""

    def log_status(self, *, began: float, next_poll: float, end: float | None) -> None:
        """Log a heartbeat. All times in seconds since the epoch."""


class TimedPollTarget(PollTarget[Found_co], Protocol[Found_co]):
    """A target whose polling has an end time."""

    def timed_out(self) -> Found_co:
        """What to return when the time is up."""


class Subscription:
    """
    A wait's place in the shared poller.

    :param make_target: Makes what to poll; a ``TimedPollTarget`` if there is an end time.
    :param end_time: When the wait times out, in seconds since the epoch.
    :param first_delay: Seconds until the first poll.
    :param start_time: When the wait began, in seconds since the epoch; ``None``: now.
    """

    def __init__(
        self,
        make_target: Callable[[], PollTarget[Any]],
        interval: float,
        end_time: float | None,
        first_delay: float,
        start_time: float | None = None,
    ) -> None:
        self.interval = interval
        self._end_time = end_time
        self._start_time = time.time() if start_time is None else start_time
        self._first_delay = first_delay
        self._subscribed = time.monotonic()
        #: Monotonic time of the last poll, and of the next one.
        self.last_poll = float("inf") if end_time is None else self._subscribed + end_time - time.time()
        self.due = 0.0
        self.end: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.context = contextvars.copy_context()
        self.target: PollTarget[Any] | None = None
        self.found: Any = None
        self._make_target = make_target

    @property
    def needs(self) -> Needs:
        """What each poll requests; nothing until the target is made."""
        return self.target.needs if self.target else Needs()

    @property
    def is_failing(self) -> bool:
        """Whether the last poll failed."""
        return self.target is not None and self.target.is_failing

    def schedule_first(self, last_round: float) -> None:
        """Set the first poll. Waits that subscribe shortly after each other are polled together."""
        gathering = min(self.interval / 2, _LONGEST_GATHERING)
        self.due = max(time.monotonic() + self._first_delay, last_round + gathering)

    def overdue_at(self, grace: float) -> float:
        """
        Monotonic time at which the wait ends even without its last poll.

        :param grace: Seconds for that poll. If the time was already up at the start, as after a restart, the first poll
            gets longer.
        """
        if self.last_poll <= self._subscribed:
            return self._subscribed + max(grace, _GRACE_OF_THE_FIRST_POLL)
        return self.last_poll + grace

    def start(self) -> None:
        """Make the target, once."""
        if self.target is None:
            with _making:
                self._make()

    def poll(self, reader: PollRound, began: float) -> None:
        """
        Poll, and set the next poll, or end the wait if its time is up. In the poller's thread.

        A bug that shows in one wait counts as a failed poll of that wait only.

        :param began: Monotonic time at which the round began.
        """
        if (target := self._open_target()) is None:
            return
        try:
            self._take(target, self._in_context(target.poll, reader), began)
        except StaleCredentialsError:
            raise
        except Exception as error:  # noqa: BLE001  # counted
            self.fail(error, began)

    def fail(self, error: Exception, began: float) -> None:
        """
        Count a failed poll, and set the next poll or end the wait.

        :param began: Monotonic time at which the poll began.
        """
        if (target := self._open_target()) is not None:
            try:
                self._take(target, self._in_context(target.fail, error), began)
            except Exception as fault:  # noqa: BLE001  # raised again in the wait that it belongs to
                self.found = fault

    def log_status(self, next_poll: float) -> None:
        """
        Log a heartbeat, also while a poll hangs. In a thread of its own.

        :param next_poll: In seconds since the epoch.
        """
        self.start()
        if (target := self._open_target()) is not None:
            self._in_context(
                partial(target.log_status, began=self._start_time, next_poll=next_poll, end=self._end_time)
            )

    def time_out(self) -> None:
        """End the wait because its time is up, even while a poll hangs. In the event loop."""
        self.start()
        if (target := self._open_target()) is not None:
            try:
                self.found = self._in_context(self._timed_out, target)
            except Exception as fault:  # noqa: BLE001  # raised again in the wait that it belongs to
                self.found = fault
        self.resolve()

    def resolve(self) -> None:
        """Hand what was found to the wait, unless that was cancelled."""
        if self.end.done():
            return
        if isinstance(self.found, Exception):
            self.end.set_exception(self.found)
        elif self.found is not None:
            self.end.set_result(self.found)

    def _make(self) -> None:
        if self.target is None and self.found is None:
            try:
                self.target = self._in_context(self._make_target)
            except Exception as error:  # noqa: BLE001  # raised again in the wait that it belongs to
                self.found = error

    def _open_target(self) -> PollTarget[Any] | None:
        return None if self.found is not None or self.end.done() else self.target

    def _in_context(self, call: Callable[..., T], *arguments: Any) -> T:
        """Call in a copy of the wait's context: the context itself may be occupied by a poll that hangs in a thread."""
        return self.context.copy().run(call, *arguments)

    def _take(self, target: PollTarget[Any], found: Any, began: float) -> None:
        if found is None:
            self.due = min(began + target.next_delay(), self.last_poll)
            if began >= self.last_poll:
                found = self._timed_out(target)
        self.found = found

    def _timed_out(self, target: PollTarget[Any]) -> Any:
        return cast("TimedPollTarget[Any]", target).timed_out()  # only these have an end time


def log_heartbeats(lines: Iterable[tuple[Subscription, float]]) -> None:
    """
    Log a heartbeat of each wait. In a thread.

    :param lines: The waits, and when each is polled next, in seconds since the epoch.
    """
    for number, (subscription, next_poll) in enumerate(lines, 1):
        try:
            subscription.log_status(next_poll)
        except Exception as error:  # noqa: BLE001  # a failing log does not end a wait
            logging.getLogger(__name__).warning("Cannot log the status of a wait: %s", plain_text(error))
        if number % _BATCH == 0:
            time.sleep(0)
