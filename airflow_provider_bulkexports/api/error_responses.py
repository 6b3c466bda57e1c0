"""Turn an error response, whatever its body, into the exception that says what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests

from airflow_provider_bulkexports.api.json_body import Body, read_json_object
from airflow_provider_bulkexports.api.quota_refusals import QUOTA_REMEDY, is_quota_refusal
from airflow_provider_bulkexports.api.redact import redact, redact_url
from airflow_provider_bulkexports.api.retry import requested_wait
from airflow_provider_bulkexports.exceptions import (
    BulkExportsAPIError,
    BulkExportsAuthError,
    BulkExportsNotFoundError,
    BulkExportsQuotaError,
    BulkExportsRateLimitError,
    BulkExportsServerError,
    printable,
)
from airflow_provider_bulkexports.model import parsing
from airflow_provider_bulkexports.model.plain import counted

__all__ = ["error_from", "kind_of"]

#: Longest text of Twilio that an error quotes, and longest label: the page of a code, a request id, a content type.
_LONGEST_QUOTE = 500
_LONGEST_LABEL = 200

#: Most details of one problem that are quoted.
_MOST_DETAILS = 10

#: Client errors of a proxy that could not pass the request on, or not in time.
_PROXY_ERRORS = frozenset({408, 421, 425})

# Shown in tasks, triggers, the Test button and at a prompt, so they mention none of these.
_REMEDIES = {
    401: "Check the connection's login (Account SID or API key SID) and password (Auth Token or the key's secret).",
    403: "The credentials lack the permission: use a Standard or Main API key, or the account's Auth Token.",
    404: "Check the sid or day of the request, and the account of the credentials.",
    405: "Check that the connection's host is Twilio's BulkExports API.",
    429: "Twilio did not process the request. Retry later; if it persists, send fewer requests at a time.",
}
_REFUSED = "Fix what Twilio's message names, then try again."
_TWILIOS_FAULT = "This is usually transient. Retry later; if it persists, check Twilio's status page."


def error_from(response: requests.Response, *, hide: Callable[[object], str] = redact) -> BulkExportsAPIError:
    """
    Build the exception for a response with an error status.

    Understands Twilio's classic body (``code``, ``message``, ``more_info``, ``status``) and RFC 9457 problems
    (``type``, ``title``, ``detail``); any other body, such as a gateway's HTML page, never hides the status.

    :param hide: Removes secrets that the server may echo.
    """
    body = read_json_object(response) or Body()
    status = response.status_code
    words = _quoted(_words(body), hide)
    code = parsing.integer_or_none(body.get("code"))
    request_id = _quoted(response.headers.get("Twilio-Request-Id", ""), hide, _LONGEST_LABEL)
    labels = [f"HTTP {status}"]
    if code is not None:
        labels.append(f"Twilio error {code}")
    if request_id:
        labels.append(f"request {request_id}")
    more_info = _quoted(_said(body, "more_info") or _said(body, "type"), hide, _LONGEST_LABEL)
    method = response.request.method or "GET"
    is_submission = method == "POST" and urlsplit(response.url).path.endswith("/Jobs")
    kind = BulkExportsQuotaError if is_submission and is_quota_refusal(status, words) else _class_for(status)
    quoted = words or f"no readable message ({kind_of(response, hide)})"
    error = kind(
        hide(f"Twilio returned HTTP {status}: {quoted}"),
        remedy=QUOTA_REMEDY if kind is BulkExportsQuotaError else _remedy(status),
        details={
            "request": hide(f"{method} {redact_url(response.url)}"),
            "response": ", ".join(labels),
            "more": more_info,
        },
        status=status,
        code=code,
        twilio_message=words or None,
        more_info=more_info or None,
        request_id=request_id or None,
        answered_at=parsing.http_date_or_none(response.headers.get("Date")),
    )
    if isinstance(error, BulkExportsRateLimitError):
        error.retry_after = requested_wait(response.headers)
    return error


def _class_for(status: int) -> type[BulkExportsAPIError]:
    if status in (401, 403):
        return BulkExportsAuthError
    if status == 404:
        return BulkExportsNotFoundError
    if status == 429:
        return BulkExportsRateLimitError
    return BulkExportsServerError if _is_transient(status) else BulkExportsAPIError


def _is_transient(status: int) -> bool:
    return status >= 500 or status in _PROXY_ERRORS


def _remedy(status: int) -> str:
    return _REMEDIES.get(status, _TWILIOS_FAULT if _is_transient(status) else _REFUSED)


def _words(body: Mapping[str, Any]) -> str:
    """Twilio's message, not cut: cutting it before redaction could leave a part of a secret."""
    main = _said(body, "message") or _said(body, "title")
    detail = _said(body, "detail") or _said(body, "details")
    errors = parsing.as_list(body.get("errors"))[:_MOST_DETAILS]
    pointed = [_said(error, "detail") for error in errors if isinstance(error, Mapping)]
    return ": ".join(dict.fromkeys(part for part in (main, detail, *pointed) if part))


def _said(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""


def kind_of(response: requests.Response, hide: Callable[[object], str] = redact) -> str:
    """Describe the body of an unexpected response."""
    if not response.content:
        return "empty body"
    kind = _quoted(response.headers.get("Content-Type", "").partition(";")[0], hide, _LONGEST_LABEL)
    return f"{kind or 'unlabelled'} body of {counted(len(response.content), 'byte')}"


def _quoted(text: str, hide: Callable[[object], str], limit: int = _LONGEST_QUOTE) -> str:
    return printable(hide(text), limit)
