"""Jobs and days as JSON."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from airflow_provider_bulkexports.model.details import DayStatus
from airflow_provider_bulkexports.simulator.knobs import Knobs
from airflow_provider_bulkexports.simulator.service.day_files import DayFile
from airflow_provider_bulkexports.simulator.service.jobs import SimulatedJob
from airflow_provider_bulkexports.simulator.service.lifecycle import DayRun

__all__ = ["day_json", "job_json"]

_ON_CREATE: dict[str, Any] = {"null": None, "{}": {}, "[{}]": [{}], "[]": []}


def job_json(
    job: SimulatedJob, *, now: datetime, position: int, knobs: Knobs, is_create: bool = False
) -> dict[str, Any]:
    """
    Return a job's JSON, as the knobs say and with the fields that a test set.

    :param position: Position in the queue.
    :param is_create: Whether it is in the response to its submission.
    """
    request = job.request
    shown: dict[str, Any] = {
        "start_day": request.start_day.isoformat(),
        "end_day": request.end_day.isoformat(),
        "job_sid": job.sid,
        "friendly_name": request.friendly_name,
        "webhook_method": request.webhook_method,
        "webhook_url": request.webhook_url,
        "email": request.email,
        "resource_type": None if knobs.resource_type_null else request.resource_type.value,
        "details": _details(job, now, knobs, is_create),
    }
    if knobs.position_and_eta != "absent":
        is_filled = knobs.position_and_eta == "filled"
        shown["job_queue_position"] = str(position) if is_filled else None
        shown["estimated_completion_time"] = _estimate(job, knobs) if is_filled else None
    return {**shown, **job.overrides}


def day_json(file: DayFile, knobs: Knobs) -> dict[str, Any]:
    """Return an entry of the Days list."""
    shown: dict[str, Any] = {
        "day": file.day.isoformat(),
        "size": file.size(knobs) if knobs.listed_size == "filled" else None,
        "create_date": file.created_at.date().isoformat(),
        "friendly_name": file.friendly_name,
        "resource_type": None if knobs.resource_type_null else file.resource_type.value,
    }
    if knobs.listed_size == "absent":
        del shown["size"]
    return shown


def _details(job: SimulatedJob, now: datetime, knobs: Knobs, is_create: bool) -> Any:
    is_fresh = is_create or now < job.created_at + timedelta(seconds=knobs.details_delay_seconds)
    if is_fresh and knobs.details_on_create != "filled":
        return _ON_CREATE[knobs.details_on_create]
    shown_runs = job.runs[: max(0, len(job.runs) - knobs.details_missing_days)]
    groups: dict[DayStatus, list[DayRun]] = {}
    for run in shown_runs:
        groups.setdefault(run.status_at(now), []).append(run)
    shown_groups = [
        {
            "status": _spelled(status, knobs),
            "count": str(len(runs)) if knobs.details_count_as_text else len(runs),
            "days": None if knobs.details_days_null else [run.day.isoformat() for run in runs],
        }
        for status, runs in groups.items()
    ]
    if knobs.details_shape == "by_status":
        return {group.pop("status"): group for group in shown_groups}
    return shown_groups


def _spelled(status: DayStatus, knobs: Knobs) -> str:
    if status.value in knobs.details_words:
        return knobs.details_words[status.value]
    if knobs.details_spelling == "UPPER_SNAKE":
        return status.name
    if knobs.details_spelling == "UPPER":
        return status.value.upper()
    return status.value.lower() if knobs.details_spelling == "lower" else status.value


def _estimate(job: SimulatedJob, knobs: Knobs) -> str:
    error = 0.0 if job.is_finished else knobs.eta_error_seconds
    moment = job.finishes_at + timedelta(seconds=error)
    # Twilio's times have no zone, and 3, 6 or 9 fraction digits.
    whole, fraction = moment.strftime("%Y-%m-%dT%H:%M:%S"), f"{moment.microsecond:06d}417"
    return f"{whole}.{fraction[: knobs.eta_digits]}" if knobs.eta_digits else whole
