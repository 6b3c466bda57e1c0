"""Turn the end of a wait into the task's result or its failure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from airflow_provider_bulkexports.compat import AirflowException, AirflowSensorTimeout
from airflow_provider_bulkexports.model.plain import listed, plain_text
from airflow_provider_bulkexports.model.results import WaitResult
from airflow_provider_bulkexports.tasks.failures import BulkExportsTaskError, BulkExportsTaskFailure

__all__ = ["result_or_raise"]


def result_or_raise(
    event: Mapping[str, Any] | None,
    *,
    failed_days: str = "fail",
    on_failed_days: type[AirflowException] = BulkExportsTaskFailure,
    on_timeout: type[AirflowException] = AirflowSensorTimeout,
) -> WaitResult:
    """
    Return the result of a wait, or raise what fails the task. Repeating it is harmless.

    :param event: A :class:`~airflow_provider_bulkexports.model.results.WaitEvent`; anything else fails the task.
    :param failed_days: ``fail``, ``ignore``, or ``store``: return the result and mark it, so that the transfer fails.
    :param on_failed_days: Exception for failed days.
    :param on_timeout: Exception for a timeout.
    """
    status = event.get("status") if isinstance(event, Mapping) else None
    message = event.get("message") if isinstance(event, Mapping) else None
    if event and status == "finished" and _is_result(event.get("result")):
        result = cast("WaitResult", event["result"])
        if result["failed"] and failed_days == "fail":
            raise on_failed_days(_failed_days_message(result))
        return {**result, "failed_days": "store"} if result["failed"] and failed_days == "store" else result
    if status in ("deleted", "fatal"):
        raise BulkExportsTaskFailure(message)
    if status == "timeout":
        raise on_timeout(message)
    if status == "error":
        raise BulkExportsTaskError(message)
    shown = plain_text(repr(event), longest=500)
    raise BulkExportsTaskError(f"Unexpected trigger event: {shown}. Clear the task.")


def _is_result(value: Any) -> bool:
    return isinstance(value, Mapping) and value.keys() >= WaitResult.__required_keys__


def _failed_days_message(result: WaitResult) -> str:
    exported = len(result["completed"]) + len(result["empty"])
    total = exported + len(result["failed"])
    return (
        f"{len(result['failed'])} of {total} days failed at Twilio: {listed(result['failed'])} "
        f"(job {listed(result['job_sids'], most=10)}); {exported} {'is' if exported == 1 else 'are'} exported. "
        "Clear the task that submitted the job: it submits the failed days again, and only those. "
        "failed_days='store' stores the others first, failed_days='ignore' continues without them."
    )
