"""Defer until a given time: the days become exportable, or the quota renews."""

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

#: Longest single sleep in seconds on a worker, so that a clock that is set meanwhile is noticed.
_LONGEST_NAP = 600.0


@dataclass(frozen=True, slots=True)
class Pauses:
    """
    The waits of a submitting task: until its days are exportable, and until the quota renews.

    :param days: What the task submits.
    :param identity: Identity of its jobs; it spreads tasks that wait for the same midnight.
    :param method_name: Method with which a deferred task resumes.
    """

    task: BaseOperator
    days: DayRange
    identity: str
    deferrable: bool
    method_name: str

    def until_exportable(self, *, may_wait: bool) -> None:
        """
        Return when Twilio accepts the days, even if its clock is a little behind this one.

        :param may_wait: Whether to wait for yesterday and today.
        :raises DayNotExportableError: if the last day has not begun, or the task may not wait.
        """
        now = datetime.now(timezone.utc)
        must_wait = needs_wait(self.days.end, today=now.date(), may_wait=may_wait)
        if must_wait or (may_wait and not is_surely_exportable(self.days.end, now=now)):
            moment = accepted_at(self.days.end, identity=self.identity)
            self._until(moment, why=f"for Twilio to accept {self.days.end}", sleep=time.sleep)

    def until_new_quota(self, refusal: BulkExportsQuotaError, *, sleep: Callable[[float], None]) -> None:
        """Return when the quota has renewed for which Twilio refused a submission."""
        moment = next_quota_at(refusal, identity=self.identity, now=datetime.now(timezone.utc))
        why = f"for the quota to renew; then the task searches for its job again, and submits {self.days}: {refusal}"
        self._until(moment, why=why, sleep=sleep)

    def until_clocks_agree(self, refusal: BulkExportsAPIError, *, sleep: Callable[[float], None]) -> None:
        """
        Wait, a few minutes at most, if Twilio refused a submission only because it is not midnight there yet.

        :raises BulkExportsAPIError: the refusal, if it has another reason.
        """
        seconds = wait_after_refusal(refusal, self.days.end, now=datetime.now(timezone.utc))
        if seconds is None:
            raise refusal
        self.task.log.warning(
            "Twilio rejected %s, probably because its clock is behind this worker's; retrying in %.0f s: %s",
            self.days,
            seconds,
            refusal,
        )
        sleep(seconds)

    def _until(self, moment: datetime, *, why: str, sleep: Callable[[float], None]) -> None:
        self.task.log.info("Waiting until %s UTC %s", f"{moment:%Y-%m-%d %H:%M}", why)
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
    Defer or reschedule the task until a given time; sleep until then where Airflow supports neither.

    :param moment: In UTC.
    :param days: Days of the task. A deferred task gets them back, because its templates are rendered again.
    :param method_name: Method with which a deferred task resumes; a rescheduled one starts with ``execute``.
    :param sleep: Sleeps on the worker, for the given seconds.
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
