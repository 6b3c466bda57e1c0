"""Webhooks of completed days and jobs, and their delivery to receivers on this machine."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlencode, urlsplit

from airflow_provider_bulkexports.model.details import DayStatus
from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.simulator.hosts import is_loopback
from airflow_provider_bulkexports.simulator.service.accounts import Account
from airflow_provider_bulkexports.simulator.service.jobs import SimulatedJob

__all__ = ["Delivery", "Notice", "Outbox", "deliver", "signature"]


@dataclass(frozen=True)
class Notice:
    """
    A webhook to send.

    :param fields: Its parameters. Twilio documents none of their names; these are invented.
    :param auth_token: Key of its signature.
    :param due: When it became due, in simulated time.
    """

    url: str
    method: str
    fields: Mapping[str, str]
    auth_token: str
    due: datetime


@dataclass(frozen=True)
class Delivery:
    """
    The result of sending a webhook.

    :param status: HTTP status of the receiver's response; ``None`` if there was none.
    :param error: Why there was none.
    """

    notice: Notice
    status: int | None = None
    error: str | None = None


class Outbox:
    """
    Webhooks that are not sent yet.

    :param accounts: Accounts whose auth tokens sign them.
    """

    def __init__(self, accounts: Sequence[Account]) -> None:
        self._tokens = {account.sid: account.auth_token for account in accounts}
        self._notices: list[Notice] = []

    def add_day(
        self,
        webhook: tuple[str | None, str | None],
        resource_type: ResourceType,
        day: date,
        status: DayStatus,
        due: datetime,
        *,
        job: SimulatedJob | None = None,
        account_sid: str = "",
    ) -> None:
        """Add the webhook of a finished day, of a job or of automatic daily export."""
        fields = {"ResourceType": resource_type.value, "Day": day.isoformat(), "Status": status.value.lower()}
        if job is not None:
            fields |= _job_fields(job)
        self._add(webhook, job.account_sid if job else account_sid, fields, due)

    def add_job(self, job: SimulatedJob, due: datetime) -> None:
        """Add the webhook of a finished job."""
        kind = job.request.resource_type.value
        self._add(job.webhook, job.account_sid, {"ResourceType": kind, "Status": "completed", **_job_fields(job)}, due)

    def take(self) -> list[Notice]:
        """Remove and return all of them."""
        taken, self._notices = self._notices, []
        return taken

    def _add(
        self, webhook: tuple[str | None, str | None], account_sid: str, fields: dict[str, str], due: datetime
    ) -> None:
        url, method = webhook
        if url and method:
            fields = {"AccountSid": account_sid, **fields}
            self._notices.append(Notice(url, method, fields, self._tokens[account_sid], due))


def _job_fields(job: SimulatedJob) -> dict[str, str]:
    return {"JobSid": job.sid, "FriendlyName": job.request.friendly_name}


def signature(url: str, fields: Mapping[str, str], auth_token: str) -> str:
    """
    Return the ``X-Twilio-Signature``: HMAC-SHA1 over URL and sorted form fields (documentation of webhook security).

    :param fields: Fields of a POST body; empty for GET, whose parameters are in the URL.
    """
    text = url + "".join(name + fields[name] for name in sorted(fields))
    return base64.b64encode(hmac.new(auth_token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def deliver(notice: Notice, *, timeout: float = 5.0) -> Delivery:
    """
    Call the receiver once, without following redirects.

    Only plain ``http`` receivers on this machine are called: a simulator must not send anything elsewhere.
    """
    parts = urlsplit(notice.url)
    if parts.scheme != "http" or not is_loopback(parts.hostname or ""):
        return Delivery(notice, error="not a plain http URL of this machine")
    form = urlencode(notice.fields)
    query = "&".join(filter(None, [parts.query, form if notice.method == "GET" else ""]))
    target = (parts.path or "/") + (f"?{query}" if query else "")
    called = f"{parts.scheme}://{parts.netloc}{target}"
    headers = {"X-Twilio-Signature": signature(called, {}, notice.auth_token)}
    body = None
    if notice.method == "POST":
        body = form
        headers["X-Twilio-Signature"] = signature(called, notice.fields, notice.auth_token)
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=timeout)
    try:
        connection.request(notice.method, target, body=body, headers=headers)
        return Delivery(notice, status=connection.getresponse().status)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Delivery(notice, error=str(error))
    finally:
        connection.close()
