"""Turn an error answer, whatever its body, into the exception that says what to do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests

from airflow_provider_bulkexports.api import fields
from airflow_provider_bulkexports.api.bodies import json_object
from airflow_provider_bulkexports.api.quota import QUOTA_REMEDY, is_quota_refusal
from airflow_provider_bulkexports.api.redact import redact, redact_url
from airflow_provider_bulkexports.api.retry import asked_wait
from airflow_provider_bulkexports.exceptions import (
    BulkExportsAPIError,
    BulkExportsAuthError,
    BulkExportsNotFoundError,
    BulkExportsQuotaError,
    BulkExportsRateLimitError,
    BulkExportsServerError,
)

__all__ = ["error_from"]

_LONGEST_QUOTE = 500

# Tasks, triggers, the Test button and people at a prompt read these: they speak of none of them.
_REMEDIES = {
    401: "Check the connection's login (Account SID or API key SID) and password (Auth Token or the key's secret).",
    403: "The credentials lack the permission: use a Standard or Main API key, or the account's Auth Token.",
    404: "Check what this address names, and the account of the credentials.",
    405: "Is the connection's host Twilio's BulkExports API?",
    429: "Twilio did not process the request: a later try may work; if it stays, let this account do less at a time.",
}
_REFUSED = "Correct what Twilio names and try again."
_TWILIOS_FAULT = "It is usually passing: a later try may work; if it stays, check Twilio's status page."


def error_from(response: requests.Response, *, secrets: tuple[str, ...] = ()) -> BulkExportsAPIError:
    """
    Build the exception for an answer with an error status.

    Understands Twilio's classic body (``code``, ``message``, ``more_info``, ``status``) and RFC 9457 problems
    (``type``, ``title``, ``detail``); any other body, such as a gateway's HTML page, never hides the status.

    :param secrets: Credentials to take out of whatever the server echoes.
    """
    body = json_object(response) or {}
    status = response.status_code
    words = redact(_words(body), *secrets)[:_LONGEST_QUOTE]
    code = fields.integer(body.get("code"))
    request_id = redact(response.headers.get("Twilio-Request-Id", ""), *secrets) or None
    labels = [f"HTTP {status}"]
    if code is not None:
        labels.append(f"Twilio error {code}")
    if request_id:
        labels.append(f"request {request_id}")
    more_info = redact(fields.text(body.get("more_info")) or fields.text(body.get("type")) or "", *secrets) or None
    method = response.request.method or "GET"
    is_submission = method == "POST" and urlsplit(response.url).path.endswith("/Jobs")
    kind = BulkExportsQuotaError if is_submission and is_quota_refusal(status, words) else _class_for(status)
    quoted = words or f"no readable message ({_kind_of(response)})"
    message = (
        f"{method} {redact_url(response.url)}: {quoted} [{', '.join(labels)}]. "
        f"{QUOTA_REMEDY if kind is BulkExportsQuotaError else _remedy(status)}"
        f"{f' More: {more_info}' if more_info else ''}"
    )
    error = kind(
        redact(message, *secrets),
        status=status,
        code=code,
        twilio_message=words or None,
        more_info=more_info,
        request_id=request_id,
        answered_at=_answered_at(response.headers.get("Date")),
    )
    if isinstance(error, BulkExportsRateLimitError):
        error.retry_after = asked_wait(response.headers)
    return error


def _answered_at(header: str | None) -> datetime | None:
    """Read a ``Date`` header; ``None`` if there is none, or it is none."""
    try:
        moment = parsedate_to_datetime(header or "")
        return moment.astimezone(timezone.utc) if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    except (TypeError, ValueError, OverflowError):
        return None


def _class_for(status: int) -> type[BulkExportsAPIError]:
    if status in (401, 403):
        return BulkExportsAuthError
    if status == 404:
        return BulkExportsNotFoundError
    if status == 429:
        return BulkExportsRateLimitError
    return BulkExportsServerError if status >= 500 else BulkExportsAPIError


def _remedy(status: int) -> str:
    return _REMEDIES.get(status, _TWILIOS_FAULT if status >= 500 else _REFUSED)


def _words(body: Mapping[str, Any]) -> str:
    main = fields.text(body.get("message")) or fields.text(body.get("title"))
    detail = fields.text(body.get("detail")) or fields.text(body.get("details"))
    pointed = [
        text
        for error in fields.as_list(body.get("errors"))
        if isinstance(error, Mapping) and (text := fields.text(error.get("detail")))
    ]
    parts = [part for part in (main, detail, *pointed) if part]
    return ": ".join(dict.fromkeys(parts))


def _kind_of(response: requests.Response) -> str:
    if not response.content:
        return "empty body"
    kind = response.headers.get("Content-Type", "").partition(";")[0]
    return f"{kind or 'unlabelled'} body of {len(response.content)} bytes"
