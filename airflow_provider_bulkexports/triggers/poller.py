"""
One poll for all waits of a process that use the same connection.

Waits come and leave; a poller lives from the first to the last of them. It looks in rounds, in a thread: whatever waits
are due then share its requests, and what a list shows is told to the others as well. A triggerer serves one team
(Airflow's ``--team-name``), so within a process a connection id means one connection.
"""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.hooks.bulkexports import BulkExportsHook
from airflow_provider_bulkexports.triggers.rounds import Experience, Round, StaleCredentialsError
from airflow_provider_bulkexports.waiting import Source, Wait

__all__ = ["Looker", "Poller", "in_thread", "look_until_found"]

Found = TypeVar("Found")
Found_co = TypeVar("Found_co", covariant=True)

#: Threads for HTTP, our own: every other trigger shares the event loop's pool, and a hanging host would fill it.
_THREADS = ThreadPoolExecutor(max_workers=16, thread_name_prefix="bulkexports")

#: Waits that arrive one after the other are looked at together, at most so many seconds after the last round.
_LONGEST_GATHERING = 5.0

#: Waits due within this part of their interval are looked at in the same round.
_NEAR = 0.1

#: Looks or wake-ups after which a thread lets the event loop run, or the event loop its other tasks.
_AT_A_TIME = 20

_pollers: dict[tuple[asyncio.AbstractEventLoop, str], Poller] = {}


class Looker(Protocol[Found_co]):
    """Whoever looks again and again, such as a :class:`~airflow_provider_bulkexports.watching.Watch`."""

    @property
    def wait(self) -> Wait | None:
        """What is waited for, where the poller can prepare the answers; else what is asked is asked on demand."""

    def look(self, source: Source) -> Found_co | None:
        """Look once; blocks. Return what was waited for, once it is there."""

    def pause(self) -> float:
        """Seconds until the next look."""

    def timed_out(self) -> Found_co:
        """What to return when time is up."""


async def look_until_found(
    twilio_conn_id: str,
    make_looker: Callable[[], Looker[Found]],
    *,
    interval: float,
    end_time: float | None = None,
    first_pause: float = 0.0,
) -> Found:
    """
    Look, together with all others of this process and connection, until something is found or time is up.

    :param make_looker: Called in a thread, in the caller's context, which its log lines are said in as well.
    :param interval: Seconds of the looker's pace.
    :param end_time: When the wait times out, in seconds since the epoch.
    :param first_pause: Seconds before the first look.
    :raises BulkExportsInputError: if the connection, or what the looker is made from, cannot be right.
    """
    key = (asyncio.get_running_loop(), twilio_conn_id)
    poller: Poller | None = _pollers.get(key)
    if poller is None or poller.has_ended:
        poller = _pollers[key] = Poller(twilio_conn_id)
    try:
        found: Found = await poller.wait(_Seat(make_looker, interval, end_time, first_pause))
        return found
    finally:
        if poller.has_ended and _pollers.get(key) is poller:
            del _pollers[key]


async def in_thread(work: Callable[..., Found], *args: Any) -> Found:
    """Run what blocks in one of our threads, in the caller's context."""
    context = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(_THREADS, context.run, work, *args)


class _Seat:
    """
    A wait's place in a poller.

    :param due: Monotonic time of the next look.
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
        self.found: Any = None
        self._make_looker = make_looker

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

    def look(self, source: Round, began: float) -> None:
        """
        Look, and set the next look or end the wait if its time is up.

        What is found is one wait's own affair, also a fault of ours.

        :param began: Monotonic time at which the round began.
        """
        if self.looker is None or self.end.done():
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


class Poller:
    """
    Looks for all waits of one connection in one event loop.

    :param twilio_conn_id: The connection; looked up in the context of one of the waits.
    """

    def __init__(self, twilio_conn_id: str) -> None:
        self.has_ended = False
        self._hook = BulkExportsHook(twilio_conn_id)
        self._client: BulkExportsClient | None = None
        self._experience = Experience()
        self._seats: dict[_Seat, None] = {}
        self._last_round = -float("inf")
        self._hold = -float("inf")
        self._arrival = asyncio.Event()
        # In a context of its own: what it might say belongs to none of the waits.
        self._task = contextvars.Context().run(asyncio.ensure_future, self._run())

    async def wait(self, seat: _Seat) -> Any:
        """Take part until the end of the wait, or of its task."""
        seat.arrive(self._last_round)
        self._seats[seat] = None
        self._arrival.set()
        try:
            return await seat.end
        finally:
            self._seats.pop(seat, None)
            if not self._seats:
                self.has_ended = True
                self._task.cancel()

    async def _run(self) -> None:
        try:
            self._client = await self._connect()
            while self._seats:
                now = time.monotonic()
                next_look = max(self._hold, min(seat.due for seat in self._seats))
                if next_look <= now:
                    await self._look({seat for seat in self._seats if seat.due <= now + seat.interval * _NEAR})
                else:
                    await self._sleep(next_look - now)
        except Exception as error:  # noqa: BLE001  # raised again in every wait
            await self._end_all(error)
        finally:
            self.has_ended = True
            if self._client:
                self._client.close()

    async def _connect(self) -> BulkExportsClient:
        """Look the connection up, as the wait that came first would."""
        seat = next(iter(self._seats))
        task: asyncio.Future[BulkExportsClient] = seat.context.copy().run(asyncio.ensure_future, self._hook.aget_conn())
        return await task

    async def _sleep(self, seconds: float) -> None:
        """Sleep; a wait that arrives ends it."""
        self._arrival.clear()
        either = [asyncio.ensure_future(asyncio.sleep(seconds)), asyncio.ensure_future(self._arrival.wait())]
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in either:
                each.cancel()

    async def _look(self, due: set[_Seat]) -> None:
        """Look for the seats that are due, and for those that learn from it by the way."""
        others = [seat for seat in self._seats if seat.looker is not None and seat not in due]
        self._last_round = time.monotonic()
        assert self._client is not None
        source = Round(self._client, self._experience)
        try:
            looked = await self._in_thread(self._round, source, due, others)
        except StaleCredentialsError:
            self._client.close()
            self._client = await self._connect()
            source = Round(self._client, self._experience, are_fresh=True)
            looked = await self._in_thread(self._round, source, due, others)
        self._hold = time.monotonic() + source.pause_asked
        await self._wake([seat for seat in looked if seat.found is not None])

    async def _wake(self, seats: Sequence[_Seat]) -> None:
        for number, seat in enumerate(seats, 1):
            self._seats.pop(seat, None)
            seat.wake()
            if number % _AT_A_TIME == 0:
                await asyncio.sleep(0)

    def _round(self, source: Round, due: Iterable[_Seat], others: Iterable[_Seat]) -> list[_Seat]:
        for seat in due:
            seat.prepare()
        source.gather(seat.looker.wait for seat in due if seat.looker and seat.looker.wait)
        learning = [seat for seat in others if seat.looker and source.knows(seat.looker.wait)]
        looked = [*due, *learning]
        for number, seat in enumerate(looked, 1):
            seat.look(source, self._last_round)
            if number % _AT_A_TIME == 0:
                time.sleep(0)
        return looked

    async def _in_thread(self, work: Callable[..., list[_Seat]], *args: Any) -> list[_Seat]:
        return await asyncio.get_running_loop().run_in_executor(_THREADS, work, *args)

    async def _end_all(self, error: Exception) -> None:
        for seat in self._seats:
            seat.found = error
        await self._wake(list(self._seats))
