"""Completion notices: what Twilio would call, and a step that delivers them to this machine."""

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
    A webhook call that is due.

    :param fields: Its parameters. Twilio documents none of the names; these are made up.
    :param auth_token: Key of the signature.
    :param due: When it became due.
    """

    url: str
    method: str
    fields: Mapping[str, str]
    auth_token: str
    due: datetime


@dataclass(frozen=True)
class Delivery:
    """
    What became of a notice.

    :param status: Status that the receiver answered; ``None`` if it could not be called.
    :param error: Why not.
    """

    notice: Notice
    status: int | None = None
    error: str | None = None


class Outbox:
    """
    Notices that wait to be delivered.

    :param accounts: Whose tokens sign them.
    """

    def __init__(self, accounts: Sequence[Account]) -> None:
        self._tokens = {account.sid: account.auth_token for account in accounts}
        self._notices: list[Notice] = []

    def announce_day(
        self,
        hook: tuple[str | None, str | None],
        resource_type: ResourceType,
        day: date,
        status: DayStatus,
        due: datetime,
        *,
        job: SimulatedJob | None = None,
        account_sid: str = "",
    ) -> None:
        """Announce that a day is done, of a job or of automatic daily export."""
        fields = {"ResourceType": resource_type.value, "Day": day.isoformat(), "Status": status.value.lower()}
        if job is not None:
            fields |= _job_fields(job)
        self._add(hook, job.account_sid if job else account_sid, fields, due)

    def announce_job(self, job: SimulatedJob, due: datetime) -> None:
        """Announce that a job is done."""
        kind = job.request.resource_type.value
        self._add(job.hook, job.account_sid, {"ResourceType": kind, "Status": "completed", **_job_fields(job)}, due)

    def take(self) -> list[Notice]:
        """Remove and return every notice."""
        taken, self._notices = self._notices, []
        return taken

    def _add(
        self, hook: tuple[str | None, str | None], account_sid: str, fields: dict[str, str], due: datetime
    ) -> None:
        url, method = hook
        if url and method:
            fields = {"AccountSid": account_sid, **fields}
            self._notices.append(Notice(url, method, fields, self._tokens[account_sid], due))


def _job_fields(job: SimulatedJob) -> dict[str, str]:
    return {"JobSid": job.sid, "FriendlyName": job.request.friendly_name}


def signature(url: str, fields: Mapping[str, str], auth_token: str) -> str:
    """
    Value of ``X-Twilio-Signature``: HMAC-SHA1 over URL and sorted form fields (documentation of webhook security).

    :param fields: Fields of a POST body; empty for GET, whose parameters are in the URL.
    """
    text = url + "".join(name + fields[name] for name in sorted(fields))
    return base64.b64encode(hmac.new(auth_token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def deliver(notice: Notice, *, timeout: float = 5.0) -> Delivery:
    """
    Call the receiver once, without following redirects.

    A receiver that is not on this machine, or wants TLS, is not called: a simulator must not send anything abroad.
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
