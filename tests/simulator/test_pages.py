"""Browsers without credentials get pages; clients of the API never do."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import requests

from airflow_provider_bulkexports.model.details import DayStatus
from airflow_provider_bulkexports.simulator import Fault, Knobs, Simulator
from airflow_provider_bulkexports.simulator.http.elements import document

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def visit(sim: Simulator, path: str, **arguments: Any) -> requests.Response:
    headers = BROWSER | arguments.pop("headers", {})
    return requests.request(
        arguments.pop("method", "GET"),
        f"{sim.base_url}/v1/Exports/{path}".removesuffix("/"),
        headers=headers,
        timeout=10,
        **arguments,
    )


def rows_of(page: str) -> list[list[str]]:
    """The texts of each row of each table."""
    rows = re.findall(r"<tr>(.*?)</tr>", page)
    return [[re.sub(r"<[^>]*>", "", cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)] for row in rows]


def test_page_shows_jobs_of_every_account(sim: Simulator) -> None:
    for account in sim.state.service.accounts:
        job = sim.create_job("Messages", "2026-01-01", "2026-01-03", account=account)
        page = visit(sim, f"Jobs/{job.sid}")
        assert (page.status_code, job.sid in page.text) == (200, True)


@pytest.mark.parametrize("path", ["Messages/Jobs", "Messages/Days"])
def test_page_shows_lists_and_escapes_html(sim: Simulator, path: str) -> None:
    sim.knobs.queue_seconds = sim.knobs.seconds_per_day_run = 0
    sim.create_job("Messages", "2026-01-01", "2026-01-03", FriendlyName="<script>")

    page = visit(sim, path)

    assert page.status_code == 200
    assert "2026-01-03" in page.text
    assert "<script>" not in page.text


def test_browser_gets_no_link_to_a_file(sim: Simulator) -> None:
    sim.knobs.queue_seconds = sim.knobs.seconds_per_day_run = 0
    sim.create_job("Messages", "2026-01-01", "2026-01-01")

    assert visit(sim, "Messages/Days/2026-01-01", allow_redirects=False).status_code == 401


@pytest.mark.parametrize(
    "arguments",
    [{"headers": {"Accept": "application/json"}}, {"headers": {"Accept": "*/*"}}, {"auth": ("AC", "no")}],
    ids=str,
)
def test_client_without_valid_credentials_gets_401(sim: Simulator, arguments: dict[str, Any]) -> None:
    assert visit(sim, "Messages/Jobs", **arguments).status_code == 401


def test_browser_with_credentials_gets_json(sim: Simulator) -> None:
    response = visit(sim, "Messages/Jobs", auth=(sim.account_sid, sim.auth_token))

    assert response.json()["jobs"] == []


def test_browser_without_credentials_changes_nothing(sim: Simulator) -> None:
    job = sim.create_job("Messages", "2026-01-01", "2026-01-03")

    assert visit(sim, f"Jobs/{job.sid}", method="DELETE").status_code == 401
    assert visit(sim, "Messages/Jobs", method="POST").status_code == 401


SECRETS = {
    "WebhookUrl": "https://hooks.example.com/in?token=s3cr3t",
    "WebhookMethod": "POST",
    "Email": "owner@example.com",
}


@pytest.mark.parametrize("path", ["", "Jobs/{sid}", "Messages", "Messages/Jobs", "Messages/Days"])
def test_page_hides_webhooks_addresses_and_tokens(sim: Simulator, path: str) -> None:
    sim.knobs.queue_seconds = sim.knobs.seconds_per_day_run = 0
    job = sim.create_job("Messages", "2026-01-01", "2026-01-03", FriendlyName="monthly for boss@example.com", **SECRETS)
    sim.state.set_fields(
        job.sid,
        auth_token="0123456789abcdef",
        details=[{"status": "Completed", "count": 1, "days": ["2026-01-01"], "note": "see https://hooks.example.com/"}],
    )

    page = visit(sim, path.format(sid=job.sid))

    assert page.status_code == 200
    assert "2026-01-01" in page.text
    for secret in ("hooks.example.com", "s3cr3t", "@example.com", "0123456789abcdef", sim.auth_token):
        assert secret not in page.text
    assert "monthly for" in page.text


def test_page_shows_fields_that_a_test_has_set(sim: Simulator) -> None:
    job = sim.create_job("Messages", "2026-01-01", "2026-01-03")
    sim.state.set_details(job.sid, {"Completed": {"count": 1, "days": ["2026-01-01"]}})

    page = visit(sim, f"Jobs/{job.sid}")

    assert '{"Completed": {"count": 1, "days": ["2026-01-01"]}}' in page.text.replace("&quot;", '"')


STATUSES = {
    "Submitted": "S",
    "Running": "R",
    "ErrorDuringRun": "!",
    "Completed": "C",
    "CompletedEmptyRecords": "E",
    "Failed": "F",
    "RunningToBeDeleted": "T",
    "DeletedByUserRequest": "D",
}


@pytest.mark.parametrize("status", STATUSES)
def test_calendar_shows_each_status_by_class_letter_and_words(sim: Simulator, status: str) -> None:
    sim.knobs = Knobs(queue_seconds=60, seconds_per_day_run=60, parallel_days=1, stop_seconds=1)
    if status in ("ErrorDuringRun", "Failed"):
        sim.state.fail_day("Messages", "2026-02-01")
    if status == "CompletedEmptyRecords":
        sim.state.empty_day("Messages", "2026-02-01")
    job = sim.create_job("Messages", "2026-02-01", "2026-02-01")
    (run,) = job.runs
    if status in ("RunningToBeDeleted", "DeletedByUserRequest"):
        sim.clock.advance_to(run.steps[-1][0] + timedelta(seconds=1))
        sim.state.delete_job(sim.account, job.sid)
    begins_at = {DayStatus(status): at for at, status in ((at, step.value) for at, step in run.steps)}
    sim.clock.advance_to(begins_at.get(DayStatus(status), run.ends_at))

    page = visit(sim, f"Jobs/{job.sid}").text

    cell = rf'<td class="day {status}" title="2026-02-01: {status}[^"]*">1<b>{STATUSES[status]}</b></td>'
    assert len(re.findall(cell, page)) == 1
    assert page.count('<td class="day">') == 27
    assert f"<td>1 {status}</td>" in page
    assert f"<td>{status}</td>" in page
    assert ('http-equiv="refresh"' in page) is not job.is_finished


def test_letters_and_colours_are_of_one_status_each() -> None:
    assert len(set(STATUSES.values())) == len(STATUSES)
    style = document("x", note="x")
    colours = [re.findall(rf"\.{status} {{ background: (#\w+)", style) for status in STATUSES]
    assert len({colour for (colour,) in colours}) == len(STATUSES)


def test_calendar_has_every_day_of_the_longest_job(sim: Simulator) -> None:
    job = sim.create_job("Calls", "2025-01-01", "2025-12-31")

    page = visit(sim, f"Jobs/{job.sid}").text

    assert [f"2025-{month:02d}" for month in range(1, 13)] == re.findall(r"<caption>(.*?)</caption>", page)
    assert len(re.findall(r'title="2025-\d\d-\d\d: Submitted', page)) == 365


def test_job_page_shows_times_records_and_place_in_the_queue(sim: Simulator) -> None:
    sim.state.set_record_count("Calls", "2026-01-02", 7)
    sim.create_job("Calls", "2026-01-01", "2026-01-01")
    job = sim.create_job("Calls", "2026-01-01", "2026-01-02", FriendlyName="two <b>days</b>")

    waiting = rows_of(visit(sim, f"Jobs/{job.sid}").text)
    sim.finish_jobs()
    done = rows_of(visit(sim, f"Jobs/{job.sid}").text)

    assert ["FriendlyName", "two &lt;b&gt;days&lt;/b&gt;"] in waiting
    assert ["Position in queue", "2"] in waiting
    assert ["Expected", f"{job.finishes_at:%Y-%m-%d %H:%M:%S} UTC"] in waiting
    assert ["Finished", f"{job.finishes_at:%Y-%m-%d %H:%M:%S} UTC"] in done
    assert ["2026-01-02", "Completed", f"{job.runs[1].ends_at:%Y-%m-%d %H:%M:%S} UTC", "7"] in done


@pytest.mark.parametrize("path", ["Jobs/JS00000000000000000000000000000000", "messages/Jobs", "Nonsense/Days"])
def test_unknown_job_or_type_gets_a_page_with_404(sim: Simulator, path: str) -> None:
    page = visit(sim, path)

    assert page.status_code == 404
    assert "<h1>" in page.text
    assert '<a href="/">' in page.text


def test_lists_show_every_account(sim: Simulator) -> None:
    accounts = sim.state.service.accounts
    jobs = [sim.create_job("Calls", "2026-01-01", "2026-01-01", account=account) for account in accounts]
    sim.finish_jobs()

    for path in ("Calls", "Calls/Jobs", "Calls/Days"):
        page = visit(sim, path).text
        for job in jobs:
            assert f'href="/v1/Exports/Jobs/{job.sid}"' in page
            assert job.account_sid in page


def test_visits_use_up_no_faults(sim: Simulator, api: requests.Session) -> None:
    sim.faults.add(Fault(status=503))

    assert visit(sim, "Messages/Jobs").status_code == 200
    assert api.get("/Messages/Jobs").status_code == 503


def test_page_loads_nothing_and_runs_nothing(sim: Simulator) -> None:
    job = sim.create_job("Messages", "2026-01-01", "2026-01-03")
    for path in ("", "Messages/Jobs", "Messages/Days", f"Jobs/{job.sid}", "Jobs/JS0"):
        page = visit(sim, path)
        assert page.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'unsafe-inline';")
        assert not re.search(r"<script|<link|<img|src=|url\(|@import|\son\w+=", page.text)


def test_account_sees_its_webhook_and_email(sim: Simulator) -> None:
    job = sim.create_job("Messages", "2026-01-01", "2026-01-03", **SECRETS)

    shown = visit(sim, f"Jobs/{job.sid}", auth=sim.auth).json()

    assert (shown["webhook_url"], shown["email"]) == (SECRETS["WebhookUrl"], SECRETS["Email"])


@pytest.mark.parametrize("path", ["Messages/Configuration", "Messages/Days/2026-01-01"])
def test_other_resources_have_no_page(sim: Simulator, path: str) -> None:
    assert visit(sim, path, allow_redirects=False).status_code == 401
