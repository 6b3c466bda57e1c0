"""
Submit a task's export jobs, and wait for them.

Imported when the task runs: parsing a DAG file needs neither submission nor polling.
"""

from __future__ import annotations

import time

from airflow_provider_bulkexports.compat import Log
from airflow_provider_bulkexports.exceptions import BulkExportsAPIError, BulkExportsQuotaError
from airflow_provider_bulkexports.hooks.bulkexports import BulkExportsHook
from airflow_provider_bulkexports.model.days import utc_today
from airflow_provider_bulkexports.model.results import WaitEvent
from airflow_provider_bulkexports.planning.pacing import PollSchedule
from airflow_provider_bulkexports.polling.heartbeat import Heartbeat
from airflow_provider_bulkexports.polling.wait_poller import WaitPoller
from airflow_provider_bulkexports.polling.waits import JobWait
from airflow_provider_bulkexports.submission.cancellation import JobGuard
from airflow_provider_bulkexports.submission.submit import ExportRequest, submit
from airflow_provider_bulkexports.tasks.deferral import Pauses
from airflow_provider_bulkexports.tasks.mixin import BulkExportsTask
from airflow_provider_bulkexports.triggers.waits import defer_wait

__all__ = ["ExportRequest", "JobGuard", "JobWait", "await_jobs", "submit_jobs"]


def submit_jobs(
    hook: BulkExportsHook,
    request: ExportRequest,
    *,
    pauses: Pauses,
    guard: JobGuard,
    wait_for_quota: bool,
    is_retry: bool,
    log: Log,
) -> list[str]:
    """
    Submit or adopt the jobs; wait and try again if the quota is used up, or if it is not midnight yet at Twilio.

    :return: Job sids; see :func:`airflow_provider_bulkexports.submission.submit.submit`, also for what it raises.
    :raises BulkExportsQuotaError: without ``wait_for_quota``.
    """
    while True:
        try:
            return submit(hook.get_conn(), request, today=utc_today(), log=log, guard=guard, is_retry=is_retry)
        except BulkExportsQuotaError as refusal:
            if not wait_for_quota:
                raise
            pauses.until_new_quota(refusal, sleep=guard.sleep)
        except BulkExportsAPIError as refusal:
            pauses.until_clocks_agree(refusal, sleep=guard.sleep)


def await_jobs(
    task: BulkExportsTask,
    wait: JobWait,
    *,
    guard: JobGuard,
    schedule: PollSchedule,
    timeout: float,
    deferrable: bool,
    cancel_on_kill: bool,
) -> WaitEvent:
    """
    Poll until the jobs are final; a deferrable task polls once, and then defers.

    :param timeout: Seconds.
    :return: How the wait ended.
    """
    poller = WaitPoller(wait, task.log, schedule)
    client = task.hook.get_conn()
    heartbeat, began, deadline = Heartbeat(), time.time(), time.monotonic() + timeout
    while (event := poller.poll(client)) is None:
        if deferrable:
            defer_wait(
                task,
                poller,
                twilio_conn_id=task.twilio_conn_id,
                timeout=timeout,
                cancel_on_kill=cancel_on_kill and guard.cancellable(wait.job_sids),
            )
        left = deadline - time.monotonic()
        if left <= 0:
            return poller.timed_out(cancellation=guard.cancel_on_timeout())
        delay = min(poller.next_delay(), left)
        if heartbeat.is_due():
            poller.log_status(began=began, next_poll=time.time() + delay, end=began + timeout)
        guard.sleep(delay)
    return event
