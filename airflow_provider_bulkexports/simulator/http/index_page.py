"""The simulator's first page: time, quota, accounts, jobs and files, and what is scripted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta, timezone

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from airflow_provider_bulkexports.model.plain import counted
from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.simulator.errors import RefusedError
from airflow_provider_bulkexports.simulator.faults import Fault, FaultPlan
from airflow_provider_bulkexports.simulator.http.elements import Html, element, facts, on_one_line, table
from airflow_provider_bulkexports.simulator.http.pages import jobs_table, listed_jobs, respond, shown_time, type_link
from airflow_provider_bulkexports.simulator.http.visits import is_visit, path_in_api
from airflow_provider_bulkexports.simulator.service.accounts import Account
from airflow_provider_bulkexports.simulator.service.exports import ExportService

__all__ = ["index_routes"]

_RENEW_QUOTA = "/renew-quota"

#: Jobs on the page; those of a resource type are on a page of their own.
_MOST_JOBS = 20


def index_routes(service: ExportService, faults: FaultPlan) -> list[Route]:
    """Return the routes of the page and of its button."""

    async def index(request: Request) -> Response:
        if not is_visit(request.method, request.headers):
            raise RefusedError.not_found(path_in_api(request))
        return _index_page(service, faults)

    async def renew_quota(request: Request) -> Response:
        own = f"http://{request.headers.get('host')}"
        # Browsers always send it; without the check, any web page could press the button.
        if request.headers.get("origin", own) != own:
            raise RefusedError(403, None, "The quota can only be renewed from the simulator's own page")
        with service.lock:
            service.quota.renew()
        if "text/html" in request.headers.get("accept", ""):
            return RedirectResponse("/", 303)
        return PlainTextResponse(f"Renewed: {counted(service.knobs.quota_days, 'day')} left today.\n")

    return [Route("/", index), Route("/v1/Exports", index), Route(_RENEW_QUOTA, renew_quota, methods=["POST"])]


def _index_page(service: ExportService, faults: FaultPlan) -> HTMLResponse:
    with service.lock:
        now = service.settle()
        jobs = listed_jobs(service, *ResourceType)
        content = [
            facts(_time_facts(service, now)),
            element("h2", "Quota"),
            *_quota(service, now),
            element("h2", "Exports"),
            table(("Resource type", "Jobs", "Unfinished", "Files"), _types(service), empty=""),
            element("h2", "Jobs"),
            jobs_table(service, jobs, most=_MOST_JOBS),
            element("h2", "Accounts"),
            table(("Account SID", "Kind", "Jobs", "Automatic daily export"), _accounts(service), empty=""),
            element("h2", "Scripted days"),
            table(("Resource type", "Day", "Ends as"), _scripts(service), empty="None."),
            element("h2", "Faults"),
            table(("Requests", "What happens", "How often"), map(_fault, faults), empty="None."),
        ]
    return respond(service, "Overview", *content, refreshes=not all(job.is_finished for job in jobs))


def _time_facts(service: ExportService, now: datetime) -> list[tuple[str, str]]:
    speed = service.clock.speed
    clock = "stands still" if speed == 0 else "runs at real speed" if speed == 1 else f"runs {speed:g} times as fast"
    job_speed = service.knobs.job_speed
    jobs = "run at their usual speed" if job_speed == 1 else f"run at {job_speed:g} times their usual speed"
    return [("Time", shown_time(now)), ("Clock", clock), ("Jobs", jobs)]


def _quota(service: ExportService, now: datetime) -> Iterator[Html]:
    parent = service.accounts[0]
    limit = service.knobs.quota_days
    kinds: tuple[ResourceType | None, ...] = tuple(ResourceType) if service.knobs.quota_per_type else (None,)
    rows = []
    for kind in kinds:
        used = service.quota.used(parent.family_sid, now.date(), kind)
        rows.append((str(kind or "all"), str(limit), str(used), str(max(0, limit - used))))
    yield table(("Resource type", "Days per UTC day", "Used today", "Left"), rows, empty="")
    midnight = datetime.combine(now.date() + timedelta(days=1), time(), timezone.utc)
    yield element(
        "p",
        f"All accounts share it. It renews at {shown_time(midnight)}. Tasks that wait for it wait until then, even if "
        "you renew it now: clear such a task in Airflow to submit at once.",
    )
    yield element("form", element("button", "Renew the quota now"), method="post", action=_RENEW_QUOTA)


def _types(service: ExportService) -> Iterator[tuple[str, ...]]:
    for kind in ResourceType:
        jobs = listed_jobs(service, kind)
        files = sum(len(service.list_files(account, kind)) for account in service.accounts)
        unfinished = sum(not job.is_finished for job in jobs)
        days = element("a", str(files), href=f"/v1/Exports/{kind}/Days")
        yield type_link(kind), str(len(jobs)), str(unfinished), days


def _accounts(service: ExportService) -> Iterator[tuple[str, ...]]:
    jobs = listed_jobs(service, *ResourceType)
    for account in service.accounts:
        own = sum(job.account_sid == account.sid for job in jobs)
        kind = "subaccount" if account.parent_sid else "account"
        yield element("code", account.sid), kind, str(own), _daily_exports(service, account)


def _daily_exports(service: ExportService, account: Account) -> str:
    enabled = [kind.value for kind in ResourceType if service.configuration(account, kind).enabled]
    return ", ".join(enabled) or "off"


def _scripts(service: ExportService) -> Iterator[tuple[str, ...]]:
    for kind, day, words in service.scenarios.scripts():
        yield kind.value, on_one_line(str(day)), words


def _fault(fault: Fault) -> tuple[str, str, str]:
    where = "any server" if fault.origin is None else fault.origin
    effects = [
        f"HTTP {fault.status}" if fault.status is not None else "",
        "processed first" if fault.processed else "",
        f"{fault.delay:g} s late" if fault.delay else "",
        "connection closed" if fault.drop or (fault.processed and fault.status is None) else "",
        f"connection closed after {counted(fault.drop_at, 'byte')}" if fault.drop_at is not None else "",
        "headers replaced" if fault.headers else "",
    ]
    often = "always" if fault.times is None else f"{fault.hits} of {fault.times}"
    return (
        element("code", f"{fault.method or 'any method'} {fault.path} ({where})"),
        ", ".join(filter(None, effects)) or "nothing",
        often + (f", after {fault.after} that succeed" if fault.after else ""),
    )
