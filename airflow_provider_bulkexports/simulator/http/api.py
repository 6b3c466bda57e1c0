"""The API origin: the operations of Twilio's OpenAPI document over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.simulator.errors import RefusedError, error_body
from airflow_provider_bulkexports.simulator.faults import FaultPlan
from airflow_provider_bulkexports.simulator.http.index_page import index_routes
from airflow_provider_bulkexports.simulator.http.middleware import drop_connection, parse_form
from airflow_provider_bulkexports.simulator.http.pages import Page, files_page, job_page, jobs_page, show
from airflow_provider_bulkexports.simulator.http.paging import cut_page
from airflow_provider_bulkexports.simulator.http.representations import day_json, job_json
from airflow_provider_bulkexports.simulator.http.visits import is_visit, path_in_api, resource_type_in
from airflow_provider_bulkexports.simulator.service.accounts import Account, authenticate
from airflow_provider_bulkexports.simulator.service.day_files import DayFile
from airflow_provider_bulkexports.simulator.service.exports import Configuration, ExportService
from airflow_provider_bulkexports.simulator.service.jobs import (
    SimulatedJob,
    check_webhook,
    parse_iso_day,
    read_job_request,
)

__all__ = ["make_api"]

#: Greatest ``PageSize`` of the two lists (OpenAPI document).
MAX_JOBS_PER_PAGE, MAX_DAYS_PER_PAGE = 1000, 400

_Listed = TypeVar("_Listed", SimulatedJob, DayFile)
_Operation = Callable[["_Call"], Response]


def make_api(service: ExportService, faults: FaultPlan, base_url: Callable[[], str]) -> Starlette:
    """
    Make the ASGI application of the API, and of the pages that browsers get.

    :param faults: Shown on the first page.
    :param base_url: Returns the origin to use in URLs if a request has no ``Host``.
    """

    def resource(path: str, page: Page | None = None, **operations: _Operation) -> Route:
        async def endpoint(request: Request) -> Response:
            operation = operations["GET" if request.method == "HEAD" else request.method]
            if page is not None and is_visit(request.method, request.headers):
                return show(page, service, request)
            account = authenticate(request.headers.get("authorization"), service.accounts, service.knobs)
            form = parse_form(request.headers.get("content-type", ""), await request.body())
            return operation(_Call(service, request, account, form, base_url()))

        return Route(f"/v1/Exports{path}", endpoint, methods=list(operations))

    app = Starlette(
        routes=[
            *index_routes(service, faults),
            resource("/Jobs/{sid}", job_page, GET=fetch_job, DELETE=delete_job),
            resource("/{resource_type}", jobs_page, GET=fetch_export),
            resource("/{resource_type}/Jobs", jobs_page, GET=list_jobs, POST=create_job),
            resource("/{resource_type}/Days", files_page, GET=list_days),
            resource("/{resource_type}/Days/{day}", GET=fetch_day),
            resource("/{resource_type}/Configuration", GET=fetch_configuration, POST=update_configuration),
        ],
        exception_handlers={RefusedError: _refused, HTTPException: _not_routed},
    )
    app.router.redirect_slashes = False
    return app


class _Call:
    """One authenticated request."""

    def __init__(
        self, service: ExportService, request: Request, account: Account, form: dict[str, str], base_url: str
    ) -> None:
        self.service = service
        self.knobs = service.knobs
        self.request = request
        self.account = account
        self.form = form
        host = request.headers.get("host")  # admission.py has checked it
        self.origin = f"http://{host}" if host else base_url
        self.path = path_in_api(request)

    @property
    def resource_type(self) -> ResourceType:
        """The type in the path."""
        return resource_type_in(self.request)

    def url(self, path: str) -> str:
        """Return the absolute URL of a resource of this API."""
        return f"{self.origin}/v1/Exports{path}"

    def page(
        self, key: str, items: list[_Listed], maximum: int, *, descending: bool = False
    ) -> tuple[Sequence[_Listed], dict[str, Any]]:
        """Return the requested page of ``items``, and its ``meta``."""
        return cut_page(
            items,
            number=lambda item: -item.number if descending else item.number,
            key=key,
            url=self.url(f"/{self.resource_type.value}/{key.capitalize()}"),
            query=dict(self.request.query_params),
            maximum=maximum,
            knobs=self.knobs,
        )

    def job(self, job: SimulatedJob, *, is_create: bool = False) -> dict[str, Any]:
        """Return the JSON of a job."""
        with self.service.lock:
            position = self.service.queue_position(job)
            return job_json(job, now=self.service.clock.now(), position=position, knobs=self.knobs, is_create=is_create)


def create_job(call: _Call) -> Response:
    """``CreateExportCustomJob``."""
    today = call.service.clock.now().date()
    request = read_job_request(call.resource_type, call.form, today=today, knobs=call.knobs)
    job = call.service.create_job(call.account, request)
    if call.knobs.drop_create_answer:
        drop_connection(call.request.scope)
    return JSONResponse(call.job(job, is_create=True), 201)


def list_jobs(call: _Call) -> Response:
    """``ListExportCustomJob``."""
    with call.service.lock:
        jobs = call.service.list_jobs(call.account, call.resource_type)
        page, meta = call.page("jobs", jobs, MAX_JOBS_PER_PAGE, descending=call.knobs.newest_job_first)
        return JSONResponse({"meta": meta, "jobs": [call.job(job) for job in page]})


def fetch_job(call: _Call) -> Response:
    """``FetchJob``."""
    job = call.service.find_job(call.account, call.request.path_params["sid"])
    return JSONResponse({"url": call.url(f"/Jobs/{job.sid}"), **call.job(job)})


def delete_job(call: _Call) -> Response:
    """``DeleteJob``."""
    call.service.delete_job(call.account, call.request.path_params["sid"])
    return Response(status_code=204)


def list_days(call: _Call) -> Response:
    """``ListDay``."""
    files = call.service.list_files(call.account, call.resource_type)
    if call.knobs.hide_empty_days:
        files = [file for file in files if not file.is_empty]
    page, meta = call.page("days", files, MAX_DAYS_PER_PAGE)
    return JSONResponse({"days": [day_json(file, call.knobs) for file in page], "meta": meta})


def fetch_day(call: _Call) -> Response:
    """``FetchDay``: the link to a file, as redirect and in the body."""
    day = parse_iso_day(call.request.path_params["day"])
    if day is None:
        raise RefusedError.not_found(call.path)
    link = call.service.fetch_day(call.account, call.resource_type, day)
    headers = {"Location": link} if call.knobs.day_fetch_location else {}
    status = call.knobs.day_fetch_status
    if call.knobs.day_fetch_body == "absent":
        return Response(status_code=status, headers=headers)
    body = {"redirect_to": link if call.knobs.day_fetch_body == "link" else None}
    return JSONResponse(body, status, headers)


def fetch_export(call: _Call) -> Response:
    """``FetchExport``."""
    kind = call.resource_type.value
    links = {
        "days": call.url(f"/{kind}/Days"),
        "export_custom_jobs": call.url(f"/{kind}/Jobs"),
        "jobs": call.url("/Jobs"),
    }
    return JSONResponse({"resource_type": kind, "url": call.url(f"/{kind}"), "links": links})


def fetch_configuration(call: _Call) -> Response:
    """``FetchExportConfiguration``."""
    return _configuration(call, call.service.configuration(call.account, call.resource_type))


def update_configuration(call: _Call) -> Response:
    """``UpdateExportConfiguration``: changes only the settings in the form."""
    enabled = call.form.get("Enabled")
    if enabled is not None and enabled.lower() not in ("true", "false"):
        raise RefusedError.from_rejection(call.knobs.invalid_parameter, "Enabled must be true or false")
    check_webhook(call.form.get("WebhookUrl") or None, call.form.get("WebhookMethod") or None, call.knobs)
    if call.knobs.daily_export_refused is not None and enabled is not None:
        raise RefusedError.from_rejection(
            call.knobs.daily_export_refused, "Automatic daily export needs Twilio Editions"
        )
    settings = call.service.configuration(call.account, call.resource_type)
    if "WebhookUrl" in call.form:
        settings.webhook_url = call.form["WebhookUrl"] or None
    if "WebhookMethod" in call.form:
        settings.webhook_method = call.form["WebhookMethod"] or None
    if enabled is not None:
        call.service.switch(call.account, call.resource_type, enabled.lower() == "true")
    return _configuration(call, settings)


def _configuration(call: _Call, settings: Configuration) -> Response:
    unset = None if call.knobs.configuration_null else ""
    settings_json = {
        "url": call.url(f"/{call.resource_type.value}/Configuration"),
        "enabled": settings.enabled,
        "webhook_url": settings.webhook_url or unset,
        "webhook_method": settings.webhook_method or unset,
        "resource_type": call.resource_type.value,
    }
    return JSONResponse(settings_json)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    headers = {"WWW-Authenticate": 'Basic realm="Twilio API"'} if error.status == 401 else None
    body = error_body(error.status, error.code, error.message, error.detail)
    return Response(body, error.status, headers, media_type="application/json")


async def _not_routed(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        not_found = RefusedError.not_found(path_in_api(request))
        body = error_body(not_found.status, not_found.code, not_found.message)
    else:
        body = error_body(error.status_code, None, error.detail)
    return Response(body, error.status_code, error.headers, media_type="application/json")
