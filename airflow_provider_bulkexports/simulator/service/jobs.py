"""Jobs, and the checks of a submission."""

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
    """A submission that passed every check."""

    resource_type: ResourceType
    start_day: date
    end_day: date
    friendly_name: str
    webhook_url: str | None = None
    webhook_method: str | None = None
    email: str | None = None

    @property
    def day_count(self) -> int:
        """Number of requested days, both ends included."""
        return self.end_day.toordinal() - self.start_day.toordinal() + 1

    def days(self) -> list[date]:
        """Return every requested day, ascending."""
        return [date.fromordinal(self.start_day.toordinal() + offset) for offset in range(self.day_count)]


@dataclass(eq=False, slots=True)
class SimulatedJob:
    """
    A job and the life cycle of its days.

    :param number: Number of jobs created before it.
    :param starts_at: When its first day runs.
    :param open_runs: Number of unfinished days.
    :param is_deleted: Whether it was deleted before it finished.
    :param is_removed: Whether the API no longer knows it.
    :param overrides: Fields to show instead of its own.
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
        """Whether every day is finished."""
        return self.open_runs == 0

    @property
    def finishes_at(self) -> datetime:
        """When its last day finishes."""
        return max(run.ends_at for run in self.runs)

    @property
    def webhook(self) -> tuple[str | None, str | None]:
        """URL and method of its webhook."""
        return self.request.webhook_url, self.request.webhook_method

    def is_kept(self, now: datetime, retention_days: float) -> bool:
        """Whether the API still knows the job."""
        if self.is_removed:
            return False
        return not self.is_finished or now < self.finishes_at + timedelta(days=retention_days)


def read_job_request(resource_type: ResourceType, form: Mapping[str, str], *, today: date, knobs: Knobs) -> JobRequest:
    """
    Check the form of a submission.

    :raises RefusedError: as the knobs say, if a field is missing or invalid.
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
    Check the parts of a webhook that are not ``None``.

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
        # Reading the port checks it.
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return is_web


def _refuse(rejection: Rejection, message: str) -> NoReturn:
    raise RefusedError.from_rejection(rejection, message)
