"""CreateExportCustomJobOperator submits export jobs; DeleteExportJobOperator is in ``delete_job.py``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_bulkexports.api.request_check import check_webhook
from airflow_provider_bulkexports.assets.lineage import ExportedDays, export_lineage
from airflow_provider_bulkexports.compat import BaseOperator, Context, is_recorded_as_ended
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.days import DayRange, check_job_length
from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.model.results import WaitResult
from airflow_provider_bulkexports.operators.delete_job import DeleteExportJobOperator
from airflow_provider_bulkexports.planning.pacing import PollSchedule
from airflow_provider_bulkexports.tasks.arguments import (
    is_literal,
    literal_days,
    literal_or,
    require_choice,
    require_seconds,
    require_text,
)
from airflow_provider_bulkexports.tasks.attempts import attempt_of, identities_of
from airflow_provider_bulkexports.tasks.constructors import checks_arguments
from airflow_provider_bulkexports.tasks.days import days_to_export, warn_if_not_ready
from airflow_provider_bulkexports.tasks.defaults import (
    DEFAULT_CONN_ID,
    DEFERRABLE,
    MAX_POLL_INTERVAL,
    POLL_INTERVAL,
    TIMEOUT,
)
from airflow_provider_bulkexports.tasks.destination_check import check_known_destination, check_writable
from airflow_provider_bulkexports.tasks.failures import BulkExportsTaskError, as_task_failures
from airflow_provider_bulkexports.tasks.missing_arguments import remember_given, require_given
from airflow_provider_bulkexports.tasks.mixin import BulkExportsTask
from airflow_provider_bulkexports.tasks.names import set_default_name
from airflow_provider_bulkexports.tasks.results import result_or_raise
from airflow_provider_bulkexports.tasks.schedules import warn_at_parse_time, warn_in_run

if TYPE_CHECKING:
    from airflow_provider_bulkexports.tasks.export_jobs import ExportRequest, JobGuard

__all__ = ["CreateExportCustomJobOperator", "DeleteExportJobOperator"]

IF_JOB_EXISTS = ("adopt", "submit")


@checks_arguments
class CreateExportCustomJobOperator(BulkExportsTask, BaseOperator):
    """
    Submits an export job for a range of UTC days, once: a retried or cleared task adopts its own job.

    The job's FriendlyName ends in a marker, a hash of DAG, task, run, resource type and days. The task searches
    Twilio's Jobs list for it before it submits anything, and again if the response to a submission is lost. It adopts
    its active or finished job, and submits again only days that failed or were deleted.

    Returns (XCom) the job sid as a string, or a list of sids when several jobs serve the days because some were
    submitted again. With ``wait_for_completion`` it returns what ``ExportCustomJobSensor`` returns.

    :param resource_type: ``Messages``, ``Calls``, ``Conferences`` or ``Participants``. (templated)
    :param start_day: First UTC day, inclusive: ``YYYY-MM-DD``, a date, or a moment with its time zone. Without both
        days, those that the run covers: its partition key, its data interval, or its logical date. (templated)
    :param end_day: Last UTC day, inclusive; Twilio exports a day two UTC days later. (templated)
    :param friendly_name: Text before the marker; ``<dag id>.<task id>`` by default. (templated)
    :param webhook_url: URL that Twilio calls when the job is done; needs ``webhook_method``. (templated)
    :param webhook_method: ``GET`` or ``POST``; needs ``webhook_url``. (templated)
    :param email: Address that Twilio notifies when the job is done. An ``email`` that comes from ``default_args`` is
        Airflow's own, for its alerts, and never sent to Twilio. (templated)
    :param if_exists: ``adopt`` the task's earlier job, or ``submit`` a new one for a fresh snapshot; a retry then
        adopts only what attempts since the task was last cleared have submitted. (templated)
    :param wait_until_exportable: Wait until shortly after 00:00 UTC two days after ``end_day`` if that is yesterday or
        today, instead of failing. Deferrable tasks wait in the triggerer, others are rescheduled (Airflow 3.1 and
        later) or sleep.
    :param wait_for_quota: Wait for the next 00:00 UTC, in the same way, if Twilio rejects the days because the quota of
        today is used up; otherwise fail.
    :param wait_for_completion: Also wait until every day is final. Failed days then fail the task, and its retry
        submits them again.
    :param poll_interval: Seconds between polls of the job, with ``wait_for_completion``; 60 unless Airflow's
        configuration sets ``[bulkexports] poll_interval``.
    :param max_poll_interval: Longest pause in seconds when Twilio estimates a later completion, 300 by default; without
        effect at or below ``poll_interval``.
    :param timeout: Seconds to wait for completion; the job keeps running at Twilio.
    :param cancel_on_kill: Delete the unfinished jobs that this task created when somebody marks it failed or
        successful, or it times out; of a deferred task, on Airflow 3.3 and later. The quota is not refunded. If a
        worker is shut down or lost, or the task is cleared, the job stays: the next attempt adopts it.
    :param twilio_conn_id: Airflow connection of type ``twilio_bulkexports``. (templated)
    :param deferrable: Wait in the triggerer instead of on a worker.
    :param emit_partitions: With ``wait_for_completion``, make one event a day for each asset among ``outlets``, with
        the day as its partition key (Airflow 3.3 and later), instead of one event with all ``days`` in its ``extra``.
        Without ``wait_for_completion`` no day is exported yet when the task ends, and the events have no days.
    :param destination: Where a later task stores the files; checked with a small object before the quota is spent.
        ``object_storage_conn_id`` and ``upload_options`` are the same as of that task. (all templated)
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

    returns = "job"

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
        timeout: float = TIMEOUT,
        twilio_conn_id: str = DEFAULT_CONN_ID,
        deferrable: bool = DEFERRABLE,
        emit_partitions: bool = False,
        destination: str | None = None,
        object_storage_conn_id: str | None = None,
        upload_options: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        is_for_alerts = email is not None and email == (kwargs.get("default_args") or {}).get("email")
        if is_for_alerts:
            kwargs["email"] = email
        if wait_for_completion:
            kwargs.setdefault("multiple_outputs", True)  # so that submit.output["completed"] works
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
        set_default_name(self)
        if start_day is None and end_day is None:
            warn_at_parse_time(self)

    def execute(self, context: Context) -> str | list[str] | WaitResult:
        """Wait until the days are exportable, submit or adopt, and wait for completion if asked to."""
        with as_task_failures(self):
            require_given(self)
            if self.start_day is None and self.end_day is None:
                warn_in_run(context, log=self.log)
            days = days_to_export(context, start_day=self.start_day, end_day=self.end_day)
            if self.start_day is None:
                warn_if_not_ready(context, days, log=self.log)
            check_writable(self)
            return self._export(context, days)

    def execute_when_exportable(
        self,
        context: Context,
        event: Any = None,
        start_day: str | None = None,
        end_day: str | None = None,
    ) -> str | list[str] | WaitResult:
        """Resume after waiting for exportable days or for quota, with the same days as before."""
        with as_task_failures(self):
            days = days_to_export(context, start_day=start_day or self.start_day, end_day=end_day or self.end_day)
            return self._export(context, days, is_resumed=True)

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> WaitResult:
        """Resume with the trigger's event after the wait for completion: return the result, or fail the task."""
        with as_task_failures(self):
            return self._conclude(context, event)

    def on_kill(self) -> None:
        """Stop submitting; with ``cancel_on_kill``, delete unfinished jobs. Takes at most three seconds."""
        if self._guard:
            self._guard.kill()

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """Report the exported days as output, and Twilio's jobs; see ``assets/lineage.py``."""
        return export_lineage(self.hook.get_conn(), self._exported)

    def _days_in(self, context: Context) -> DayRange:
        return days_to_export(context, start_day=self.start_day, end_day=self.end_day)

    def _export(self, context: Context, days: DayRange, *, is_resumed: bool = False) -> str | list[str] | WaitResult:
        from airflow_provider_bulkexports.tasks.deferral import Pauses
        from airflow_provider_bulkexports.tasks.export_jobs import JobGuard, JobWait, await_jobs, submit_jobs

        self._show_days(context, days)
        request = self._request(context, days, is_resumed=is_resumed)
        self._push_link(context, resource_type=request.resource_type, job_sids=())
        pauses = Pauses(self, days, request.identity, self.deferrable, "execute_when_exportable")
        pauses.until_exportable(may_wait=self.wait_until_exportable)
        self._guard = guard = JobGuard(
            self.hook.get_conn(),
            self.log,
            cancel_on_kill=self.cancel_on_kill,
            has_ended=partial(is_recorded_as_ended, context.get("ti")),
        )
        sids = submit_jobs(
            self.hook,
            request,
            pauses=pauses,
            guard=guard,
            wait_for_quota=self.wait_for_quota,
            is_retry=attempt_of(context).number > 1,
            log=self.log,
        )
        self._exported = ExportedDays(request.resource_type.value, [day.isoformat() for day in days], sids)
        self._push_link(context, resource_type=request.resource_type, job_sids=sids)
        if not self.wait_for_completion:
            return sids[0] if len(sids) == 1 else sids
        event = await_jobs(
            self,
            JobWait(tuple(sids), request.resource_type, days.start, days.end),
            guard=guard,
            schedule=PollSchedule(self.poll_interval, self.max_poll_interval),
            timeout=self.timeout,
            deferrable=self.deferrable,
            cancel_on_kill=self.cancel_on_kill,
        )
        return self._conclude(context, event)

    def _request(self, context: Context, days: DayRange, *, is_resumed: bool) -> ExportRequest:
        from airflow_provider_bulkexports.tasks.export_jobs import ExportRequest

        resource_type = ResourceType.parse(self.resource_type)
        self._check_texts()
        check_job_length(days)
        check_webhook(self.webhook_url, self.webhook_method)
        require_choice("if_exists", self.if_exists, IF_JOB_EXISTS)
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

    def _conclude(self, context: Context, event: Mapping[str, Any] | None) -> WaitResult:
        # A retry may help in both cases: it adopts the job, and submits failed days again.
        result = result_or_raise(event, task=self, on_failed_days=BulkExportsTaskError, on_timeout=BulkExportsTaskError)
        self._exported = ExportedDays.from_result(result)
        return self._publish(context, result)

    def _check_texts(self) -> None:
        require_text("friendly_name", self.friendly_name, example="daily messages")
        require_text("email", self.completion_email, example="exports@example.com")

    def _check_literals(self) -> None:
        """Reject invalid literals at parse time."""
        self._require_asset_outlet()
        if self.destination is not None:
            check_known_destination(self.destination)
        if self.emit_partitions and not self.wait_for_completion:
            raise BulkExportsInputError(
                "emit_partitions=True without wait_for_completion=True: no day is exported yet when the task ends. Set "
                "wait_for_completion=True, or set emit_partitions on the sensor or the transfer that follows"
            )
        PollSchedule(self.poll_interval, self.max_poll_interval)
        require_seconds("timeout", self.timeout, example=TIMEOUT)
        self._check_texts()
        ResourceType.parse(literal_or(self.resource_type, ResourceType.MESSAGES))
        if days := literal_days(self.start_day, self.end_day):
            check_job_length(days)
        if is_literal(self.webhook_url) and is_literal(self.webhook_method):
            check_webhook(self.webhook_url, self.webhook_method)
        require_choice("if_exists", literal_or(self.if_exists, "adopt"), IF_JOB_EXISTS)
