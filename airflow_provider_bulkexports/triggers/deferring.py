"""Hand a task's wait to the triggerer."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any, NoReturn

from airflow_provider_bulkexports.compat import BaseOperator
from airflow_provider_bulkexports.planning.pacing import Pace
from airflow_provider_bulkexports.triggers.bulkexports import ExportCustomJobTrigger, ExportDayTrigger
from airflow_provider_bulkexports.waiting import DayWait, JobWait, Wait

__all__ = ["defer_wait"]

#: Seconds by which Airflow's own time-out of a deferred task trails ours, so that ours, which says more, comes first.
_TIMEOUT_MARGIN = 900


def _trigger_for(wait: Wait, **arguments: Any) -> ExportCustomJobTrigger | ExportDayTrigger:
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
    task: BaseOperator, wait: Wait, *, twilio_conn_id: str, pace: Pace, timeout: float, **arguments: Any
) -> NoReturn:
    """
    Go on with a wait in the triggerer and come back to the task's ``execute_complete``.

    :param timeout: Seconds from now; the task's ``execution_timeout`` counts too: Airflow 3 ignores it while deferred.
    :param arguments: Further arguments of the trigger.
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
        **arguments,
    )
    task.defer(
        trigger=trigger,
        method_name="execute_complete",
        timeout=timedelta(seconds=seconds + _TIMEOUT_MARGIN),
    )
    raise AssertionError("defer() does not return")
