"""Wait for a moment that is known beforehand, off the worker where Airflow can: the calendar's, or the quota's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone

from airflow_provider_bulkexports.api.models import DayRange
from airflow_provider_bulkexports.compat import (
    CAN_RESCHEDULE_OPERATORS,
    AirflowRescheduleException,
    BaseOperator,
    DateTimeTrigger,
)

__all__ = ["pause_until"]

#: Seconds of one nap of a task that cannot leave its worker, so that a clock that is set meanwhile is noticed.
_LONGEST_NAP = 600.0


def pause_until(
    moment: datetime,
    task: BaseOperator,
    days: DayRange,
    *,
    deferrable: bool,
    method_name: str,
    sleep: Callable[[float], None],
) -> None:
    """
    Defer, or have the task started again, at a moment; return at that moment only where Airflow can do neither.

    :param moment: In UTC.
    :param days: What the task means; a deferred task is handed them, since its templates are rendered again.
    :param method_name: Where a deferred task goes on; a task that is started again begins at ``execute``.
    :param sleep: How to sleep on the worker.
    """
    if deferrable:
        task.defer(
            trigger=DateTimeTrigger(moment=moment),
            method_name=method_name,
            kwargs={"start_day": days.start.isoformat(), "end_day": days.end.isoformat()},
        )
    if CAN_RESCHEDULE_OPERATORS:
        raise AirflowRescheduleException(moment)
    while (left := (moment - datetime.now(timezone.utc)).total_seconds()) > 0:
        sleep(min(left, _LONGEST_NAP))
