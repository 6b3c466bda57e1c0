"""
HTML pages of the API's responses, for people who follow a link from Airflow to the simulator.

Twilio's API has no pages; a browser gets 401. Here a request gets a page if it accepts HTML and has no credentials, so
clients of the API never do. Because visitors have no credentials, a page shows days, statuses, sizes and names, but no
webhook, e-mail address or token.
"""

from __future__ import annotations

import json
import re
from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from airflow_provider_bulkexports.simulator.service.accounts import Account
from airflow_provider_bulkexports.simulator.service.exports import ExportService

__all__ = ["as_page", "is_browser", "visited_account"]

#: Fields that visitors may see; any other, also one that a test invented, shows :data:`_WITHHELD`.
_SHOWN = {
    *("jobs", "days", "meta", "details"),
    *("job_sid", "friendly_name", "resource_type", "start_day", "end_day", "url"),
    *("job_queue_position", "estimated_completion_time"),
    *("day", "size", "create_date"),
    *("key", "page", "page_size", "first_page_url", "previous_page_url", "next_page_url"),
    *("code", "message", "more_info"),
}
_WITHHELD = "(hidden without credentials)"

#: Parts to hide in shown texts: e-mail addresses, and URLs of other hosts.
_PRIVATE = re.compile(r"[^\s@\"'<>]+@[^\s@\"'<>]+|[A-Za-z][A-Za-z0-9+.\-]*://\S+")

_PAGE = """<!doctype html>
<html lang="en">
<title>{title}</title>
<body style="font-family: sans-serif; margin: 2em">
<h1>{title}</h1>
<p>Simulated Twilio BulkExports. Simulated time: {moment} UTC. Reload to update.</p>
<pre>{content}</pre>
"""


def is_browser(request: Request) -> bool:
    """Whether a request accepts HTML and has no credentials."""
    wants_page = "text/html" in request.headers.get("accept", "")
    return request.method == "GET" and wants_page and "authorization" not in request.headers


def visited_account(request: Request, service: ExportService) -> Account:
    """Return the account to show: the owner of the job in the path, else the parent."""
    job = service.jobs.get(request.path_params.get("sid", ""))
    owners = (account for account in service.accounts if job is not None and account.sid == job.account_sid)
    return next(owners, service.accounts[0])


def as_page(request: Request, service: ExportService, response: Response) -> HTMLResponse:
    """Render a JSON response as a page."""
    text = json.dumps(_for_visitors(json.loads(bytes(response.body)), own=_origin(request)), indent=2)
    title = escape(request.scope["path"].removeprefix("/v1/Exports/"))
    moment = f"{service.clock.now():%Y-%m-%d %H:%M:%S}"
    return HTMLResponse(_PAGE.format(title=title, moment=moment, content=escape(text)), response.status_code)


def _origin(request: Request) -> str:
    return f"http://{request.headers.get('host', '')}/"


def _for_visitors(value: Any, *, own: str, any_field: bool = False) -> Any:
    """
    Hide what only the account may see.

    :param own: The simulator's origin, whose URLs may be shown.
    :param any_field: Show fields of any name, because ``details`` may be keyed by status.
    """
    if isinstance(value, dict):
        return {
            _without_private(name, own): _for_visitors(part, own=own, any_field=any_field or name == "details")
            if any_field or name in _SHOWN or not part
            else _WITHHELD
            for name, part in value.items()
        }
    if isinstance(value, list):
        return [_for_visitors(part, own=own, any_field=any_field) for part in value]
    return _without_private(value, own) if isinstance(value, str) else value


def _without_private(text: str, own: str) -> str:
    return _PRIVATE.sub(lambda found: found.group() if found.group().startswith(own) else _WITHHELD, text)
