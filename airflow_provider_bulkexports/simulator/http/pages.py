"""
Pages for people: what the simulator does, its jobs and its files. Airflow's link to an export leads to one of them.

Twilio's API has no pages; a browser gets 401. Here a request gets a page if ``visits.py`` says so; clients of the API
never do. Because visitors have no credentials, a page shows days, statuses and names, but no
webhook, e-mail address or token.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from airflow_provider_bulkexports.model.details import DayStatus
from airflow_provider_bulkexports.model.plain import counted
from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.simulator.errors import RefusedError
from airflow_provider_bulkexports.simulator.http.day_calendar import day_calendar
from airflow_provider_bulkexports.simulator.http.elements import Html, document, element, facts, on_one_line, table
from airflow_provider_bulkexports.simulator.http.privacy import for_visitors
from airflow_provider_bulkexports.simulator.http.visits import resource_type_in
from airflow_provider_bulkexports.simulator.service.day_files import DayFile
from airflow_provider_bulkexports.simulator.service.exports import ExportService
from airflow_provider_bulkexports.simulator.service.jobs import SimulatedJob

__all__ = ["Page", "files_page", "job_page", "jobs_page", "jobs_table", "listed_jobs", "respond", "show"]

#: Makes the response to a visit.
Page = Callable[[ExportService, Request], Response]

#: Rows of a table; older ones are not shown.
MOST_ROWS = 366

#: Seconds between two loads of a page that changes.
_REFRESH = 5


def show(page: Page, service: ExportService, request: Request) -> Response:
    """Return the page, or one that says why there is nothing to show."""
    try:
        return page(service, request)
    except RefusedError as error:
        return _refusal_page(service, error)


def respond(
    service: ExportService, title: str, *content: str, status: int = 200, refreshes: bool = False
) -> HTMLResponse:
    """
    Make the response with a page.

    :param refreshes: Whether the browser loads it again by itself.
    """
    again = f" This page reloads every {_REFRESH} s." if refreshes else " Reload to update."
    note = f"Simulated time: {shown_time(service.clock.now())}.{again}"
    page = document(title, *content, note=note, refresh=_REFRESH if refreshes else None)
    policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'"
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store", "Referrer-Policy": "same-origin"}
    return HTMLResponse(page, status, headers)


def job_page(service: ExportService, request: Request) -> Response:
    """
    Show a job of any account: its fields, a calendar of its days, and a table of them.

    :raises RefusedError: 404 if it is unknown or gone.
    """
    with service.lock:
        now = service.settle()
        job = _kept_job(service, request.path_params["sid"], now)
        statuses = {run.day: run.status_at(now) for run in job.runs}
        content = [
            facts(_job_facts(service, job, statuses.values())),
            element("h2", "Calendar"),
            day_calendar(statuses),
            *_set_fields(job),
            element("h2", "Days"),
            _days_table(service, job, statuses),
        ]
    wanted = job.request
    title = f"{wanted.resource_type}, {wanted.start_day} to {wanted.end_day}"
    return respond(service, title, *content, refreshes=not job.is_finished)


def jobs_page(service: ExportService, request: Request) -> Response:
    """Show the jobs of a resource type, of every account."""
    resource_type = resource_type_in(request)
    with service.lock:
        jobs = listed_jobs(service, resource_type)
    files = element("p", element("a", f"Files of {resource_type}", href=f"/v1/Exports/{resource_type}/Days"))
    refreshes = not all(job.is_finished for job in jobs)
    return respond(service, f"{resource_type}: jobs", files, jobs_table(service, jobs), refreshes=refreshes)


def files_page(service: ExportService, request: Request) -> Response:
    """Show the files of a resource type, of every account."""
    resource_type = resource_type_in(request)
    with service.lock:
        files = [file for account in service.accounts for file in service.list_files(account, resource_type)]
    files.sort(key=lambda file: (file.day, file.number))
    statuses = {file.day: DayStatus.COMPLETED_EMPTY_RECORDS if file.is_empty else DayStatus.COMPLETED for file in files}
    rows = [
        (
            on_one_line(str(file.day)),
            str(file.records),
            on_one_line(shown_time(file.created_at)),
            _maker(file),
            element("code", file.account_sid),
        )
        for file in files[: -MOST_ROWS - 1 : -1]
    ]
    return respond(
        service,
        f"{resource_type}: files",
        element("p", element("a", f"Jobs of {resource_type}", href=f"/v1/Exports/{resource_type}/Jobs")),
        day_calendar(statuses),
        element("h2", counted(len(files), "file")),
        _cut(len(files), MOST_ROWS),
        table(("Day", "Records", "Created", "Made by", "Account"), rows, empty="No files yet."),
    )


def _refusal_page(service: ExportService, error: RefusedError) -> Response:
    return respond(
        service,
        error.message,
        element("p", "The simulator keeps jobs and files only while it runs, and for seven days after they are done."),
        element("p", element("a", "Everything that it has now", href="/")),
        status=error.status,
    )


def listed_jobs(service: ExportService, *kinds: ResourceType) -> list[SimulatedJob]:
    """Return the jobs of every account that Twilio would list, newest first."""
    with service.lock:
        now = service.settle()
        retention = service.knobs.job_retention_days
        jobs = [job for job in service.jobs.values() if job.request.resource_type in kinds]
        return [job for job in reversed(jobs) if job.is_kept(now, retention)]


def jobs_table(service: ExportService, jobs: Sequence[SimulatedJob], *, most: int = MOST_ROWS) -> Html:
    """Make a table of jobs, the first ``most`` of them."""
    with service.lock:
        now = service.settle()
        rows = [
            (
                element("a", for_visitors(job.request.friendly_name), href=f"/v1/Exports/Jobs/{job.sid}"),
                str(job.request.resource_type),
                on_one_line(f"{job.request.start_day} to {job.request.end_day}"),
                _summary(run.status_at(now) for run in job.runs),
                on_one_line(shown_time(job.created_at)),
                element("code", job.account_sid),
            )
            for job in jobs[:most]
        ]
    head = ("Job", "Resource type", "Days", "Status", "Submitted", "Account")
    return Html(_cut(len(jobs), most) + table(head, rows, empty="No jobs yet."))


def type_link(resource_type: ResourceType) -> Html:
    """Link to the jobs of a resource type."""
    return element("a", resource_type.value, href=f"/v1/Exports/{resource_type}/Jobs")


def shown_time(moment: datetime) -> str:
    """Return a time in UTC, to the second."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _kept_job(service: ExportService, sid: str, now: datetime) -> SimulatedJob:
    job = service.jobs.get(sid)
    if job is None or not job.is_kept(now, service.knobs.job_retention_days):
        raise RefusedError(404, None, "This job is not known")
    return job


def _job_facts(service: ExportService, job: SimulatedJob, statuses: Iterable[DayStatus]) -> list[tuple[str, str]]:
    wanted = job.request
    position = service.queue_position(job)
    return [
        ("Job", element("code", job.sid)),
        ("FriendlyName", for_visitors(wanted.friendly_name)),
        ("Resource type", type_link(wanted.resource_type)),
        ("Days", counted(wanted.day_count, "day")),
        ("Status", _summary(statuses)),
        ("Account", element("code", job.account_sid)),
        ("Submitted", shown_time(job.created_at)),
        ("Finished" if job.is_finished else "Expected", shown_time(job.finishes_at)),
        ("Position in queue", str(position) if position else "not in the queue"),
    ]


def _set_fields(job: SimulatedJob) -> list[Html]:
    if not job.overrides:
        return []
    fields = [(name, for_visitors({name: value})) for name, value in job.overrides.items()]
    return [element("h2", "Fields that a test has set"), facts(fields)]


def _days_table(service: ExportService, job: SimulatedJob, statuses: Mapping[date, DayStatus]) -> Html:
    records = {file.day: str(file.records) for file in service.files if file.job is job}
    rows = [
        (
            on_one_line(str(run.day)),
            statuses[run.day].value,
            on_one_line(shown_time(run.ends_at)),
            records.get(run.day, ""),
        )
        for run in job.runs
    ]
    done_or_expected = "Done" if job.is_finished else "Done or expected"
    return table(("Day", "Status", done_or_expected, "Records"), rows, empty="No days.")


def _summary(statuses: Iterable[DayStatus]) -> str:
    counts = Counter(statuses)
    return ", ".join(f"{counts[status]} {status.value}" for status in DayStatus if status in counts)


def _maker(file: DayFile) -> str:
    if file.job is None:
        return "automatic daily export"
    return element("a", for_visitors(file.job.request.friendly_name), href=f"/v1/Exports/Jobs/{file.job.sid}")


def _cut(rows: int, most: int) -> Html:
    if rows <= most:
        return Html("")
    return element("p", f"The newest {most} of {rows} are shown.", class_="quiet")
