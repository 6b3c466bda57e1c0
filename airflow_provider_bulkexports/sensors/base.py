"""What the sensors share: poke, reschedule and deferrable mode end in the same result or failure."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_provider_bulkexports.compat import (
    AirflowException,
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseSensorOperator,
    Context,
    PokeReturnValue,
)
from airflow_provider_bulkexports.exceptions import BulkExportsError
from airflow_provider_bulkexports.model.days import DayRange
from airflow_provider_bulkexports.model.results import WaitResult
from airflow_provider_bulkexports.planning.pacing import PollSchedule
from airflow_provider_bulkexports.polling.heartbeat import Heartbeat
from airflow_provider_bulkexports.tasks.defaults import (
    DEFAULT_CONN_ID,
    DEFERRABLE,
    MAX_POLL_INTERVAL,
    POLL_INTERVAL,
    TIMEOUT,
)
from airflow_provider_bulkexports.tasks.failures import BulkExportsTaskError, as_task_failures, task_failure
from airflow_provider_bulkexports.tasks.missing_arguments import require_given
from airflow_provider_bulkexports.tasks.mixin import BulkExportsTask
from airflow_provider_bulkexports.tasks.results import result_or_raise

if TYPE_CHECKING:
    from airflow_provider_bulkexports.polling.wait_poller import WaitPoller
    from airflow_provider_bulkexports.polling.waits import DayWait, JobWait

__all__ = ["WaitSensor"]

#: How Airflow's message of a sensor's timeout begins (2.11 to 3.3). It has neither the progress nor a remedy.
_AIRFLOWS_TIMEOUT = "Sensor has timed out"

#: Seconds after the timeout at which a sensor polls for the last time, and is then ended by Airflow.
_AFTER_TIMEOUT = 0.5


class WaitSensor(BulkExportsTask, BaseSensorOperator):
    """
    What the sensors share; a subclass says what to wait for.

    :param twilio_conn_id: Airflow connection of type ``twilio_bulkexports``.
    :param poke_interval: Seconds between polls.
    :param timeout: Seconds after which the wait fails.
    :param max_poll_interval: Longest pause in seconds between polls, when Twilio estimates a later completion.
    :param deferrable: Wait in the triggerer instead of on a worker.
    :param emit_partitions: Make one event a day for each asset among ``outlets``.
    """

    returns = "result"

    def __init__(
        self,
        *,
        twilio_conn_id: str = DEFAULT_CONN_ID,
        poke_interval: float = POLL_INTERVAL,
        timeout: float = TIMEOUT,
        max_poll_interval: float = MAX_POLL_INTERVAL,
        deferrable: bool = DEFERRABLE,
        emit_partitions: bool = False,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("multiple_outputs", True)  # so that wait.output["completed"] works
        super().__init__(poke_interval=poke_interval, timeout=timeout, **kwargs)
        self.emit_partitions = emit_partitions
        self._require_asset_outlet()
        self.twilio_conn_id = twilio_conn_id
        self.max_poll_interval = max_poll_interval
        self.deferrable = deferrable
        self._poller: WaitPoller | None = None
        self._heartbeat = Heartbeat()
        self._schedule  # noqa: B018  # rejects invalid intervals at parse time

    def poke(self, context: Context) -> PokeReturnValue:
        """Poll once; in deferrable mode, defer if the wait is not over."""
        with as_task_failures(self):
            require_given(self)
            client = self.hook.get_conn()
            poller = self._poller_in(context)
            event = (
                poller.poll(client) if self.deferrable else poller.poll_until_answered(client, deadline=self._deadline)
            )
        self._show_days(context, poller.days or (), poller.resource_type)
        if event is not None:
            return PokeReturnValue(is_done=True, xcom_value=self._end(context, event))
        if self.deferrable:
            from airflow_provider_bulkexports.triggers.waits import defer_wait

            defer_wait(self, poller, twilio_conn_id=self.twilio_conn_id, timeout=self.timeout)
        return PokeReturnValue(is_done=False)

    def execute(self, context: Context) -> Any:
        """Wait; with ``soft_fail``, the reason of a skip has the error."""
        with as_task_failures(self):
            try:
                return super().execute(context)
            except (AirflowSensorTimeout, AirflowSkipException) as error:
                if not str(error).startswith(_AIRFLOWS_TIMEOUT):
                    raise (
                        _with_reason(error) if isinstance(error, AirflowSkipException) else error
                    ) from error.__cause__
                timeout = error
            return self._time_out(context, timeout)

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> WaitResult:
        """Resume with the trigger's event: return the result, or fail the task."""
        return self._end(context, event)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume after deferral; ``soft_fail`` then skips the same failures as on a worker."""
        with as_task_failures(self):
            try:
                return super().resume_execution(next_method, next_kwargs, context)
            except AirflowSkipException as skipped:
                # Airflow skips every failure here. On a worker, an error that a retry may mend goes to the retries.
                if self.soft_fail and isinstance(skipped.__cause__, BulkExportsTaskError):
                    raise skipped.__cause__ from None
                raise _with_reason(skipped) from skipped.__cause__
            except AirflowSensorTimeout as late:
                if late.__cause__ is None:  # ours, with its reason
                    raise
            raise task_failure(self, _unattended(), AirflowSensorTimeout) from None

    def _get_next_poke_interval(self, started_at: Any, run_duration: Callable[[], float], poke_count: int) -> float:
        """Pause as long as the triggerer would, and poll once more at the timeout; called by Airflow."""
        passed, poller = run_duration(), self._poller
        if self.exponential_backoff or poller is None:
            delay = float(super()._get_next_poke_interval(started_at, run_duration, poke_count))
        else:
            delay = min(poller.next_delay(), max(self.timeout - passed, 0.0) + _AFTER_TIMEOUT)
        if poller and self._heartbeat.is_due():
            now = time.time()
            poller.log_status(began=now - passed, next_poll=now + delay, end=now - passed + self.timeout)
        return delay

    @property
    def _schedule(self) -> PollSchedule:
        return PollSchedule(self.poke_interval, self.max_poll_interval)

    @cached_property
    def _deadline(self) -> float:
        return time.monotonic() + self.timeout

    def _poller_in(self, context: Context) -> WaitPoller:
        if self._poller is None:
            from airflow_provider_bulkexports.polling.wait_poller import WaitPoller

            wait = self._wait(context)
            self._show_days(context, self._days_in(context))
            self._push_link(context, resource_type=wait.resource_type, job_sids=wait.needs.job_sids or None)
            self._poller = WaitPoller(wait, self.log, self._schedule)
        return self._poller

    def _time_out(self, context: Context, airflows: AirflowException) -> WaitResult:
        """End as Airflow's own timeout does, and say what the triggerer would: the progress, and what to do."""
        if self._poller is None:
            raise airflows
        try:
            return self._end(context, self._poller.timed_out())
        except AirflowSensorTimeout as timeout:
            if isinstance(airflows, AirflowSkipException):
                raise _skip(timeout) from None
            raise

    def _wait(self, context: Context) -> JobWait | DayWait:
        """What to wait for, from the rendered arguments."""
        raise NotImplementedError

    def _end(self, context: Context, event: Mapping[str, Any] | None) -> WaitResult:
        result = self._judge(event)
        self._show_days(context, DayRange.parse(result["start_day"], result["end_day"]), result["resource_type"])
        return self._publish(context, result)

    def _judge(self, event: Mapping[str, Any] | None) -> WaitResult:
        """Return the result of the wait, or raise what fails the task."""
        return result_or_raise(event, task=self)


def _unattended() -> BulkExportsError:
    return BulkExportsError(
        "The timeout of this deferred task has passed, and no triggerer has ended its wait",
        remedy="Check that a triggerer is running and healthy, then clear this task to resume waiting.",
    )


def _with_reason(skipped: AirflowSkipException) -> AirflowSkipException:
    """Add the error, which Airflow's own message for ``soft_fail`` leaves out of the log."""
    if skipped.__cause__ is None:
        return skipped
    return _skip(skipped.__cause__)


def _skip(reason: BaseException) -> AirflowSkipException:
    return AirflowSkipException(f"Skipped because soft_fail is set: {reason}")
