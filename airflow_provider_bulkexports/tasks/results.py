"""Turn the end of a wait into the task's result or its failure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from airflow_provider_bulkexports.compat import AirflowException, AirflowSensorTimeout
from airflow_provider_bulkexports.exceptions import BulkExportsError
from airflow_provider_bulkexports.model.days import name_days
from airflow_provider_bulkexports.model.plain import counted, plain_text
from airflow_provider_bulkexports.model.results import WaitResult
from airflow_provider_bulkexports.tasks.failures import (
    BulkExportsTaskError,
    BulkExportsTaskFailure,
    FailingTask,
    task_failure,
)

__all__ = ["result_or_raise"]


def result_or_raise(
    event: Mapping[str, Any] | None,
    *,
    task: FailingTask,
    failed_days: str = "fail",
    on_failed_days: type[AirflowException] = BulkExportsTaskFailure,
    on_timeout: type[AirflowException] = AirflowSensorTimeout,
) -> WaitResult:
    """
    Return the result of a wait, or raise what fails the task, after logging it. Repeating it is harmless.

    :param event: A :class:`~airflow_provider_bulkexports.model.results.WaitEvent`; anything else fails the task.
    :param failed_days: ``fail``, ``ignore``, or ``store``: return the result and mark it, so that the transfer fails.
    :param on_failed_days: Exception for failed days.
    :param on_timeout: Exception for a timeout.
    """
    status = event.get("status") if isinstance(event, Mapping) else None
    if event and status == "finished" and _is_result(event.get("result")):
        result = cast("WaitResult", event["result"])
        if result["failed"] and failed_days == "fail":
            raise task_failure(task, _failed_days(result), on_failed_days) from None
        return {**result, "failed_days": "store"} if result["failed"] and failed_days == "store" else result
    kinds: dict[str, type[AirflowException]] = {
        "deleted": BulkExportsTaskFailure,
        "fatal": BulkExportsTaskFailure,
        "timeout": on_timeout,
        "error": BulkExportsTaskError,
    }
    if event and isinstance(status, str) and status in kinds:
        raise task_failure(task, _error_of(event), kinds[status]) from None
    shown = plain_text(repr(event), longest=500)
    unexpected = BulkExportsError(f"Unexpected trigger event: {shown}", remedy="Clear the task.")
    raise task_failure(task, unexpected, BulkExportsTaskError) from None


def _is_result(value: Any) -> bool:
    return isinstance(value, Mapping) and value.keys() >= WaitResult.__required_keys__


def _error_of(event: Mapping[str, Any]) -> BulkExportsError:
    """The error that ended a wait; its text only, if an older version or somebody else made the event."""
    failure = event.get("failure")
    if isinstance(failure, Mapping) and isinstance(failure.get("details"), Mapping) and failure.get("what"):
        return BulkExportsError(
            failure["what"], remedy=str(failure.get("remedy") or ""), details=dict(failure["details"])
        )
    return BulkExportsError(event.get("message") or "The wait failed, and its event does not say why")


def _failed_days(result: WaitResult) -> BulkExportsError:
    exported = len(result["completed"]) + len(result["empty"])
    total = exported + len(result["failed"])
    which, details = name_days("failed days", result["failed"])
    return BulkExportsError(
        f"{len(result['failed'])} of {counted(total, 'day')} failed at Twilio{which}; "
        f"{exported} {'is' if exported == 1 else 'are'} exported",
        remedy="Clear the task that submitted the job: it submits the failed days again, and only those. "
        "failed_days='store' stores the others first, failed_days='ignore' continues without them.",
        details={**details, "job": result["job_sids"]},
    )
