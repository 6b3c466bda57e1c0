"""Defer until a given time: the days become exportable, or the quota renews."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone

from airflow_provider_bulkexports.compat import CAN_RESCHEDULE_OPERATORS, AirflowRescheduleException, BaseOperator
from airflow_provider_bulkexports.exceptions import BulkExportsAPIError, BulkExportsQuotaError
from airflow_provider_bulkexports.model.days import MAX_DAYS_PER_JOB, DayRange, needs_wait, newest_exportable_day
from airflow_provider_bulkexports.model.plain import counted, plain_text
from airflow_provider_bulkexports.planning.clock_skew import (
    accepted_at,
    is_surely_exportable,
    next_quota_at,
    wait_after_refusal,
)
from airflow_provider_bulkexports.polling.heartbeat import HEARTBEAT_INTERVAL, shown_duration
from airflow_provider_bulkexports.triggers.base import log_deferral
from airflow_provider_bulkexports.triggers.submission_time import SubmissionTimeTrigger, log_time_left

__all__ = ["Pauses", "pause_until"]

#: Longest text of Twilio's that the log quotes.
_LONGEST_QUOTE = 500


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
            self.task.log.info(
                "Waiting until %s UTC: Twilio does not export %s before", f"{moment:%Y-%m-%d %H:%M}", self.days.end
            )
            if must_wait:
                self._log_long_wait((moment - now).total_seconds(), now)
            self._until(moment, sleep=time.sleep)

    def until_new_quota(self, refusal: BulkExportsQuotaError, *, sleep: Callable[[float], None]) -> None:
        """Return when the quota has renewed for which Twilio refused a submission."""
        moment = next_quota_at(refusal, identity=self.identity, now=datetime.now(timezone.utc))
        self.task.log.warning(
            "Waiting until %s UTC: no quota left today for %s (%d per UTC day)",
            f"{moment:%Y-%m-%d %H:%M}",
            counted(len(self.days), "day"),
            MAX_DAYS_PER_JOB,
        )
        self._log_response(refusal)
        self.task.log.info("Then the task searches for its job again, and submits %s", self.days)
        self._until(moment, sleep=sleep)

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
            refusal.what,
        )
        sleep(seconds)

    def _log_long_wait(self, seconds: float, now: datetime) -> None:
        """Tell the reader of a run that seems to hang that it does not, and what would not wait."""
        self.task.log.info(
            "That is in %s, and normal: Twilio exports a day two UTC days later", shown_duration(seconds)
        )
        self.task.log.info("Days up to %s can be exported at once", newest_exportable_day(now.date()))

    def _log_response(self, refusal: BulkExportsQuotaError) -> None:
        """Quote Twilio. The error's own advice is left out: the task follows it already."""
        if refusal.status == 429:
            self.task.log.warning("Twilio has rejected every submission for minutes, but no other request")
        labels = [f"HTTP {refusal.status}"]
        labels += [f"Twilio error {refusal.code}"] if refusal.code is not None else []
        labels += [f"request {refusal.request_id}"] if refusal.request_id else []
        words = plain_text(refusal.twilio_message or "no readable message", longest=_LONGEST_QUOTE)
        self.task.log.warning("Twilio's response: %s [%s]", words, ", ".join(labels))

    def _until(self, moment: datetime, *, sleep: Callable[[float], None]) -> None:
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
    began, end = time.time(), moment.timestamp()
    if deferrable:
        log_deferral(task.log)
        task.defer(
            trigger=SubmissionTimeTrigger(end_time=end, start_time=began),
            method_name=method_name,
            kwargs={"start_day": days.start.isoformat(), "end_day": days.end.isoformat()},
        )
    if CAN_RESCHEDULE_OPERATORS:
        task.log.info("Rescheduling: the task needs no worker until then")
        raise AirflowRescheduleException(moment)
    task.log.info("Sleeping on this worker: this Airflow cannot reschedule the task")
    while (left := end - time.time()) > 0:
        log_time_left(task.log, began=began, end=end)
        # Not all at once, so that a clock that is set meanwhile is noticed.
        sleep(min(left, HEARTBEAT_INTERVAL))
