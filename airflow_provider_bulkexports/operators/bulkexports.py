"""CreateExportCustomJobOperator submits export jobs; DeleteExportJobOperator (``deletion.py``) takes one back."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cached_property, partial
from typing import Any

from airflow_provider_bulkexports.api.client import check_webhook
from airflow_provider_bulkexports.assets.events import add_result_events, require_asset_outlet
from airflow_provider_bulkexports.assets.lineage import ExportedDays, export_lineage
from airflow_provider_bulkexports.compat import BaseOperator, Context, conf, is_recorded_as_ended
from airflow_provider_bulkexports.exceptions import BulkExportsAPIError, BulkExportsInputError, BulkExportsQuotaError
from airflow_provider_bulkexports.hooks.bulkexports import BulkExportsHook
from airflow_provider_bulkexports.links import BulkExportsLink, push_link
from airflow_provider_bulkexports.model.days import DayRange, check_job_length, needs_wait, utc_today
from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.model.results import WaitResult
from airflow_provider_bulkexports.operators.delete_job import DeleteExportJobOperator
from airflow_provider_bulkexports.planning.pacing import PollSchedule
from airflow_provider_bulkexports.polling.wait_poller import MAX_POLL_INTERVAL, POLL_INTERVAL, WaitPoller
from airflow_provider_bulkexports.polling.waits import JobWait
from airflow_provider_bulkexports.submission.cancellation import JobGuard
from airflow_provider_bulkexports.submission.submit import ExportRequest, submit
from airflow_provider_bulkexports.tasks.arguments import is_literal, known, known_days, require_choice
from airflow_provider_bulkexports.tasks.attempts import attempt_of, identities_of
from airflow_provider_bulkexports.tasks.days import days_to_export
from airflow_provider_bulkexports.tasks.deferral import Pauses
from airflow_provider_bulkexports.tasks.destination_check import check_known_destination, check_writable
from airflow_provider_bulkexports.tasks.expiry import warn_if_expiring
from airflow_provider_bulkexports.tasks.failures import BulkExportsTaskError, as_task_failures
from airflow_provider_bulkexports.tasks.missing_arguments import remember_given, require_given
from airflow_provider_bulkexports.tasks.results import result_or_raise
from airflow_provider_bulkexports.tasks.schedules import warn_at_parse_time, warn_in_run
from airflow_provider_bulkexports.triggers.bulkexports import defer_wait

__all__ = ["CreateExportCustomJobOperator", "DeleteExportJobOperator"]

_IF_EXISTS = ("adopt", "submit")


class CreateExportCustomJobOperator(BaseOperator):
    """
    Submits an export job for a range of UTC days, once: a retried or cleared task finds its own job again.

    The job's FriendlyName ends in a marker, a hash of dag, task, run, resource type and days. Twilio's list is searched
    for it before anything is submitted, and again if a submission's answer is lost. A job of the task that is active or
    finished is adopted; days that failed or were deleted are submitted again, and only those.

    Returns (XCom) the job sid as a string, or a list of sids when several jobs serve the days because some were
    submitted again. With ``wait_for_completion`` it returns what ``ExportCustomJobSensor`` returns.

    :param resource_type: ``Messages``, ``Calls``, ``Conferences`` or ``Participants``. (templated)
    :param start_day: First UTC day, inclusive: ``YYYY-MM-DD``, a date, or a moment with its time zone. Without both
        days, those that the run means: its partition key, its data interval, or its logical date. (templated)
    :param end_day: Last UTC day, inclusive; Twilio exports a day two UTC days later. (templated)
    :param friendly_name: Text before the marker; ``<dag id>.<task id>`` by default. (templated)
    :param webhook_url: URL that Twilio calls when the job is done; needs ``webhook_method``. (templated)
    :param webhook_method: ``GET`` or ``POST``; needs ``webhook_url``. (templated)
    :param email: Address that Twilio notifies when the job is done. An ``email`` that comes from ``default_args`` is
        Airflow's own, for its alerts, and never sent to Twilio. (templated)
    :param if_exists: ``adopt`` the task's earlier job, or always ``submit`` anew, for a fresh snapshot: then only what
        an earlier try since the task was last cleared submitted is used again. (templated)
    :param wait_until_exportable: Wait until shortly after 00:00 UTC two days after ``end_day`` if that is yesterday or
        today, instead of failing. Deferrable tasks wait in the triggerer, others are rescheduled (Airflow 3.1 and
        later) or sleep.
    :param wait_for_quota: Wait for the next 00:00 UTC, in the same way, if Twilio refuses the days because the account
        has requested all it may today; otherwise fail.
    :param wait_for_completion: Also wait until every day is final; days that fail then fail the task, whose retry
        submits them again.
    :param poll_interval: Seconds between looks at the job, with ``wait_for_completion``; 60 unless Airflow's
        configuration has ``[bulkexports] poll_interval``.
    :param max_poll_interval: Seconds up to which Twilio's own estimate of the job's end stretches them, 300 by default;
        off when it is not above ``poll_interval``.
    :param timeout: Seconds to wait for completion; the job goes on at Twilio.
    :param cancel_on_kill: Delete the unfinished jobs that this task created when somebody marks it failed or
        successful, or it times out; of a deferred task, from Airflow 3.3 on. The days' quota is spent all the same. A
        worker that is shut down or lost, and clearing, leave the job: the next try adopts it.
    :param twilio_conn_id: Airflow connection of type ``twilio_bulkexports``. (templated)
    :param deferrable: Wait in the triggerer instead of on a worker.
    :param emit_partitions: With ``wait_for_completion``, make one event a day for each asset among ``outlets``, with
        the day as its partition key (Airflow 3.3 and later), instead of one event with all ``days`` in its ``extra``.
        Without ``wait_for_completion`` no day is there yet when the task ends, and the events of its outlets name none.
    :param destination: Where a later task stores the files: checked by a small object before the quota is spent.
        ``object_storage_conn_id`` and ``upload_options`` as of that task. (all templated)
    """

    template_fields: Sequence[str] = (
        "resource_type",
        "start_day",
        "end_day",
        "friendly_name",
        "webhook_url",
        "webhook_method",
        "completion_email",
        "if_exists",
        "twilio_conn_id",
        "destination",
        "object_storage_conn_id",
        "upload_options",
    )
    ui_color = "#f22f46"
    ui_fgcolor = "#ffffff"
    operator_extra_links = (BulkExportsLink(),)

    _exported: ExportedDays | None = None

    def __init__(
        self,
        *,
        resource_type: str,
        start_day: str | date | None = None,
        end_day: str | date | None = None,
        friendly_name: str | None = None,
        webhook_url: str | None = None,
        webhook_method: str | None = None,
        email: str | None = None,
        if_exists: str = "adopt",
        wait_until_exportable: bool = True,
        wait_for_quota: bool = True,
        wait_for_completion: bool = False,
        cancel_on_kill: bool = False,
        poll_interval: float = POLL_INTERVAL,
        max_poll_interval: float = MAX_POLL_INTERVAL,
        timeout: float = 24 * 3600,
        twilio_conn_id: str = BulkExportsHook.default_conn_name,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        emit_partitions: bool = False,
        destination: str | None = None,
        object_storage_conn_id: str | None = None,
        upload_options: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        is_for_alerts = email is not None and email == (kwargs.get("default_args") or {}).get("email")
        if is_for_alerts:
            kwargs["email"] = email
        super().__init__(**kwargs)
        self.resource_type = resource_type
        self.start_day = start_day
        self.end_day = end_day
        self.friendly_name = friendly_name
        self.webhook_url = webhook_url
        self.webhook_method = webhook_method
        self.completion_email = None if is_for_alerts else email
        self.if_exists = if_exists
        self.wait_until_exportable = wait_until_exportable
        self.wait_for_quota = wait_for_quota
        self.wait_for_completion = wait_for_completion
        self.cancel_on_kill = cancel_on_kill
        self.poll_interval = poll_interval
        self.max_poll_interval = max_poll_interval
        self.timeout = timeout
        self.twilio_conn_id = twilio_conn_id
        self.deferrable = deferrable
        self.emit_partitions = emit_partitions
        self.destination, self.object_storage_conn_id = destination, object_storage_conn_id
        self.upload_options = upload_options
        self._guard: JobGuard | None = None
        self._check_literals()
        remember_given(self)
        if start_day is None and end_day is None:
            warn_at_parse_time(self)

    @cached_property
    def hook(self) -> BulkExportsHook:
        """The hook, built at first use."""
        return BulkExportsHook(self.twilio_conn_id)

    def execute(self, context: Context) -> str | list[str] | WaitResult:
        """Wait until the days are exportable, submit or adopt, and wait for completion if asked to."""
        with as_task_failures():
            require_given(self)
            if self.start_day is None and self.end_day is None:
                warn_in_run(context, log=self.log)
            days = days_to_export(context, start_day=self.start_day, end_day=self.end_day)
            check_writable(self)
            return self._export(context, days)

    def execute_when_exportable(
        self,
        context: Context,
        event: Any = None,
        start_day: str | None = None,
        end_day: str | None = None,
    ) -> str | list[str] | WaitResult:
        """Go on after the wait for the calendar or the quota, with the days that were meant before it."""
        with as_task_failures():
            days = days_to_export(context, start_day=start_day or self.start_day, end_day=end_day or self.end_day)
            return self._export(context, days, is_resumed=True)

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> WaitResult:
        """Take the trigger's event after the wait for completion: return the result, or fail the task."""
        return self._conclude(context, event)

    def on_kill(self) -> None:
        """Submit nothing more; with ``cancel_on_kill``, delete what is unfinished. Takes three seconds at most."""
        if self._guard:
            self._guard.kill()

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """Name the exported days as the task's output, and Twilio's jobs; see ``lineage.py``."""
        return export_lineage(self.hook.get_conn(), self._exported)

    def _export(self, context: Context, days: DayRange, *, is_resumed: bool = False) -> str | list[str] | WaitResult:
        request = self._request(context, days, is_resumed=is_resumed)
        pauses = Pauses(self, days, request.identity, self.deferrable, "execute_when_exportable")
        pauses.until_exportable(may_wait=self.wait_until_exportable)
        self._guard = JobGuard(
            self.hook.get_conn(),
            self.log,
            cancel_on_kill=self.cancel_on_kill,
            has_ended=partial(is_recorded_as_ended, context.get("ti")),
        )
        sids = self._submit(request, pauses, self._guard, is_retry=attempt_of(context).number > 1)
        self._exported = ExportedDays(request.resource_type.value, [day.isoformat() for day in days], sids)
        push_link(context, self.hook.get_conn(), resource_type=request.resource_type, job_sids=sids)
        if not self.wait_for_completion:
            return sids[0] if len(sids) == 1 else sids
        wait = JobWait(tuple(sids), request.resource_type, days.start, days.end)
        return self._await_completion(context, wait, self._guard)

    def _submit(self, request: ExportRequest, pauses: Pauses, guard: JobGuard, *, is_retry: bool) -> list[str]:
        while True:
            client = self.hook.get_conn()
            try:
                return submit(client, request, today=utc_today(), log=self.log, guard=guard, is_retry=is_retry)
            except BulkExportsQuotaError as refusal:
                if not self.wait_for_quota:
                    raise
                pauses.until_new_quota(refusal, sleep=guard.sleep)
            except BulkExportsAPIError as refusal:
                pauses.until_clocks_agree(refusal, sleep=guard.sleep)

    def _request(self, context: Context, days: DayRange, *, is_resumed: bool) -> ExportRequest:
        resource_type = ResourceType.parse(self.resource_type)
        check_job_length(days)
        check_webhook(self.webhook_url, self.webhook_method)
        require_choice("if_exists", self.if_exists, _IF_EXISTS)
        identity, adopts = identities_of(
            context, self, resource_type, days, if_exists=self.if_exists, is_resumed=is_resumed
        )
        return ExportRequest(
            resource_type=resource_type,
            days=days,
            name=self.friendly_name or f"{self.dag_id}.{self.task_id}",
            identity=identity,
            adopts=adopts,
            adopts_own=self.if_exists != "adopt" or attempt_of(context).map_index < 0,
            webhook_url=self.webhook_url or None,
            webhook_method=self.webhook_method or None,
            email=self.completion_email or None,
        )

    def _await_completion(self, context: Context, wait: JobWait, guard: JobGuard) -> WaitResult:
        schedule = PollSchedule(self.poll_interval, self.max_poll_interval)
        poller = WaitPoller(wait, self.log, schedule)
        client = self.hook.get_conn()
        deadline = time.monotonic() + self.timeout
        while (event := poller.poll(client)) is None:
            if self.deferrable:
                defer_wait(
                    self,
                    wait,
                    twilio_conn_id=self.twilio_conn_id,
                    schedule=schedule,
                    timeout=self.timeout,
                    cancel_on_kill=self.cancel_on_kill and guard.cancellable(wait.job_sids),
                )
            left = deadline - time.monotonic()
            if left <= 0:
                event = poller.timed_out(cancellation=guard.cancel_on_timeout())
                break
            guard.sleep(min(poller.next_delay(), left))
        return self._conclude(context, event)

    def _conclude(self, context: Context, event: Mapping[str, Any] | None) -> WaitResult:
        # Both are worth a retry here: it adopts the job, and submits the failed days again.
        result = result_or_raise(event, on_failed_days=BulkExportsTaskError, on_timeout=BulkExportsTaskError)
        self._exported = ExportedDays.from_result(result)
        warn_if_expiring(result, log=self.log)
        add_result_events(self, context, result, emit_partitions=self.emit_partitions, log=self.log)
        return result

    def _check_literals(self) -> None:
        """Refuse at parse time what is known by then to be wrong."""
        require_asset_outlet(self, emit_partitions=self.emit_partitions)
        check_known_destination(self)
        if self.emit_partitions and not self.wait_for_completion:
            raise BulkExportsInputError(
                "emit_partitions=True without wait_for_completion=True: no day is there when the task ends; let the "
                "task wait, or set emit_partitions on the sensor or the transfer that follows"
            )
        PollSchedule(self.poll_interval, self.max_poll_interval)
        ResourceType.parse(known(self.resource_type, default=ResourceType.MESSAGES))
        if days := known_days(self.start_day, self.end_day):
            check_job_length(days)
            needs_wait(days.end, today=utc_today(), may_wait=True)
        if is_literal(self.webhook_url) and is_literal(self.webhook_method):
            check_webhook(self.webhook_url, self.webhook_method)
        require_choice("if_exists", known(self.if_exists, default="adopt"), _IF_EXISTS)
