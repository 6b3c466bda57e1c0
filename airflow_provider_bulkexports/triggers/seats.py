"""The place of a wait in a poller: when it is to be looked at, and what it is told in the end."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from airflow_provider_bulkexports.api.models import ResourceType
from airflow_provider_bulkexports.triggers.rounds import Round, StaleCredentialsError
from airflow_provider_bulkexports.waiting import JobWait, Source, Wait

__all__ = ["Looker", "Seat"]

Found_co = TypeVar("Found_co", covariant=True)

#: Waits that arrive one after the other are looked at together, at most so many seconds after the last round.
_LONGEST_GATHERING = 5.0


class Looker(Protocol[Found_co]):
    """Whoever looks again and again, such as a :class:`~airflow_provider_bulkexports.watching.Watch`."""

    @property
    def wait(self) -> Wait | None:
        """What is waited for, where the poller can prepare the answers; else what is asked is asked on demand."""

    @property
    def days_of(self) -> ResourceType | None:
        """Resource type whose list of day files is all that is asked for, if so."""

    @property
    def is_failing(self) -> bool:
        """Whether the last look failed."""

    def look(self, source: Source) -> Found_co | None:
        """Look once; blocks. Return what was waited for, once it is there."""

    def pause(self) -> float:
        """Seconds until the next look."""

    def timed_out(self) -> Found_co:
        """What to return when time is up."""


class Seat:
    """
    A wait's place in a poller.

    :param due: Monotonic time of the next look.
    :param wait: What is waited for, as far as the poller can prepare answers.
    :param job_sids: The jobs that are waited for.
    """

    def __init__(
        self, make_looker: Callable[[], Looker[Any]], interval: float, end_time: float | None, first_pause: float
    ) -> None:
        self.interval = interval
        self._first_pause = first_pause
        self._last_look = float("inf") if end_time is None else time.monotonic() + end_time - time.time()
        self.due = 0.0
        self.end: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.context = contextvars.copy_context()
        self.looker: Looker[Any] | None = None
        self.wait: Wait | None = None
        self.job_sids: Sequence[str] = ()
        self.found: Any = None
        self._make_looker = make_looker

    @property
    def is_failing(self) -> bool:
        """Whether the last look failed."""
        return self.looker is not None and self.looker.is_failing

    def is_answered(self, source: Round) -> bool:
        """Whether a look would ask nothing that is not known already."""
        return source.knows(self.wait) or (self.looker is not None and source.knows_days(self.looker.days_of))

    def arrive(self, last_round: float) -> None:
        """Set the first look; waits that arrive one after the other are looked at together."""
        gathering = min(self.interval / 2, _LONGEST_GATHERING)
        self.due = max(time.monotonic() + self._first_pause, last_round + gathering)

    def prepare(self) -> None:
        """Make the looker, once. In the poller's thread, as what follows."""
        if self.looker is None:
            try:
                self.looker = self.context.run(self._make_looker)
            except Exception as error:  # noqa: BLE001  # raised again in the wait that it belongs to
                self.found = error
            else:
                self.wait = self.looker.wait
                self.job_sids = self.wait.job_sids if isinstance(self.wait, JobWait) else ()

    def look(self, source: Round, began: float) -> None:
        """
        Look, and set the next look or end the wait if its time is up.

        What is found is one wait's own affair, also a fault of ours.

        :param began: Monotonic time at which the round began.
        """
        if self.looker is None or self.found is not None or self.end.done():
            return
        try:
            self.found = self.context.run(self.looker.look, source)
            self.due = began + self.looker.pause()
        except StaleCredentialsError:
            raise
        except Exception as error:  # noqa: BLE001  # raised again in the wait that it belongs to
            self.found = error
        if self.found is None:
            self.due = min(self.due, self._last_look)
            if began >= self._last_look:
                self.found = self.looker.timed_out()

    def wake(self) -> None:
        """Hand what was found to the wait, unless it has left."""
        if self.end.done():
            return
        if isinstance(self.found, Exception):
            self.end.set_exception(self.found)
        elif self.found is not None:
            self.end.set_result(self.found)
