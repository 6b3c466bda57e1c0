"""
Show the API's answers to a person: whoever follows a link from Airflow to the simulator has no credentials at hand.

Twilio's API has no such pages; it answers a browser with 401. Only a request that asks for a web page and brings no
credentials gets one, so no client of the API is treated differently.
"""

from __future__ import annotations

import json
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from airflow_provider_bulkexports.simulator.accounts import Account
from airflow_provider_bulkexports.simulator.state import SimulatorState

__all__ = ["as_page", "is_visit", "visited_account"]

_PAGE = """<!doctype html>
<html lang="en">
<title>{title}</title>
<body style="font-family: sans-serif; margin: 2em">
<h1>{title}</h1>
<p>A simulator of Twilio BulkExports, {moment} UTC by its clock. Reload to see what is new.</p>
<pre>{answer}</pre>
"""


def is_visit(request: Request) -> bool:
    """Whether a person looks, with a browser."""
    wants_page = "text/html" in request.headers.get("accept", "")
    return request.method == "GET" and wants_page and "authorization" not in request.headers


def visited_account(request: Request, state: SimulatorState) -> Account:
    """Account that a visitor looks at: the one that the job belongs to, else the parent."""
    job = state.jobs.get(request.path_params.get("sid", ""))
    owners = (account for account in state.accounts if job is not None and account.sid == job.account_sid)
    return next(owners, state.accounts[0])


def as_page(request: Request, state: SimulatorState, answer: Response) -> HTMLResponse:
    """Put an answer on a page."""
    text = json.dumps(json.loads(bytes(answer.body)), indent=2)
    title = escape(request.scope["path"].removeprefix("/v1/Exports/"))
    moment = f"{state.clock.now():%Y-%m-%d %H:%M:%S}"
    return HTMLResponse(_PAGE.format(title=title, moment=moment, answer=escape(text)), answer.status_code)
