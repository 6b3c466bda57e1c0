"""What the triggers share: how Airflow stores them, and the wait of a task."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from typing import Any

from airflow_provider_bulkexports.compat import BaseTrigger, Log, TriggerEvent
from airflow_provider_bulkexports.exceptions import BulkExportsError, BulkExportsInputError
from airflow_provider_bulkexports.model.plain import plain
from airflow_provider_bulkexports.model.results import WaitEvent, failed_wait
from airflow_provider_bulkexports.planning.pacing import PollSchedule
from airflow_provider_bulkexports.polling.heartbeat import HEARTBEAT_MINUTES
from airflow_provider_bulkexports.polling.shared_poller import poll_until_done
from airflow_provider_bulkexports.polling.wait_poller import WaitPoller, as_poll_error
from airflow_provider_bulkexports.polling.waits import Wait

__all__ = ["WaitTrigger", "log_deferral", "serialized"]


def serialized(trigger: BaseTrigger) -> tuple[str, dict[str, Any]]:
    """
    Return the public path of a trigger's class, and the arguments of its constructor.

    Airflow stores both. With the path of the defining file, stored triggers would be lost when that file moves.
    """
    arguments = {name: getattr(trigger, name) for name in inspect.signature(type(trigger)).parameters}
    module = type(trigger).__module__
    if module.startswith(f"{__package__}."):
        module = f"{__package__}.bulkexports"
    return f"{module}.{type(trigger).__qualname__}", arguments


def log_deferral(log: Log) -> None:
    """Say what a task that defers depends on: without a triggerer it waits for ever, and nothing says so."""
    log.info("Deferring: a triggerer must be running. It logs here every %d minutes", HEARTBEAT_MINUTES)


class WaitTrigger(BaseTrigger):
    """Base of the triggers of tasks: one wait, polled together with all others of the process."""

    twilio_conn_id: str
    poll_interval: float
    max_poll_interval: float
    end_time: float | None
    start_time: float | None

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Name the class and its arguments, all plain JSON."""
        return serialized(self)

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Fire once, when the wait has ended."""
        yield TriggerEvent(plain(await self._end()))

    def _wait(self) -> Wait:
        """What to wait for."""
        raise NotImplementedError

    async def _end(self) -> WaitEvent:
        try:
            schedule = PollSchedule(self.poll_interval, self.max_poll_interval)
            return await poll_until_done(
                self.twilio_conn_id,
                lambda: self._poller_at(schedule),
                interval=schedule.interval,
                end_time=self.end_time,
                start_time=self.start_time,
            )
        except BulkExportsInputError as error:
            return failed_wait("fatal", self._named(error))
        except Exception as error:  # noqa: BLE001  # passed on to the task: an error raised here may end the triggerer
            return failed_wait("error", self._named(as_poll_error(error)))

    def _named(self, error: BulkExportsError) -> BulkExportsError:
        error.add_details({"connection": self.twilio_conn_id})
        return error

    def _poller_at(self, schedule: PollSchedule) -> WaitPoller:
        return WaitPoller(self._wait(), self.log, schedule)
