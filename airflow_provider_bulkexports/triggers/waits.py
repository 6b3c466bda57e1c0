"""
Waits in the triggerer: ExportCustomJobTrigger and ExportDayTrigger; import them from ``triggers.bulkexports``.

Importing this module loads the client, too, and collects garbage. Imports make tens of thousands of objects; after that
many, Python soon collects all generations, which stops an event loop for a tenth of a second. Here nothing waits yet.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NoReturn

import airflow_provider_bulkexports.hooks.connection  # noqa: F401  # the client; see above
from airflow_provider_bulkexports.compat import BaseOperator, has_ended
from airflow_provider_bulkexports.model.days import DayRange
from airflow_provider_bulkexports.model.plain import listed, with_full_stop
from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.model.results import WaitEvent
from airflow_provider_bulkexports.planning.pacing import MAX_POLL_INTERVAL, PollSchedule
from airflow_provider_bulkexports.polling.shared_poller import in_background, in_thread
from airflow_provider_bulkexports.polling.wait_poller import WaitPoller, as_poll_error
from airflow_provider_bulkexports.polling.waits import DayWait, JobWait, Wait
from airflow_provider_bulkexports.provider_info import DEFAULT_CONN_ID
from airflow_provider_bulkexports.triggers.base import WaitTrigger, log_deferral

__all__ = ["ExportCustomJobTrigger", "ExportDayTrigger", "defer_wait"]

gc.collect()

#: Seconds by which Airflow's own timeout of a deferred task is later than ours, which says more.
_TIMEOUT_MARGIN = 900

#: Seconds to delete the jobs at a timeout, before the event is sent.
_SECONDS_TO_CANCEL = 60.0


class ExportCustomJobTrigger(WaitTrigger):
    """
    Fires once, when every wanted day of jobs is final or the wait cannot go on.

    The event is a :class:`~airflow_provider_bulkexports.model.results.WaitEvent`.

    :param job_sids: Jobs that together cover the days.
    :param resource_type: Theirs, if known.
    :param start_day: First wanted UTC day, ``YYYY-MM-DD``; ``None``: the jobs' own.
    :param end_day: Last wanted UTC day, inclusive; ``None``: the jobs' own.
    :param twilio_conn_id: The connection. It is looked up in the triggerer, so no secret is stored.
    :param poll_interval: Seconds between two polls.
    :param max_poll_interval: Upper limit in seconds when Twilio estimates a later completion.
    :param end_time: When the wait times out, in seconds since the epoch, so that a restart does not extend it.
    :param cancel_on_kill: Delete the unfinished jobs when the wait times out or, from Airflow 3.3 on, somebody ends the
        task. A list of sids: only these, which the task created.
    :param start_time: When the wait began, in seconds since the epoch, for its log; the trigger's start by default.
    """

    def __init__(
        self,
        job_sids: Sequence[str] = (),
        resource_type: str | None = None,
        start_day: str | None = None,
        end_day: str | None = None,
        twilio_conn_id: str = DEFAULT_CONN_ID,
        poll_interval: float = 60.0,
        max_poll_interval: float = MAX_POLL_INTERVAL,
        end_time: float | None = None,
        cancel_on_kill: bool | list[str] = False,
        start_time: float | None = None,
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
        self.start_time = start_time

    async def on_kill(self) -> None:
        """
        Cancel the jobs if somebody ended the task. Called by Airflow 3.3 and later.

        Airflow (3.3.2) also calls this when a running triggerer's triggers move to another one, and when the task is
        cleared: its next attempt adopts the jobs. In both cases they are left alone.
        """
        if self.cancel_on_kill:
            # Airflow (3.3.2) cancels this about a second later, as part of the same kill: it repeats the request to
            # end a trigger until it has ended. A background task continues.
            await asyncio.shield(in_background(self._cancel_if_ended()))

    def _wait(self) -> JobWait:
        return JobWait.parse(
            self.job_sids, resource_type=self.resource_type, start_day=self.start_day, end_day=self.end_day
        )

    def _poller_at(self, schedule: PollSchedule) -> WaitPoller:
        self._poller = super()._poller_at(schedule)
        return self._poller

    async def _end(self) -> WaitEvent:
        event = await super()._end()
        if self.cancel_on_kill and self._own_jobs and event["status"] == "timeout":
            return self._poller.timed_out(cancellation=await self._cancel_in_time())
        return event

    async def _cancel_in_time(self) -> str:
        """Cancel the jobs; return what became of them, and what to do now."""
        from airflow_provider_bulkexports.submission.cancellation import RESUME_WAITING

        cancelling = in_background(self._cancel())
        if (await asyncio.wait({cancelling}, timeout=_SECONDS_TO_CANCEL))[0]:
            return cancelling.result()
        seconds = f"{_SECONDS_TO_CANCEL:.0f} seconds"
        return f"Could not delete job {listed(self._own_jobs)} within {seconds}. {RESUME_WAITING}"

    async def _cancel_if_ended(self) -> None:
        if await has_ended(self.task_instance):
            await self._cancel()

    @property
    def _own_jobs(self) -> list[str]:
        """The jobs that may be deleted."""
        return self.cancel_on_kill if isinstance(self.cancel_on_kill, list) else self.job_sids

    async def _cancel(self) -> str:
        # Imported here: both load the HTTP libraries, which a DAG file that names this trigger does not need.
        from airflow_provider_bulkexports.hooks.bulkexports import BulkExportsHook
        from airflow_provider_bulkexports.submission.cancellation import RESUME_WAITING, cancel_jobs

        try:
            client = await BulkExportsHook(self.twilio_conn_id).aget_conn()
        except Exception as error:  # noqa: BLE001  # in the event
            reason = with_full_stop(as_poll_error(error).what)
            return f"Could not delete job {listed(self._own_jobs)}: {reason} {RESUME_WAITING}"
        try:
            return await in_thread(cancel_jobs, client, self._own_jobs, self.log)
        finally:
            client.close()


class ExportDayTrigger(WaitTrigger):
    """
    Fires once, when the file of every wanted day exists or the wait cannot go on.

    The event is a :class:`~airflow_provider_bulkexports.model.results.WaitEvent`.

    :param resource_type: ``Messages``, ``Calls``, ``Conferences`` or ``Participants``.
    :param start_day: First wanted UTC day, ``YYYY-MM-DD``.
    :param end_day: Last wanted UTC day, inclusive.
    :param twilio_conn_id: The connection. It is looked up in the triggerer, so no secret is stored.
    :param poll_interval: Seconds between two polls.
    :param max_poll_interval: Upper limit in seconds when Twilio estimates a later completion.
    :param end_time: When the wait times out, in seconds since the epoch, so that a restart does not extend it.
    :param start_time: When the wait began, in seconds since the epoch, for its log; the trigger's start by default.
    """

    def __init__(
        self,
        resource_type: str = "",
        start_day: str = "",
        end_day: str = "",
        twilio_conn_id: str = DEFAULT_CONN_ID,
        poll_interval: float = 60.0,
        max_poll_interval: float = MAX_POLL_INTERVAL,
        end_time: float | None = None,
        start_time: float | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # untyped in Airflow
        self.resource_type = resource_type
        self.start_day = start_day
        self.end_day = end_day
        self.twilio_conn_id = twilio_conn_id
        self.poll_interval = poll_interval
        self.max_poll_interval = max_poll_interval
        self.end_time = end_time
        self.start_time = start_time

    def _wait(self) -> DayWait:
        return DayWait(ResourceType.parse(self.resource_type), DayRange.parse(self.start_day, self.end_day))


def _trigger_for(wait: Wait, **arguments: Any) -> WaitTrigger:
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


def defer_wait(
    task: BaseOperator, poller: WaitPoller, *, twilio_conn_id: str, timeout: float, **arguments: Any
) -> NoReturn:
    """
    Continue a wait in the triggerer; the task resumes in its ``execute_complete``.

    :param poller: The wait, polled once.
    :param timeout: Seconds from now. The task's ``execution_timeout`` counts too: Airflow 3 ignores it while deferred.
    :param arguments: Further arguments of the trigger.
    """
    seconds = float(timeout)
    if task.execution_timeout:
        seconds = min(seconds, task.execution_timeout.total_seconds())
    now = time.time()
    trigger = _trigger_for(
        poller.wait,
        twilio_conn_id=twilio_conn_id,
        poll_interval=poller.schedule.interval,
        max_poll_interval=poller.schedule.max_interval,
        start_time=now,
        end_time=now + seconds,
        **arguments,
    )
    poller.log_start()
    poller.log_status(began=now, next_poll=now, end=now + seconds)
    log_deferral(task.log)
    task.defer(
        trigger=trigger,
        method_name="execute_complete",
        timeout=timedelta(seconds=seconds + _TIMEOUT_MARGIN),
    )
    raise AssertionError("defer() does not return")
