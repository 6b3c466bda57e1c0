"""The place of a wait in a poller: when it is to be looked at, and what it is told in the end."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.polling.poll_round import PollRound
from airflow_provider_bulkexports.polling.waits import ExportsReader, JobWait, StaleCredentialsError, Wait

__all__ = ["PollTarget", "Subscription"]

T = TypeVar("T")
Found_co = TypeVar("Found_co", covariant=True)

#: Waits that arrive one after the other are looked at together, at most so many seconds after the last round.
_LONGEST_GATHERING = 5.0

#: Seconds for the first look of a wait whose time is up already: its job may have finished while no triggerer ran.
_GRACE_OF_THE_FIRST_LOOK = 30.0


class PollTarget(Protocol[Found_co]):
    """What the shared poller polls, such as a ``WaitPoller``."""

    @property
    def wait(self) -> Wait | None:
        """What is waited for, where the poller can prepare the answers; else what is asked is asked on demand."""

    @property
    def days_of(self) -> ResourceType | None:
        """Resource type whose list of day files is all that is asked for, if so."""

    @property
    def is_failing(self) -> bool:
        """Whether the last look failed."""

    def look(self, source: ExportsReader) -> Found_co | None:
        """Look once; blocks. Return what was waited for, once it is there."""

    def fail(self, error: Exception) -> Found_co | None:
        """Count a poll that failed before it came to this looker. Return what ends the wait, if that is too many."""

    def pause(self) -> float:
        """Seconds until the next look."""

    def timed_out(self) -> Found_co:
        """What to return when time is up."""


class Subscription:
    """
    A wait's place in a poller.

    :param due: Monotonic time of the next look.
    :param wait: What is waited for, as far as the poller can prepare answers.
    :param job_sids: The jobs that are waited for.
    """

    def __init__(
        self, make_target: Callable[[], PollTarget[Any]], interval: float, end_time: float | None, first_pause: float
    ) -> None:
        self.interval = interval
        self._first_pause = first_pause
        self._arrived = time.monotonic()
        self.last_look = float("inf") if end_time is None else self._arrived + end_time - time.time()
        self.due = 0.0
        self.end: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.context = contextvars.copy_context()
        self.target: PollTarget[Any] | None = None
        self.wait: Wait | None = None
        self.job_sids: Sequence[str] = ()
        self.found: Any = None
        self._make_looker = make_target

    @property
    def is_failing(self) -> bool:
        """Whether the last look failed."""
        return self.target is not None and self.target.is_failing

    def is_answered(self, source: PollRound) -> bool:
        """Whether a look would ask nothing that is not known already."""
        return source.knows(self.wait) or (self.target is not None and source.knows_days(self.target.days_of))

    def arrive(self, last_round: float) -> None:
        """Set the first look; waits that arrive one after the other are looked at together."""
        gathering = min(self.interval / 2, _LONGEST_GATHERING)
        self.due = max(time.monotonic() + self._first_pause, last_round + gathering)

    def overdue_at(self, grace: float) -> float:
        """
        Monotonic time at which the wait ends even without its last look.

        :param grace: Seconds for that look. One whose time was up when it came, as after a restart, is owed its first.
        """
        if self.last_look <= self._arrived:
            return self._arrived + max(grace, _GRACE_OF_THE_FIRST_LOOK)
        return self.last_look + grace

    def prepare(self) -> None:
        """Make the looker, once."""
        if self.target is None and self.found is None:
            try:
                self.target = self._in_context(self._make_looker)
            except Exception as error:  # noqa: BLE001  # raised again in the wait that it belongs to
                self.found = error
            else:
                self.wait = self.target.wait
                self.job_sids = self.wait.job_sids if isinstance(self.wait, JobWait) else ()

    def look(self, source: PollRound, began: float) -> None:
        """
        Look, and set the next look or end the wait if its time is up. In the poller's thread.

        What is found is one wait's own affair, and so is a fault of ours: it counts as that wait's failed poll.

        :param began: Monotonic time at which the round began.
        """
        if (target := self._open_looker()) is None:
            return
        try:
            self._go_on(target, self._in_context(target.look, source), began)
        except StaleCredentialsError:
            raise
        except Exception as error:  # noqa: BLE001  # counted
            self.fail(error, began)

    def fail(self, error: Exception, began: float) -> None:
        """
        Count a failed poll, and set the next look or end the wait.

        :param began: Monotonic time at which the poll began.
        """
        if (target := self._open_looker()) is not None:
            try:
                self._go_on(target, self._in_context(target.fail, error), began)
            except Exception as fault:  # noqa: BLE001  # raised again in the wait that it belongs to
                self.found = fault

    def time_out(self) -> None:
        """End the wait since its time is up, whatever its poll is doing. In the event loop."""
        self.prepare()
        if (target := self._open_looker()) is not None:
            try:
                self.found = self._in_context(target.timed_out)
            except Exception as fault:  # noqa: BLE001  # raised again in the wait that it belongs to
                self.found = fault
        self.wake()

    def _open_looker(self) -> PollTarget[Any] | None:
        return None if self.found is not None or self.end.done() else self.target

    def _in_context(self, call: Callable[..., T], *arguments: Any) -> T:
        """Call in a copy of the wait's context: a look that hangs in a thread still occupies its own."""
        return self.context.copy().run(call, *arguments)

    def _go_on(self, target: PollTarget[Any], found: Any, began: float) -> None:
        if found is None:
            self.due = min(began + target.pause(), self.last_look)
            if began >= self.last_look:
                found = target.timed_out()
        self.found = found

    def wake(self) -> None:
        """Hand what was found to the wait, unless it has left."""
        if self.end.done():
            return
        if isinstance(self.found, Exception):
            self.end.set_exception(self.found)
        elif self.found is not None:
            self.end.set_result(self.found)
