"""A person who follows a link sees a page; a client of the API never does."""

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


def test_a_job_is_shown_to_a_visitor_whichever_account_it_belongs_to(sim: Simulator) -> None:
    for account in sim.state.accounts:
        job = sim.create_job("Messages", "2026-01-01", "2026-01-03", account=account)
        page = visit(sim, f"Jobs/{job.sid}")
        assert (page.status_code, job.sid in page.text) == (200, True)


@pytest.mark.parametrize("path", ["Messages/Jobs", "Messages/Days"])
def test_lists_are_shown_as_well(sim: Simulator, path: str) -> None:
    sim.knobs.queue_seconds = sim.knobs.seconds_per_day_run = 0
    sim.create_job("Messages", "2026-01-01", "2026-01-03", FriendlyName="<script>")

    page = visit(sim, path)

    assert page.status_code == 200
    assert "2026-01-03" in page.text
    assert "<script>" not in page.text


def test_no_page_has_a_link_to_a_file(sim: Simulator) -> None:
    sim.knobs.queue_seconds = sim.knobs.seconds_per_day_run = 0
    sim.create_job("Messages", "2026-01-01", "2026-01-01")

    assert visit(sim, "Messages/Days/2026-01-01", allow_redirects=False).status_code == 401


@pytest.mark.parametrize(
    "arguments",
    [{"headers": {"Accept": "application/json"}}, {"headers": {"Accept": "*/*"}}, {"auth": ("AC", "no")}],
    ids=str,
)
def test_a_client_without_valid_credentials_is_refused(sim: Simulator, arguments: dict[str, Any]) -> None:
    assert visit(sim, "Messages/Jobs", **arguments).status_code == 401


def test_a_client_with_credentials_gets_json_whatever_it_accepts(sim: Simulator) -> None:
    answer = visit(sim, "Messages/Jobs", auth=(sim.account_sid, sim.auth_token))

    assert answer.json()["jobs"] == []


def test_a_visitor_changes_nothing(sim: Simulator) -> None:
    job = sim.create_job("Messages", "2026-01-01", "2026-01-03")

    assert visit(sim, f"Jobs/{job.sid}", method="DELETE").status_code == 401
    assert visit(sim, "Messages/Jobs", method="POST").status_code == 401
