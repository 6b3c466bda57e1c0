"""What the sensors share: one look, one decision, in poke, reschedule and deferrable mode."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.assets.events import add_result_events, require_asset_outlet
from airflow_provider_bulkexports.compat import AirflowSkipException, BaseSensorOperator, Context, PokeReturnValue
from airflow_provider_bulkexports.hooks.bulkexports import BulkExportsHook
from airflow_provider_bulkexports.links import BulkExportsLink, push_link
from airflow_provider_bulkexports.model.results import WaitResult
from airflow_provider_bulkexports.planning.pacing import PollSchedule
from airflow_provider_bulkexports.polling.wait_poller import WaitPoller
from airflow_provider_bulkexports.polling.waits import DayWait, JobWait
from airflow_provider_bulkexports.tasks.expiry import warn_if_expiring
from airflow_provider_bulkexports.tasks.failures import BulkExportsTaskError, as_task_failures
from airflow_provider_bulkexports.tasks.missing_arguments import require_given
from airflow_provider_bulkexports.tasks.results import result_or_raise
from airflow_provider_bulkexports.triggers.bulkexports import defer_wait

__all__ = ["WaitSensor"]

#: Seconds after its time-out at which a sensor that sleeps for long looks for the last time, and is ended by Airflow.
_BEHIND_THE_TIMEOUT = 0.5


class WaitSensor(BaseSensorOperator):
    """What the sensors share: one look, one decision, in poke, reschedule and deferrable mode."""

    ui_color = "#f9e2e4"
    operator_extra_links = (BulkExportsLink(),)

    def __init__(
        self,
        *,
        twilio_conn_id: str,
        max_poll_interval: float,
        deferrable: bool,
        emit_partitions: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        require_asset_outlet(self, emit_partitions=emit_partitions)
        self.emit_partitions = emit_partitions
        self.twilio_conn_id = twilio_conn_id
        self.max_poll_interval = max_poll_interval
        self.deferrable = deferrable
        self._poller: WaitPoller | None = None
        self._schedule  # noqa: B018  # refuses at parse time what is no number of seconds

    @cached_property
    def hook(self) -> BulkExportsHook:
        """The hook, built at first use."""
        return BulkExportsHook(self.twilio_conn_id)

    def poke(self, context: Context) -> PokeReturnValue:
        """Look once; in deferrable mode, go on in the triggerer if the wait is not over."""
        with as_task_failures():
            require_given(self)
            client = self.hook.get_conn()
            poller = self._watch_in(context, client)
            event = (
                poller.poll(client) if self.deferrable else poller.poll_until_answered(client, deadline=self._deadline)
            )
        if event is not None:
            return PokeReturnValue(is_done=True, xcom_value=self._end(context, event))
        if self.deferrable:
            defer_wait(
                self, poller.wait, twilio_conn_id=self.twilio_conn_id, schedule=self._schedule, timeout=self.timeout
            )
        return PokeReturnValue(is_done=False)

    def execute(self, context: Context) -> Any:
        """Wait; a task that ``soft_fail`` skips says what it failed of."""
        try:
            return super().execute(context)
        except AirflowSkipException as skipped:
            raise _with_reason(skipped) from skipped.__cause__

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> WaitResult:
        """Take the trigger's event: return the result, or fail the task."""
        return self._end(context, event)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Come back from the triggerer; ``soft_fail`` then skips what it skips on a worker, and nothing else."""
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except AirflowSkipException as skipped:
            # Airflow skips every failure here. Elsewhere one that a retry may mend goes to the retries.
            if self.soft_fail and isinstance(skipped.__cause__, BulkExportsTaskError):
                raise skipped.__cause__ from None
            raise _with_reason(skipped) from skipped.__cause__

    def _get_next_poke_interval(self, started_at: Any, run_duration: Callable[[], float], poke_count: int) -> float:
        """Pause as long as the triggerer would, and look once more when the time is up; Airflow asks here."""
        if self.exponential_backoff or self._poller is None:
            return float(super()._get_next_poke_interval(started_at, run_duration, poke_count))
        return min(self._poller.next_delay(), max(self.timeout - run_duration(), 0.0) + _BEHIND_THE_TIMEOUT)

    @property
    def _schedule(self) -> PollSchedule:
        return PollSchedule(self.poke_interval, self.max_poll_interval)

    @cached_property
    def _deadline(self) -> float:
        return time.monotonic() + self.timeout

    def _watch_in(self, context: Context, client: BulkExportsClient) -> WaitPoller:
        if self._poller is None:
            wait = self._wait(context)
            push_link(context, client, resource_type=wait.resource_type, job_sids=wait.needs.job_sids)
            self._poller = WaitPoller(wait, self.log, self._schedule)
        return self._poller

    def _wait(self, context: Context) -> JobWait | DayWait:
        """What to wait for, by the rendered arguments."""
        raise NotImplementedError

    def _end(self, context: Context, event: Mapping[str, Any] | None) -> WaitResult:
        result = self._judge(event)
        warn_if_expiring(result, log=self.log)
        add_result_events(self, context, result, emit_partitions=self.emit_partitions, log=self.log)
        return result

    def _judge(self, event: Mapping[str, Any] | None) -> WaitResult:
        """Turn the end of the wait into its result, or the task's failure."""
        return result_or_raise(event)


def _with_reason(skipped: AirflowSkipException) -> AirflowSkipException:
    """Airflow's own words for ``soft_fail`` hide the error, and its log shows these words alone."""
    if skipped.__cause__ is None:
        return skipped
    return AirflowSkipException(f"Skipped, since soft_fail is set: {skipped.__cause__}")
