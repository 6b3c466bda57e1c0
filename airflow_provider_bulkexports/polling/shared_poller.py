"""
One poll for all waits of a process that use the same connection.

Waits subscribe and leave; a poller lives as long as it has subscriptions. It polls in rounds, in a thread: all waits
that are due share the requests of a round, and others learn from the lists that were read. A triggerer serves one team
(Airflow's ``--team-name``), so within a process a connection id means one connection.
"""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Callable, Collection, Coroutine, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar, overload

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.polling.heartbeat import Heartbeats
from airflow_provider_bulkexports.polling.poll_round import PollerState, PollRound
from airflow_provider_bulkexports.polling.subscription import PollTarget, Subscription, TimedPollTarget, log_heartbeats
from airflow_provider_bulkexports.polling.waits import StaleCredentialsError

if TYPE_CHECKING:  # both load the HTTP libraries, which a DAG file that names a trigger does not need
    from airflow_provider_bulkexports.api.client import BulkExportsClient
    from airflow_provider_bulkexports.hooks.bulkexports import BulkExportsHook

__all__ = ["SharedPoller", "in_background", "in_thread", "poll_until_done"]

Found = TypeVar("Found")

#: Threads for HTTP, our own: all other triggers share the event loop's pool, and a hanging host would fill it.
_THREADS = ThreadPoolExecutor(max_workers=16, thread_name_prefix="bulkexports")

#: The thread for heartbeats. The others may all hang, and these lines say so.
_HEARTBEATS = ThreadPoolExecutor(max_workers=1, thread_name_prefix="bulkexports-heartbeats")

#: Waits that are due within this part of their interval are polled in the same round.
_SAME_ROUND = 0.1

#: How much of its interval a wait may be polled early when rounds are slow.
_LONGEST_LEAD = 0.4

#: No retries within a round: they would delay all waits. The next round retries.
_RETRIES = 0

#: Seconds for which heartbeats wait for a round.
_SHORT_ROUND = 5.0

#: Part of the last round's lead that the next round has at least.
_LEAD_KEPT = 0.9

#: Seconds that a wait whose time is up has for its last poll: at least; twice the last round; at most.
_GRACE, _LONGEST_GRACE = 2.0, 15.0

#: Polls after which a thread lets the event loop run, and ended waits after which the event loop runs other tasks.
_BATCH = 20

_pollers: dict[tuple[asyncio.AbstractEventLoop, str], SharedPoller] = {}
_in_background: set[asyncio.Future[Any]] = set()


@overload
async def poll_until_done(
    twilio_conn_id: str,
    make_target: Callable[[], TimedPollTarget[Found]],
    *,
    interval: float,
    end_time: float | None,
    start_time: float | None,
) -> Found: ...


@overload
async def poll_until_done(
    twilio_conn_id: str, make_target: Callable[[], PollTarget[Found]], *, interval: float, first_delay: float
) -> Found: ...


async def poll_until_done(
    twilio_conn_id: str,
    make_target: Callable[[], PollTarget[Found]],
    *,
    interval: float,
    end_time: float | None = None,
    start_time: float | None = None,
    first_delay: float = 0.0,
) -> Found:
    """
    Poll, together with all others of this process and connection, until the target finds something or time is up.

    :param make_target: Called in a thread, in the caller's context, which the target's log lines have as well.
    :param interval: Seconds of the target's schedule.
    :param end_time: When the wait times out, in seconds since the epoch.
    :param start_time: When it began; a restart of the triggerer does not change that. ``None``: now.
    :param first_delay: Seconds until the first poll.
    :raises BulkExportsInputError: if the connection, or the input of ``make_target``, is wrong.
    """
    key = (asyncio.get_running_loop(), twilio_conn_id)
    poller: SharedPoller | None = _pollers.get(key)
    if poller is None or poller.has_ended:
        poller = _pollers[key] = SharedPoller(twilio_conn_id)
    try:
        found: Found = await poller.wait(Subscription(make_target, interval, end_time, first_delay, start_time))
        return found
    finally:
        if poller.has_ended and _pollers.get(key) is poller:
            del _pollers[key]


async def in_thread(work: Callable[..., Found], *args: Any) -> Found:
    """Run blocking work in one of our threads, in the caller's context."""
    context = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(_THREADS, context.run, work, *args)


def in_background(work: Coroutine[Any, Any, Found]) -> asyncio.Future[Found]:
    """Keep work running after its caller has ended; the event loop alone would let it be garbage-collected."""
    future = asyncio.ensure_future(work)
    _in_background.add(future)
    future.add_done_callback(_in_background.discard)
    return future


class SharedPoller:
    """
    Polls for all waits of one connection in one event loop.

    :param twilio_conn_id: The connection; looked up in the context of one of the waits.
    """

    def __init__(self, twilio_conn_id: str) -> None:
        self.has_ended = False
        self._twilio_conn_id = twilio_conn_id
        self._client: BulkExportsClient | None = None
        self._state = PollerState()
        self._subscriptions: dict[Subscription, None] = {}
        self._heartbeats = Heartbeats[Subscription]()
        self._last_round = -float("inf")
        self._paused_until = -float("inf")
        self._lead_time = 0.0
        self._grace = _GRACE
        #: Waits that ended in this round and are not settled yet. Of the round's thread.
        self._ended: list[Subscription] = []
        self._new_subscription = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        # In a context of its own: its log lines, if any, belong to none of the waits.
        self._task = contextvars.Context().run(asyncio.ensure_future, self._run())

    async def wait(self, subscription: Subscription) -> Any:
        """Take part until the end of the wait, or of its task."""
        subscription.schedule_first(self._last_round)
        self._subscriptions[subscription] = None
        self._heartbeats.add(subscription)
        self._new_subscription.set()
        alarm = self._alarm(subscription)
        try:
            return await subscription.end
        finally:
            if alarm:
                alarm.cancel()
            self._subscriptions.pop(subscription, None)
            self._heartbeats.discard(subscription)
            if not self._subscriptions:
                self.has_ended = True
                self._task.cancel()

    def _alarm(self, subscription: Subscription) -> asyncio.TimerHandle | None:
        """End a wait when its time is up and no round ends it: a round may hang or be paused."""
        if subscription.last_poll == float("inf"):
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
                next_poll = max(self._paused_until, min(subscription.due for subscription in self._subscriptions))
                if next_poll <= now:
                    await self._with_heartbeats(
                        self._poll(
                            [
                                subscription
                                for subscription in self._subscriptions
                                if subscription.due <= now + subscription.interval * _SAME_ROUND
                            ]
                        )
                    )
                elif self._heartbeats.next_due > now:
                    await self._sleep(min(next_poll, self._heartbeats.next_due) - now)
                await self._log_heartbeats()
        except Exception as error:  # noqa: BLE001  # raised again in every wait
            self._end_all(error)
        finally:
            self.has_ended = True
            self._disconnect()

    async def _with_heartbeats(self, round_: Coroutine[Any, Any, None]) -> None:
        """Finish a round. Heartbeats come after it, to report its result, unless it takes long: it may hang."""
        task, patient_until = asyncio.ensure_future(round_), time.monotonic() + _SHORT_ROUND
        try:
            while not task.done():
                timeout = max(self._heartbeats.next_due, patient_until) - time.monotonic()
                if not (await asyncio.wait({task}, timeout=timeout))[0]:
                    await self._log_heartbeats()
        finally:
            task.cancel()
        task.result()

    async def _log_heartbeats(self) -> None:
        """Let each wait that has logged no heartbeat for an interval log one."""
        if due := self._heartbeats.take_due():
            until_clock = time.time() - time.monotonic()
            lines = [(each, max(each.due, self._paused_until) + until_clock) for each in due]
            await self._loop.run_in_executor(_HEARTBEATS, log_heartbeats, lines)

    def _disconnect(self) -> None:
        client, self._client = self._client, None
        if client:
            client.close()

    async def _connected(self) -> BulkExportsClient:
        """Return the client; if there is none, look the connection up in the context of the oldest wait."""
        if self._client:
            return self._client
        hook = await in_thread(_prepared_hook, self._twilio_conn_id)
        subscription = next(iter(self._subscriptions))
        look_up = hook.aget_conn(most_retries=_RETRIES)
        task: asyncio.Future[BulkExportsClient] = subscription.context.copy().run(asyncio.ensure_future, look_up)
        self._client = await task
        return self._client

    async def _sleep(self, seconds: float) -> None:
        """Sleep until the time has passed or a wait subscribes."""
        self._new_subscription.clear()
        either = [asyncio.ensure_future(asyncio.sleep(seconds)), asyncio.ensure_future(self._new_subscription.wait())]
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in either:
                each.cancel()

    async def _poll(self, due: Collection[Subscription]) -> None:
        """Poll for the waits that are due, and for others that the lists answer along the way."""
        are_due = set(due)
        others = [
            subscription
            for subscription in self._subscriptions
            if subscription.target is not None and subscription not in are_due
        ]
        self._last_round = time.monotonic()
        try:
            poll, polled = await self._hold_round(due, others)
        except BulkExportsInputError:  # the connection is wrong
            raise
        except Exception as error:  # noqa: BLE001  # for example no connection just now: counted by each wait
            await in_thread(self._fail, due, error, time.monotonic())
            return
        now = time.monotonic()
        self._paused_until = now + poll.pause_asked
        took = now - self._last_round
        if not poll.has_failed:
            self._grace = min(max(_GRACE, 2 * took), _LONGEST_GRACE)
        if poll.has_read_lists and not poll.has_failed:
            # The next reading may take twice as long, and one slow reading may be followed by another: the next round
            # begins earlier by that time, or waits would end late by it.
            self._lead_time = max(2 * took, self._lead_time * _LEAD_KEPT)
        for subscription in polled:
            if subscription.is_failing:
                subscription.due += took  # its delay begins at the end of what failed
            elif poll.has_read_lists:
                subscription.due -= min(self._lead_time, subscription.interval * _LONGEST_LEAD)

    async def _hold_round(
        self, due: Collection[Subscription], others: Collection[Subscription]
    ) -> tuple[PollRound, list[Subscription]]:
        try:
            return await self._hold_once(due, others, are_fresh=False)
        except StaleCredentialsError:
            self._disconnect()
            return await self._hold_once(due, others, are_fresh=True)

    async def _hold_once(
        self, due: Collection[Subscription], others: Collection[Subscription], *, are_fresh: bool
    ) -> tuple[PollRound, list[Subscription]]:
        client = await self._connected()
        poll = PollRound(client, self._state, are_fresh=are_fresh, before_request=self._settle_ended)
        return poll, await in_thread(self._round, poll, due, others)

    def _fail(self, due: Iterable[Subscription], error: Exception, now: float) -> None:
        """Count a failed poll of every wait that is due. In a thread."""
        for subscription in due:
            subscription.start()
            subscription.fail(error, now)
            self._note_end(subscription)
        self._settle_ended()

    def _round(
        self, poll: PollRound, due: Collection[Subscription], others: Iterable[Subscription]
    ) -> list[Subscription]:
        """Poll for every wait as soon as its requests are answered; return those that were polled. In a thread."""
        for subscription in due:
            subscription.start()
        polled = []
        for subscription in _as_answered(poll, due, others):
            polled.append(subscription)
            subscription.poll(poll, self._last_round)
            self._note_end(subscription)
            if len(polled) % _BATCH == 0:
                time.sleep(0)
        self._settle_ended()
        return polled

    def _note_end(self, subscription: Subscription) -> None:
        if subscription.found is not None:
            self._ended.append(subscription)

    def _settle_ended(self) -> None:
        """Settle the waits that have ended so far: they do not wait for another's request. In a thread."""
        ended, self._ended = self._ended, []
        if ended:
            self._loop.call_soon_threadsafe(self._settle, ended)

    def _settle(self, subscriptions: Sequence[Subscription]) -> None:
        for subscription in subscriptions:
            self._subscriptions.pop(subscription, None)
            self._heartbeats.discard(subscription)
        in_background(_resolve(subscriptions))

    def _end_all(self, error: Exception) -> None:
        for subscription in self._subscriptions:
            subscription.found = error
        self._settle(list(self._subscriptions))


def _prepared_hook(twilio_conn_id: str) -> BulkExportsHook:
    """Build the hook in a thread: the imports for it, and for its first lookup, would block the event loop."""
    from airflow_provider_bulkexports.hooks.bulkexports import BulkExportsHook
    from airflow_provider_bulkexports.hooks.connection_lookup import load_connection_lookup

    load_connection_lookup()
    return BulkExportsHook(twilio_conn_id)


def _as_answered(
    poll: PollRound, due: Iterable[Subscription], others: Iterable[Subscription]
) -> Iterator[Subscription]:
    """
    Yield each wait that is due, as soon as its requests are answered, and the others whose requests are answered too.

    Those whose last poll failed come last: their requests may hang again.
    """
    waiting = dict.fromkeys([*due, *others])
    by_job: dict[str, list[Subscription]] = {}
    for subscription in waiting:
        for sid in subscription.needs.job_sids:
            by_job.setdefault(sid, []).append(subscription)
    for is_failing in (False, True):
        turn = [each for each in due if each in waiting and each.is_failing is is_failing]
        for job_sids in poll.prefetch(subscription.needs for subscription in turn):
            for subscription in [each for sid in job_sids for each in by_job.get(sid, ())]:
                if subscription in waiting and poll.has_answers_for(subscription.needs):
                    del waiting[subscription]
                    yield subscription
        for subscription in turn:
            if subscription in waiting:
                del waiting[subscription]
                yield subscription
    for subscription in waiting:
        if poll.has_answers_for(subscription.needs):
            yield subscription


async def _resolve(subscriptions: Iterable[Subscription]) -> None:
    for number, subscription in enumerate(subscriptions, 1):
        subscription.resolve()
        if number % _BATCH == 0:
            await asyncio.sleep(0)
