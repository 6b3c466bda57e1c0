"""ExportCustomJobSensor waits for the days of a job, ExportDaySensor for day files of any origin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from airflow_provider_bulkexports.compat import Context, XComArg
from airflow_provider_bulkexports.model.days import DayRange, day_ranges, parse_day
from airflow_provider_bulkexports.model.resources import ResourceType, parse_job_sids
from airflow_provider_bulkexports.model.results import WaitResult
from airflow_provider_bulkexports.sensors.base import WaitSensor
from airflow_provider_bulkexports.tasks.arguments import is_literal, literal_days, literal_or, require_choice
from airflow_provider_bulkexports.tasks.constructors import checks_arguments
from airflow_provider_bulkexports.tasks.days import days_to_export, warn_if_not_ready
from airflow_provider_bulkexports.tasks.missing_arguments import remember_given
from airflow_provider_bulkexports.tasks.names import set_default_name
from airflow_provider_bulkexports.tasks.results import result_or_raise

if TYPE_CHECKING:
    from airflow_provider_bulkexports.polling.waits import DayWait, JobWait

__all__ = ["ExportCustomJobSensor", "ExportDaySensor"]

_FAILED_DAYS = ("fail", "ignore", "store")


@checks_arguments
class ExportCustomJobSensor(WaitSensor):
    """
    Waits until every wanted day of a job is Completed, CompletedEmptyRecords or Failed.

    Poke, reschedule and deferrable mode end in the same result or failure. The task polls once before it defers, so a
    finished job never reaches the triggerer. A deleted job fails the task at once, without retries. The wait continues
    for days in ``ErrorDuringRun``, because Twilio runs them again.

    Returns (XCom) a :class:`~airflow_provider_bulkexports.model.results.WaitResult`: ``job_sids``, ``resource_type``,
    ``start_day``, ``end_day``, the days ``completed``, ``empty`` and ``failed`` as lists of ``YYYY-MM-DD``, and
    ``expires_at``.

    :param job_sid: The job, as ``CreateExportCustomJobOperator`` returns it, or a list of jobs that together cover the
        days; if a day is in several jobs, its best state counts. (templated)
    :param resource_type: ``Messages``, ``Calls``, ``Conferences`` or ``Participants``; must be the job's. (templated)
    :param start_day: First UTC day to wait for; all of the job's by default. (templated)
    :param end_day: Last UTC day to wait for, inclusive; all of the job's by default. (templated)
    :param failed_days: ``fail`` the task, naming the days; ``ignore`` them and list them in the result; or ``store``:
        succeed, with ``"failed_days": "store"`` in the result, so that ``BulkExportsToObjectStorageOperator`` stores
        the other days and then fails, naming the failed ones. (templated)
    :param twilio_conn_id: Airflow connection of type ``twilio_bulkexports``. (templated)
    :param poke_interval: Seconds between polls of the job; 60 unless Airflow's configuration sets
        ``[bulkexports] poll_interval``.
    :param max_poll_interval: Longest pause in seconds when Twilio estimates a later completion, 300 by default; without
        effect at or below ``poke_interval``.
    :param timeout: Seconds after which the wait fails; the job keeps running at Twilio.
    :param deferrable: Wait in the triggerer instead of on a worker.
    :param emit_partitions: Make one event a day for each asset among ``outlets``, with the day as its partition key
        (Airflow 3.3 and later), instead of one event with all ``days`` in its ``extra``.
    """

    template_fields: Sequence[str] = (
        "job_sid",
        "resource_type",
        "start_day",
        "end_day",
        "failed_days",
        "twilio_conn_id",
    )

    def __init__(
        self,
        *,
        job_sid: str | list[str] | XComArg,
        resource_type: str | None = None,
        start_day: str | date | None = None,
        end_day: str | date | None = None,
        failed_days: str = "fail",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.job_sid = job_sid
        self.resource_type = resource_type
        self.start_day = start_day
        self.end_day = end_day
        self.failed_days = failed_days
        self._check_literals()
        remember_given(self)
        set_default_name(self)

    def _wait(self, context: Context) -> JobWait:
        from airflow_provider_bulkexports.polling.waits import JobWait

        require_choice("failed_days", self.failed_days, _FAILED_DAYS)
        return JobWait.parse(
            self.job_sid, resource_type=self.resource_type, start_day=self.start_day, end_day=self.end_day
        )

    def _days_in(self, context: Context) -> Iterable[date]:
        return DayRange.parse(self.start_day, self.end_day) if self.start_day and self.end_day else ()

    def _judge(self, event: Mapping[str, Any] | None) -> WaitResult:
        result = result_or_raise(event, task=self, failed_days=self.failed_days)
        if result["failed"]:
            then = "the storing task stores the others and then fails" if self.failed_days == "store" else "ignored"
            self.log.warning("Days that failed at Twilio: %s; %s", ", ".join(day_ranges(result["failed"])), then)
        return result

    def _check_literals(self) -> None:
        """Reject at parse time what JobWait would reject in a run."""
        if is_literal(self.job_sid):
            parse_job_sids(self.job_sid)
        if resource_type := literal_or(self.resource_type):
            ResourceType.parse(resource_type)
        start_day, end_day = literal_or(self.start_day), literal_or(self.end_day)
        start = parse_day(start_day, name="start_day") if start_day else None
        end = parse_day(end_day, name="end_day") if end_day else None
        if start and end:
            DayRange(start, end)
        require_choice("failed_days", literal_or(self.failed_days, "fail"), _FAILED_DAYS)


@checks_arguments
class ExportDaySensor(WaitSensor):
    """
    Waits until the files of days exist at Twilio, made by any DAG, a colleague or the automatic daily export.

    Returns (XCom) the same as ``ExportCustomJobSensor``, without job sids. A day without a file counts as ``empty`` if
    a job reports that it has no records.

    :param resource_type: ``Messages``, ``Calls``, ``Conferences`` or ``Participants``. (templated)
    :param start_day: First UTC day, inclusive. Without both days, those that the run covers. (templated)
    :param end_day: Last UTC day, inclusive. (templated)
    :param twilio_conn_id: Airflow connection of type ``twilio_bulkexports``. (templated)
    :param poke_interval: Seconds between polls of the list of files; 60 unless Airflow's configuration sets
        ``[bulkexports] poll_interval``.
    :param max_poll_interval: Longest pause in seconds when Twilio estimates a later completion, 300 by default; without
        effect at or below ``poke_interval``.
    :param timeout: Seconds after which the wait fails.
    :param deferrable: Wait in the triggerer instead of on a worker.
    :param emit_partitions: Make one event a day for each asset among ``outlets``, with the day as its partition key
        (Airflow 3.3 and later), instead of one event with all ``days`` in its ``extra``.
    """

    template_fields: Sequence[str] = ("resource_type", "start_day", "end_day", "twilio_conn_id")

    def __init__(
        self,
        *,
        resource_type: str,
        start_day: str | date | None = None,
        end_day: str | date | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.resource_type = resource_type
        self.start_day = start_day
        self.end_day = end_day
        ResourceType.parse(literal_or(resource_type, ResourceType.MESSAGES))
        literal_days(start_day, end_day)
        remember_given(self)
        set_default_name(self)

    def _days_in(self, context: Context) -> DayRange:
        return days_to_export(context, start_day=self.start_day, end_day=self.end_day)

    def _wait(self, context: Context) -> DayWait:
        from airflow_provider_bulkexports.polling.waits import DayWait

        days = days_to_export(context, start_day=self.start_day, end_day=self.end_day)
        if self.start_day is None:
            warn_if_not_ready(context, days, log=self.log)
        return DayWait(ResourceType.parse(self.resource_type), days)
