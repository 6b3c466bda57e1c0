"""Wait for a moment that is known beforehand, off the worker where Airflow can: the calendar's, or the quota's."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone

from airflow_provider_bulkexports.compat import (
    CAN_RESCHEDULE_OPERATORS,
    AirflowRescheduleException,
    BaseOperator,
    DateTimeTrigger,
)
from airflow_provider_bulkexports.exceptions import BulkExportsAPIError, BulkExportsQuotaError
from airflow_provider_bulkexports.model.days import DayRange, needs_wait
from airflow_provider_bulkexports.planning.clock_skew import (
    accepted_at,
    is_surely_exportable,
    next_quota_at,
    wait_after_refusal,
)

__all__ = ["Pauses", "pause_until"]

#: Seconds of one nap of a task that cannot leave its worker, so that a clock that is set meanwhile is noticed.
_LONGEST_NAP = 600.0


@dataclass(frozen=True, slots=True)
class Pauses:
    """
    The waits of a task for Twilio's calendar.

    :param days: What the task submits.
    :param identity: By what its jobs are known; spreads tasks that wait for the same midnight.
    :param method_name: Where a deferred task goes on.
    """

    task: BaseOperator
    days: DayRange
    identity: str
    deferrable: bool
    method_name: str

    def until_exportable(self, *, may_wait: bool) -> None:
        """
        Return when Twilio accepts the days, by a clock that may trail this one a little.

        :raises DayNotExportableError: if that takes too long, or is not wanted.
        """
        now = datetime.now(timezone.utc)
        must_wait = needs_wait(self.days.end, today=now.date(), may_wait=may_wait)
        if must_wait or (may_wait and not is_surely_exportable(self.days.end, now=now)):
            moment = accepted_at(self.days.end, identity=self.identity)
            self._until(moment, why=f"when Twilio exports {self.days.end}", sleep=time.sleep)

    def until_new_quota(self, refusal: BulkExportsQuotaError, *, sleep: Callable[[float], None]) -> None:
        """Return when the quota that a submission was refused for has been renewed."""
        moment = next_quota_at(refusal, identity=self.identity, now=datetime.now(timezone.utc))
        why = f"for a new quota; then the task looks for its job again, and submits {self.days}: {refusal}"
        self._until(moment, why=why, sleep=sleep)

    def until_clocks_agree(self, refusal: BulkExportsAPIError, *, sleep: Callable[[float], None]) -> None:
        """
        Wait some minutes at most if a submission was refused only since it is not midnight yet at Twilio.

        :raises BulkExportsAPIError: the refusal, if it is about something else.
        """
        seconds = wait_after_refusal(refusal, self.days.end, now=datetime.now(timezone.utc))
        if seconds is None:
            raise refusal
        self.task.log.warning(
            "Twilio refused %s, as its clock seems to trail this worker's; submitting it again in %.0f s: %s",
            self.days,
            seconds,
            refusal,
        )
        sleep(seconds)

    def _until(self, moment: datetime, *, why: str, sleep: Callable[[float], None]) -> None:
        self.task.log.info("Waiting until %s UTC, %s", f"{moment:%Y-%m-%d %H:%M}", why)
        pause_until(moment, self.task, self.days, deferrable=self.deferrable, method_name=self.method_name, sleep=sleep)


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
