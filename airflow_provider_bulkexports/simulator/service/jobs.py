"""Export jobs: what a request may ask for, and what the simulator keeps about a job."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NoReturn
from urllib.parse import urlsplit

from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.simulator.errors import RefusedError
from airflow_provider_bulkexports.simulator.knobs import Knobs, Rejection
from airflow_provider_bulkexports.simulator.service.lifecycle import DayRun

__all__ = ["JobRequest", "SimulatedJob", "check_webhook", "parse_iso_day", "read_job_request"]

#: A day can be exported from 00:00 UTC of the second day after it (documentation of ExportCustomJob, ``EndDay``).
EXPORT_DELAY = timedelta(days=2)

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class JobRequest:
    """A create request that passed every check."""

    resource_type: ResourceType
    start_day: date
    end_day: date
    friendly_name: str
    webhook_url: str | None = None
    webhook_method: str | None = None
    email: str | None = None

    @property
    def day_count(self) -> int:
        """Days asked for, both ends included."""
        return self.end_day.toordinal() - self.start_day.toordinal() + 1

    def days(self) -> list[date]:
        """Every day asked for, ascending."""
        return [date.fromordinal(self.start_day.toordinal() + offset) for offset in range(self.day_count)]


@dataclass(eq=False, slots=True)
class SimulatedJob:
    """
    A job and the course of its days.

    :param number: How many jobs were created before.
    :param starts_at: When it leaves the queue.
    :param open_runs: Days that have not reached their end.
    :param is_deleted: A delete request took days out of it.
    :param is_removed: Nothing of it is to be seen any more.
    :param overrides: Fields answered instead of the true ones.
    """

    number: int
    sid: str
    account_sid: str
    request: JobRequest
    created_at: datetime
    starts_at: datetime
    runs: list[DayRun]
    open_runs: int
    is_deleted: bool = False
    is_removed: bool = False
    overrides: dict[str, Any] = field(default_factory=dict)

    @property
    def is_finished(self) -> bool:
        """Whether every day has reached its end."""
        return self.open_runs == 0

    @property
    def finishes_at(self) -> datetime:
        """When the last day reaches its end."""
        return max(run.ends_at for run in self.runs)

    @property
    def hook(self) -> tuple[str | None, str | None]:
        """URL and method of the webhook."""
        return self.request.webhook_url, self.request.webhook_method

    def is_kept(self, now: datetime, retention_days: float) -> bool:
        """Whether Twilio still knows the job."""
        if self.is_removed:
            return False
        return not self.is_finished or now < self.finishes_at + timedelta(days=retention_days)


def read_job_request(resource_type: ResourceType, form: Mapping[str, str], *, today: date, knobs: Knobs) -> JobRequest:
    """
    Check a create request.

    :raises RefusedError: as the knobs say, if Twilio would not accept it.
    """
    for name in ("StartDay", "EndDay", "FriendlyName"):
        if not form.get(name, "").strip():
            _refuse(knobs.missing_parameter, f"Missing required parameter {name} in the post body")
    start_day, end_day = _read_days(form, today=today, knobs=knobs)
    webhook_url, webhook_method = form.get("WebhookUrl") or None, form.get("WebhookMethod") or None
    if (webhook_url is None) != (webhook_method is None):
        _refuse(knobs.half_webhook_pair, "WebhookUrl and WebhookMethod must be given together")
    check_webhook(webhook_url, webhook_method, knobs)
    return JobRequest(
        resource_type=resource_type,
        start_day=start_day,
        end_day=end_day,
        friendly_name=form["FriendlyName"],
        webhook_url=webhook_url,
        webhook_method=webhook_method,
        email=form.get("Email") or None,
    )


def check_webhook(url: str | None, method: str | None, knobs: Knobs) -> None:
    """
    Check what was given of a webhook.

    :raises RefusedError: unless the URL is an absolute http(s) URL and the method ``GET`` or ``POST``.
    """
    if url is not None and not _is_web_url(url):
        _refuse(knobs.invalid_parameter, "WebhookUrl is not a valid URL")
    if method is not None and method not in ("GET", "POST"):
        _refuse(knobs.invalid_parameter, "WebhookMethod must be GET or POST")


def parse_iso_day(text: str) -> date | None:
    """Read ``YYYY-MM-DD``; ``None`` for anything else."""
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def _read_days(form: Mapping[str, str], *, today: date, knobs: Knobs) -> tuple[date, date]:
    days = [parse_iso_day(form[name]) for name in ("StartDay", "EndDay")]
    start_day, end_day = days
    if start_day is None or end_day is None:
        _refuse(knobs.invalid_parameter, "StartDay and EndDay must be days of the form YYYY-MM-DD")
    if start_day > end_day:
        _refuse(knobs.days_out_of_order, "StartDay must not be after EndDay")
    if knobs.check_end_day and end_day > today - EXPORT_DELAY:
        _refuse(knobs.end_day_too_recent, "EndDay must be at least two days before the current UTC day")
    return start_day, end_day


def _is_web_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        # Reading the port is what checks it.
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return is_web


def _refuse(rejection: Rejection, message: str) -> NoReturn:
    raise RefusedError.because(rejection, message)
