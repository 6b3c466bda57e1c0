"""ExportCustomJobTrigger: waits for jobs in the triggerer."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, NoReturn

from airflow_provider_bulkexports.compat import BaseOperator, BaseTrigger, TriggerEvent
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.hooks.bulkexports import BulkExportsHook
from airflow_provider_bulkexports.outcomes import WaitEvent
from airflow_provider_bulkexports.waiting import JobWait, Watch

__all__ = ["ExportCustomJobTrigger", "defer_wait"]

#: Threads for HTTP, our own: every other trigger shares the event loop's pool, and a hanging host would fill it.
_THREADS = ThreadPoolExecutor(max_workers=8, thread_name_prefix="bulkexports")

#: Seconds by which Airflow's own time-out of a deferred task trails ours, so that ours, which says more, comes first.
_TIMEOUT_MARGIN = 300


class ExportCustomJobTrigger(BaseTrigger):
    """
    Fires once, when every wanted day is final or the wait cannot go on.

    The event is a :class:`~airflow_provider_bulkexports.outcomes.WaitEvent`. HTTP runs in threads, never on the event
    loop.

    :param job_sids: Jobs that together cover the days.
    :param resource_type: Theirs, if known.
    :param start_day: First wanted UTC day, ``YYYY-MM-DD``; ``None``: the jobs' own.
    :param end_day: Last wanted UTC day, inclusive; ``None``: the jobs' own.
    :param twilio_conn_id: The connection; it is looked up in the triggerer, so no secret travels.
    :param poll_interval: Seconds between looks.
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
        end_time: float | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # untyped in Airflow
        self.job_sids = list(job_sids)
        self.resource_type = resource_type
        self.start_day = start_day
        self.end_day = end_day
        self.twilio_conn_id = twilio_conn_id
        self.poll_interval = poll_interval
        self.end_time = end_time

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Name the class and its arguments, all plain JSON."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "job_sids": self.job_sids,
                "resource_type": self.resource_type,
                "start_day": self.start_day,
                "end_day": self.end_day,
                "twilio_conn_id": self.twilio_conn_id,
                "poll_interval": self.poll_interval,
                "end_time": self.end_time,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look, sleep, look again, until the wait has ended."""
        yield TriggerEvent(dict(await self._wait()))

    async def _wait(self) -> WaitEvent:
        try:
            wait = JobWait.parse(
                self.job_sids, resource_type=self.resource_type, start_day=self.start_day, end_day=self.end_day
            )
            client = await BulkExportsHook(self.twilio_conn_id).aget_conn()
        except BulkExportsInputError as error:
            return WaitEvent(status="fatal", message=str(error), result=None)
        watch = Watch(wait, self.log)
        loop = asyncio.get_running_loop()
        try:
            while True:
                # Airflow finds the task whose log a line belongs to in the context, which threads do not inherit.
                context = contextvars.copy_context()
                event = await loop.run_in_executor(_THREADS, context.run, watch.look, client)
                if event is not None:
                    return event
                pause = watch.pause(self.poll_interval)
                if self.end_time is not None:
                    left = self.end_time - time.time()
                    if left <= 0:
                        return watch.timed_out()
                    pause = min(pause, left)
                await asyncio.sleep(pause)
        finally:
            client.close()


def defer_wait(
    task: BaseOperator, wait: JobWait, *, twilio_conn_id: str, poll_interval: float, timeout: float
) -> NoReturn:
    """
    Go on with a wait in the triggerer and come back to the task's ``execute_complete``.

    :param timeout: Seconds from now; the task's ``execution_timeout`` counts too: Airflow 3 ignores it while deferred.
    """
    seconds = float(timeout)
    if task.execution_timeout:
        seconds = min(seconds, task.execution_timeout.total_seconds())
    task.defer(
        trigger=ExportCustomJobTrigger(
            job_sids=wait.job_sids,
            resource_type=wait.resource_type.value if wait.resource_type else None,
            start_day=wait.start_day.isoformat() if wait.start_day else None,
            end_day=wait.end_day.isoformat() if wait.end_day else None,
            twilio_conn_id=twilio_conn_id,
            poll_interval=poll_interval,
            end_time=time.time() + seconds,
        ),
        method_name="execute_complete",
        timeout=timedelta(seconds=seconds + _TIMEOUT_MARGIN),
    )
    raise AssertionError("defer() does not return")
