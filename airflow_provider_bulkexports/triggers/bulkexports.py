"""The sensors' waiting, in the triggerer; and ExportDayEventTrigger, by which new day files start DAGs."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any, NoReturn

from airflow_provider_bulkexports.api.models import FILE_LIFETIME, DayRange, ExportDay, ResourceType
from airflow_provider_bulkexports.compat import (
    AirflowException,
    BaseEventTrigger,
    BaseOperator,
    BaseTrigger,
    TriggerEvent,
    asset_state_stores,
)
from airflow_provider_bulkexports.exceptions import BulkExportsError, BulkExportsInputError
from airflow_provider_bulkexports.hooks.bulkexports import BulkExportsHook
from airflow_provider_bulkexports.outcomes import WaitEvent
from airflow_provider_bulkexports.planning.pacing import MAX_POLL_INTERVAL, Pace
from airflow_provider_bulkexports.triggers.feed import DayFeed
from airflow_provider_bulkexports.triggers.poller import look_until_found
from airflow_provider_bulkexports.waiting import DayWait, JobWait, Wait
from airflow_provider_bulkexports.watching import Watch

__all__ = ["ExportCustomJobTrigger", "ExportDayEventTrigger", "ExportDayTrigger", "defer_wait"]

#: Seconds by which Airflow's own time-out of a deferred task trails ours, so that ours, which says more, comes first.
_TIMEOUT_MARGIN = 900

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
                lambda: Watch(self._wait(), self.log, pace),
                interval=pace.interval,
                end_time=self.end_time,
            )
        except BulkExportsInputError as error:
            return WaitEvent(status="fatal", message=str(error), result=None)


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

    def _wait(self) -> JobWait:
        return JobWait.parse(
            self.job_sids, resource_type=self.resource_type, start_day=self.start_day, end_day=self.end_day
        )


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


def _trigger_for(wait: Wait, **arguments: Any) -> _WaitTrigger:
    if isinstance(wait, DayWait):
        days = wait.days
        return ExportDayTrigger(wait.resource_type.value, days.start.isoformat(), days.end.isoformat(), **arguments)
    assert isinstance(wait, JobWait)
    return ExportCustomJobTrigger(
        job_sids=wait.job_sids,
        resource_type=wait.resource_type.value if wait.resource_type else None,
        start_day=wait.start_day.isoformat() if wait.start_day else None,
        end_day=wait.end_day.isoformat() if wait.end_day else None,
        **arguments,
    )


def defer_wait(task: BaseOperator, wait: Wait, *, twilio_conn_id: str, pace: Pace, timeout: float) -> NoReturn:
    """
    Go on with a wait in the triggerer and come back to the task's ``execute_complete``.

    :param timeout: Seconds from now; the task's ``execution_timeout`` counts too: Airflow 3 ignores it while deferred.
    """
    seconds = float(timeout)
    if task.execution_timeout:
        seconds = min(seconds, task.execution_timeout.total_seconds())
    trigger = _trigger_for(
        wait,
        twilio_conn_id=twilio_conn_id,
        poll_interval=pace.interval,
        max_poll_interval=pace.ceiling,
        end_time=time.time() + seconds,
    )
    task.defer(
        trigger=trigger,
        method_name="execute_complete",
        timeout=timedelta(seconds=seconds + _TIMEOUT_MARGIN),
    )
    raise AssertionError("defer() does not return")
