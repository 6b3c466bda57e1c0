"""The sensors' waiting, in the triggerer; and ExportDayEventTrigger, by which new day files start DAGs."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Sequence
from typing import Any

from airflow_provider_bulkexports.api.models import FILE_LIFETIME, DayRange, ExportDay, ResourceType
from airflow_provider_bulkexports.cancelling import CANCELLED, cancel_jobs
from airflow_provider_bulkexports.compat import (
    AirflowException,
    BaseEventTrigger,
    BaseTrigger,
    TriggerEvent,
    asset_state_stores,
    has_ended,
)
from airflow_provider_bulkexports.exceptions import BulkExportsError, BulkExportsInputError
from airflow_provider_bulkexports.hooks.bulkexports import BulkExportsHook
from airflow_provider_bulkexports.outcomes import WaitEvent
from airflow_provider_bulkexports.planning.pacing import MAX_POLL_INTERVAL, Pace
from airflow_provider_bulkexports.triggers.feed import DayFeed
from airflow_provider_bulkexports.triggers.poller import in_thread, look_until_found
from airflow_provider_bulkexports.waiting import DayWait, JobWait, Wait
from airflow_provider_bulkexports.watching import Watch

__all__ = ["ExportCustomJobTrigger", "ExportDayEventTrigger", "ExportDayTrigger"]

#: Name under which an asset's state store keeps the files that were announced.
_SEEN = "bulkexports_announced_files"


class _WaitTrigger(BaseTrigger):
    """What the triggers share: one wait, looked at together with all others of the process."""

    twilio_conn_id: str
    poll_interval: float
    max_poll_interval: float
    end_time: float | None

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Name the class and its arguments, all plain JSON."""
        return _serialized(self)

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Fire once, when the wait has ended."""
        yield TriggerEvent(dict(await self._end()))

    def _wait(self) -> Wait:
        """What to wait for."""
        raise NotImplementedError

    async def _end(self) -> WaitEvent:
        try:
            pace = Pace(self.poll_interval, self.max_poll_interval)
            return await look_until_found(
                self.twilio_conn_id,
                lambda: self._watch_at(pace),
                interval=pace.interval,
                end_time=self.end_time,
            )
        except BulkExportsInputError as error:
            return WaitEvent(status="fatal", message=str(error), result=None)

    def _watch_at(self, pace: Pace) -> Watch:
        return Watch(self._wait(), self.log, pace)


class ExportCustomJobTrigger(_WaitTrigger):
    """
    Fires once, when every wanted day of jobs is final or the wait cannot go on.

    The event is a :class:`~airflow_provider_bulkexports.outcomes.WaitEvent`.

    :param job_sids: Jobs that together cover the days.
    :param resource_type: Theirs, if known.
    :param start_day: First wanted UTC day, ``YYYY-MM-DD``; ``None``: the jobs' own.
    :param end_day: Last wanted UTC day, inclusive; ``None``: the jobs' own.
    :param twilio_conn_id: The connection; it is looked up in the triggerer, so no secret travels.
    :param poll_interval: Seconds between looks.
    :param max_poll_interval: Seconds up to which Twilio's estimate may stretch them.
    :param end_time: When the wait times out, in seconds since the epoch, so that a restart does not extend it.
    :param cancel_on_kill: Delete the unfinished jobs when the wait times out, or somebody ends the task meanwhile (that
        from Airflow 3.3 on).
    """

    def __init__(
        self,
        job_sids: Sequence[str] = (),
        resource_type: str | None = None,
        start_day: str | None = None,
        end_day: str | None = None,
        twilio_conn_id: str = BulkExportsHook.default_conn_name,
        poll_interval: float = 60.0,
        max_poll_interval: float = MAX_POLL_INTERVAL,
        end_time: float | None = None,
        cancel_on_kill: bool = False,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # untyped in Airflow
        self.job_sids = list(job_sids)
        self.resource_type = resource_type
        self.start_day = start_day
        self.end_day = end_day
        self.twilio_conn_id = twilio_conn_id
        self.poll_interval = poll_interval
        self.max_poll_interval = max_poll_interval
        self.end_time = end_time
        self.cancel_on_kill = cancel_on_kill

    async def on_kill(self) -> None:
        """
        Cancel the jobs if somebody ended the task. Called by Airflow 3.3 and later.

        Airflow (3.3.2) also calls this when a living triggerer's triggers are handed to another one, and when the task
        is cleared, whose next try adopts the jobs: in both cases they are left alone.
        """
        if self.cancel_on_kill and await has_ended(self.task_instance):
            await self._cancel()

    def _wait(self) -> JobWait:
        return JobWait.parse(
            self.job_sids, resource_type=self.resource_type, start_day=self.start_day, end_day=self.end_day
        )

    def _watch_at(self, pace: Pace) -> Watch:
        self._watch = super()._watch_at(pace)
        return self._watch

    async def _end(self) -> WaitEvent:
        event = await super()._end()
        if self.cancel_on_kill and event["status"] == "timeout":
            return self._watch.timed_out(fate=f"{await self._cancel()} {CANCELLED}")
        return event

    async def _cancel(self) -> str:
        try:
            client = await BulkExportsHook(self.twilio_conn_id).aget_conn()
        except BulkExportsInputError as error:
            return f"Job {', '.join(self.job_sids)} could not be deleted: {error}"
        try:
            return await in_thread(cancel_jobs, client, self.job_sids, self.log)
        finally:
            client.close()


class ExportDayTrigger(_WaitTrigger):
    """
    Fires once, when the file of every wanted day exists or the wait cannot go on.

    The event is a :class:`~airflow_provider_bulkexports.outcomes.WaitEvent`.

    :param resource_type: ``Messages``, ``Calls``, ``Conferences`` or ``Participants``.
    :param start_day: First wanted UTC day, ``YYYY-MM-DD``.
    :param end_day: Last wanted UTC day, inclusive.
    :param twilio_conn_id: The connection; it is looked up in the triggerer, so no secret travels.
    :param poll_interval: Seconds between looks.
    :param max_poll_interval: Seconds up to which Twilio's estimate may stretch them.
    :param end_time: When the wait times out, in seconds since the epoch, so that a restart does not extend it.
    """

    def __init__(
        self,
        resource_type: str = "",
        start_day: str = "",
        end_day: str = "",
        twilio_conn_id: str = BulkExportsHook.default_conn_name,
        poll_interval: float = 60.0,
        max_poll_interval: float = MAX_POLL_INTERVAL,
        end_time: float | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # untyped in Airflow
        self.resource_type = resource_type
        self.start_day = start_day
        self.end_day = end_day
        self.twilio_conn_id = twilio_conn_id
        self.poll_interval = poll_interval
        self.max_poll_interval = max_poll_interval
        self.end_time = end_time

    def _wait(self) -> DayWait:
        return DayWait(ResourceType.parse(self.resource_type), DayRange.parse(self.start_day, self.end_day))


class ExportDayEventTrigger(BaseEventTrigger):
    """
    Fires for every new day file, whoever had it made; for an ``AssetWatcher``, so that a DAG starts (Airflow >= 3.0).

    The event's payload: ``resource_type``, ``day``, ``bytes``, ``create_date``, ``friendly_name`` and ``expires_at``,
    when Twilio removes the file. A day that is exported anew has a new file.

    What was announced is remembered in the asset's state store (Airflow >= 3.3), so that a restart neither repeats nor
    misses a file. Earlier Airflows have none: there, files count as new that appear after the triggerer started.
    Faults never end it; they are logged, and it looks again after growing pauses. All triggers of a process and
    connection share one poll.

    :param resource_type: ``Messages``, ``Calls``, ``Conferences`` or ``Participants``.
    :param twilio_conn_id: The connection; it is looked up in the triggerer.
    :param poll_interval: Seconds between looks.
    :param announce_existing: Also fire for the files that are there at the very first look.
    """

    def __init__(
        self,
        resource_type: str = "",
        twilio_conn_id: str = BulkExportsHook.default_conn_name,
        poll_interval: float = 300.0,
        announce_existing: bool = False,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # untyped in Airflow
        self.resource_type = resource_type
        self.twilio_conn_id = twilio_conn_id
        self.poll_interval = poll_interval
        self.announce_existing = announce_existing
        ResourceType.parse(resource_type)
        Pace(poll_interval)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Name the class and its arguments, all plain JSON."""
        return _serialized(self)

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Fire for every new file, for ever."""
        feed = DayFeed(
            ResourceType.parse(self.resource_type), self.log, Pace(self.poll_interval, 0), await self._remembered()
        )
        while True:
            for entry in await self._new_files(feed):
                yield TriggerEvent(_payload(feed.resource_type, entry))
                feed.announced(entry)
                await self._remember(feed)
            await self._remember(feed)

    async def _new_files(self, feed: DayFeed) -> list[ExportDay]:
        failures = 0
        while True:
            try:
                return await look_until_found(
                    self.twilio_conn_id,
                    lambda: feed,
                    interval=self.poll_interval,
                    first_pause=feed.pause() if feed.has_looked else 0.0,
                )
            except (AirflowException, BulkExportsError) as error:  # such as a connection that is not there
                failures += 1
                self.log.warning("Cannot look at %s (%d times in a row): %s", feed.resource_type, failures, error)
            await asyncio.sleep(Pace(self.poll_interval).pause_after(failures))

    async def _remembered(self) -> list[str] | None:
        for store in asset_state_stores(self):
            if isinstance(seen := await store.aget(_SEEN), list):
                return seen
        return [] if self.announce_existing else None

    async def _remember(self, feed: DayFeed) -> None:
        for store in asset_state_stores(self):
            await store.aset(_SEEN, feed.seen)


def _payload(resource_type: ResourceType, entry: ExportDay) -> dict[str, Any]:
    created = entry.create_date
    return {
        "resource_type": resource_type.value,
        "day": entry.day.isoformat(),
        "bytes": entry.size,
        "create_date": created.isoformat() if created else None,
        "friendly_name": entry.friendly_name,
        "expires_at": f"{created + FILE_LIFETIME}T00:00:00+00:00" if created else None,
    }


def _serialized(trigger: BaseTrigger) -> tuple[str, dict[str, Any]]:
    """Name a trigger's class and its arguments, as its constructor has them."""
    arguments = {name: getattr(trigger, name) for name in inspect.signature(type(trigger)).parameters}
    return f"{type(trigger).__module__}.{type(trigger).__qualname__}", arguments
