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
from collections.abc import Callable, Collection, Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.hooks.bulkexports import BulkExportsHook
from airflow_provider_bulkexports.hooks.connection_lookup import load_connection_lookup
from airflow_provider_bulkexports.polling.poll_round import PollerState, PollRound
from airflow_provider_bulkexports.polling.subscription import PollTarget, Subscription
from airflow_provider_bulkexports.polling.waits import StaleCredentialsError

__all__ = ["SharedPoller", "in_background", "in_thread", "poll_until_done"]

Found = TypeVar("Found")

#: Threads for HTTP, our own: every other trigger shares the event loop's pool, and a hanging host would fill it.
_THREADS = ThreadPoolExecutor(max_workers=16, thread_name_prefix="bulkexports")

#: Waits due within this part of their interval are looked at in the same round.
_SAME_ROUND = 0.1

#: Part of its interval by which a wait may be looked at earlier, where a round takes long.
_LONGEST_LEAD = 0.4

#: Repetitions of one request: a round waits for it, and with it all waits. Each has its own next look, and its pauses.
_RETRIES = 0

#: Part of the last round's lead that the next one has at least.
_LEAD_KEPT = 0.9

#: Seconds for which a wait whose time is up waits for its last look: at least, or twice the last round, but at most.
_GRACE, _LONGEST_GRACE = 2.0, 15.0

#: Looks or wake-ups after which a thread lets the event loop run, or the event loop its other tasks.
_BATCH = 20

_pollers: dict[tuple[asyncio.AbstractEventLoop, str], SharedPoller] = {}
_in_background: set[asyncio.Future[Any]] = set()


async def poll_until_done(
    twilio_conn_id: str,
    make_target: Callable[[], PollTarget[Found]],
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
    poller: SharedPoller | None = _pollers.get(key)
    if poller is None or poller.has_ended:
        poller = _pollers[key] = SharedPoller(twilio_conn_id)
    try:
        found: Found = await poller.wait(Subscription(make_target, interval, end_time, first_pause))
        return found
    finally:
        if poller.has_ended and _pollers.get(key) is poller:
            del _pollers[key]


async def in_thread(work: Callable[..., Found], *args: Any) -> Found:
    """Run what blocks in one of our threads, in the caller's context."""
    context = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(_THREADS, context.run, work, *args)


def in_background(work: Coroutine[Any, Any, Found]) -> asyncio.Future[Found]:
    """Let work go on after its caller has ended; the event loop alone would let it be collected as garbage."""
    future = asyncio.ensure_future(work)
    _in_background.add(future)
    future.add_done_callback(_in_background.discard)
    return future


class SharedPoller:
    """
    Looks for all waits of one connection in one event loop.

    :param twilio_conn_id: The connection; looked up in the context of one of the waits.
    """

    def __init__(self, twilio_conn_id: str) -> None:
        self.has_ended = False
        self._hook = BulkExportsHook(twilio_conn_id)
        self._client: BulkExportsClient | None = None
        self._state = PollerState()
        self._subscriptions: dict[Subscription, None] = {}
        self._last_round = -float("inf")
        self._paused_until = -float("inf")
        self._lead_time = 0.0
        self._grace = _GRACE
        self._arrival = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        # In a context of its own: what it might say belongs to none of the waits.
        self._task = contextvars.Context().run(asyncio.ensure_future, self._run())

    async def wait(self, subscription: Subscription) -> Any:
        """Take part until the end of the wait, or of its task."""
        subscription.arrive(self._last_round)
        self._subscriptions[subscription] = None
        self._arrival.set()
        alarm = self._alarm(subscription)
        try:
            return await subscription.end
        finally:
            if alarm:
                alarm.cancel()
            self._subscriptions.pop(subscription, None)
            if not self._subscriptions:
                self.has_ended = True
                self._task.cancel()

    def _alarm(self, subscription: Subscription) -> asyncio.TimerHandle | None:
        """End a wait when its time is up and no round does: that may hang, or be held back."""
        if subscription.last_look == float("inf"):
            return None

        def ring() -> None:
            if time.monotonic() < subscription.overdue_at(self._grace) and not subscription.end.done():
                alarm = self._loop.call_at(subscription.overdue_at(self._grace), ring)
                subscription.end.add_done_callback(lambda _: alarm.cancel())
            else:
                subscription.time_out()

        return self._loop.call_at(subscription.overdue_at(_GRACE), ring)

    async def _run(self) -> None:
        try:
            while self._subscriptions:
                now = time.monotonic()
                next_look = max(self._paused_until, min(subscription.due for subscription in self._subscriptions))
                if next_look <= now:
                    await self._look(
                        [
                            subscription
                            for subscription in self._subscriptions
                            if subscription.due <= now + subscription.interval * _SAME_ROUND
                        ]
                    )
                else:
                    await self._sleep(next_look - now)
        except Exception as error:  # noqa: BLE001  # raised again in every wait
            self._end_all(error)
        finally:
            self.has_ended = True
            self._disconnect()

    def _disconnect(self) -> None:
        client, self._client = self._client, None
        if client:
            client.close()

    async def _connected(self) -> BulkExportsClient:
        """Return the client; if there is none, look the connection up as the wait that came first would."""
        if self._client:
            return self._client
        await in_thread(load_connection_lookup)
        subscription = next(iter(self._subscriptions))
        look_up = self._hook.aget_conn(most_retries=_RETRIES)
        task: asyncio.Future[BulkExportsClient] = subscription.context.copy().run(asyncio.ensure_future, look_up)
        self._client = await task
        return self._client

    async def _sleep(self, seconds: float) -> None:
        """Sleep; a wait that arrives ends it."""
        self._arrival.clear()
        either = [asyncio.ensure_future(asyncio.sleep(seconds)), asyncio.ensure_future(self._arrival.wait())]
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in either:
                each.cancel()

    async def _look(self, due: Collection[Subscription]) -> None:
        """Look for the seats that are due, and for those that learn from it by the way."""
        are_due = set(due)
        others = [
            subscription
            for subscription in self._subscriptions
            if subscription.target is not None and subscription not in are_due
        ]
        self._last_round = time.monotonic()
        try:
            source, looked = await self._hold_round(due, others)
        except BulkExportsInputError:  # the connection cannot be right
            raise
        except Exception as error:  # noqa: BLE001  # such as no connection just now: counted by each wait
            await in_thread(self._fail, due, error, time.monotonic())
            return
        now = time.monotonic()
        self._paused_until = now + source.pause_asked
        took = now - self._last_round
        if not source.has_failed:
            self._grace = min(max(_GRACE, 2 * took), _LONGEST_GRACE)
        if source.has_read_lists and not source.has_failed:
            # Reading them takes a while, maybe twice as long next time, and what was slow lately may be so again: the
            # next round begins as much earlier, or waits would end late by it.
            self._lead_time = max(2 * took, self._lead_time * _LEAD_KEPT)
        for subscription in looked:
            if subscription.is_failing:
                subscription.due += took  # its pause begins with the end of what failed
            elif source.has_read_lists:
                subscription.due -= min(self._lead_time, subscription.interval * _LONGEST_LEAD)

    async def _hold_round(
        self, due: Collection[Subscription], others: Collection[Subscription]
    ) -> tuple[PollRound, list[Subscription]]:
        source = PollRound(await self._connected(), self._state)
        try:
            return source, await in_thread(self._round, source, due, others)
        except StaleCredentialsError:
            self._disconnect()
            source = PollRound(await self._connected(), self._state, are_fresh=True)
            return source, await in_thread(self._round, source, due, others)

    def _fail(self, due: Iterable[Subscription], error: Exception, now: float) -> None:
        """Count a failed poll of every seat that is due. In a thread."""
        for subscription in due:
            subscription.prepare()
            subscription.fail(error, now)
        if ended := [subscription for subscription in due if subscription.found is not None]:
            self._loop.call_soon_threadsafe(self._settle, ended)

    def _round(
        self, source: PollRound, due: Iterable[Subscription], others: Iterable[Subscription]
    ) -> list[Subscription]:
        """Look for every seat as soon as its questions are answered, and return the seats. In a thread."""
        for subscription in due:
            subscription.prepare()
        waiting = dict.fromkeys([*due, *others])
        by_job: dict[str, list[Subscription]] = {}
        for subscription in waiting:
            for sid in subscription.job_sids:
                by_job.setdefault(sid, []).append(subscription)

        def look_at(subscriptions: Iterable[Subscription]) -> None:
            looked = [subscription for subscription in dict.fromkeys(subscriptions) if subscription in waiting]
            ended: list[Subscription] = []
            for number, subscription in enumerate(looked, 1):
                if ended and not subscription.is_answered(source):
                    # What has ended does not wait for the answer to another's question.
                    self._loop.call_soon_threadsafe(self._settle, ended)
                    ended = []
                del waiting[subscription]
                subscription.look(source, self._last_round)
                if subscription.found is not None:
                    ended.append(subscription)
                if number % _BATCH == 0:
                    time.sleep(0)
            if ended:
                self._loop.call_soon_threadsafe(self._settle, ended)

        def on_jobs(job_sids: Iterable[str]) -> None:
            look_at(
                subscription
                for sid in job_sids
                for subscription in by_job.get(sid, ())
                if subscription.is_answered(source)
            )

        # Whose last look failed comes last: it may hang again.
        for is_failing in (False, True):
            subscriptions = [
                subscription
                for subscription in due
                if subscription in waiting and subscription.is_failing is is_failing
            ]
            source.gather([subscription.wait for subscription in subscriptions if subscription.wait], on_jobs=on_jobs)
            look_at(subscriptions)
        look_at(subscription for subscription in others if subscription.is_answered(source))
        return [subscription for subscription in (*due, *others) if subscription not in waiting]

    def _settle(self, subscriptions: Sequence[Subscription]) -> None:
        for subscription in subscriptions:
            self._subscriptions.pop(subscription, None)
        in_background(_wake(subscriptions))

    def _end_all(self, error: Exception) -> None:
        for subscription in self._subscriptions:
            subscription.found = error
        self._settle(list(self._subscriptions))


async def _wake(subscriptions: Iterable[Subscription]) -> None:
    for number, subscription in enumerate(subscriptions, 1):
        subscription.wake()
        if number % _BATCH == 0:
            await asyncio.sleep(0)
