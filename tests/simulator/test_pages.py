"""Browsers without credentials get pages; clients of the API never do."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from airflow_provider_bulkexports.simulator import Simulator

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def visit(sim: Simulator, path: str, **arguments: Any) -> requests.Response:
    headers = BROWSER | arguments.pop("headers", {})
    return requests.request(
        arguments.pop("method", "GET"), f"{sim.base_url}/v1/Exports/{path}", headers=headers, timeout=10, **arguments
    )


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


@pytest.mark.parametrize("path", ["Jobs/{sid}", "Messages/Jobs", "Messages/Jobs?PageSize=1", "Messages/Days"])
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


def test_page_shows_details_by_status_and_next_page(sim: Simulator) -> None:
    job = sim.create_job("Messages", "2026-01-01", "2026-01-03")
    sim.create_job("Messages", "2026-01-04", "2026-01-04")
    sim.state.set_details(job.sid, {"Completed": {"count": 1, "days": ["2026-01-01"]}})

    page = visit(sim, "Messages/Jobs?PageSize=1")

    assert '"Completed"' in page.text.replace("&quot;", '"')
    assert f"{sim.base_url}/v1/Exports/Messages/Jobs?PageSize=1&amp;Page=1" in page.text


def test_account_sees_its_webhook_and_email(sim: Simulator) -> None:
    job = sim.create_job("Messages", "2026-01-01", "2026-01-03", **SECRETS)

    shown = visit(sim, f"Jobs/{job.sid}", auth=sim.auth).json()

    assert (shown["webhook_url"], shown["email"]) == (SECRETS["WebhookUrl"], SECRETS["Email"])


@pytest.mark.parametrize("path", ["Messages/Configuration", "Messages", "Messages/Days/2026-01-01"])
def test_other_resources_have_no_page(sim: Simulator, path: str) -> None:
    assert visit(sim, path, allow_redirects=False).status_code == 401
