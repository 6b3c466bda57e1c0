"""The simulator's first page, and its button that renews the quota."""

from __future__ import annotations

import re

import pytest
import requests
from support.constants import NOON

from airflow_provider_bulkexports.simulator import Fault, Simulator

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def overview(sim: Simulator, path: str = "/") -> str:
    page = requests.get(f"{sim.base_url}{path}", headers=BROWSER, timeout=10)
    assert page.status_code == 200
    return page.text


def rows_below(page: str, heading: str) -> list[list[str]]:
    """The texts of each row of the table below a heading, without the head."""
    part = page.partition(f"<h2>{heading}</h2>")[2].partition("<h2>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", part)
    return [[re.sub(r"<[^>]*>", "", cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)] for row in rows][1:]


def test_overview_of_a_new_simulator(sim: Simulator) -> None:
    page = overview(sim)

    assert f"{NOON:%Y-%m-%d %H:%M:%S} UTC" in page
    assert rows_below(page, "Quota") == [["all", "366", "0", "366"]]
    assert "It renews at 2026-11-25 00:00:00 UTC." in page
    assert rows_below(page, "Exports") == [[kind, "0", "0", "0"] for kind in TYPES]
    assert rows_below(page, "Accounts") == [
        [sim.account_sid, "account", "0", "off"],
        [sim.subaccounts[0].sid, "subaccount", "0", "off"],
    ]
    for heading in ("Scripted days", "Faults"):
        assert re.search(rf"<h2>{heading}</h2>\n<p class=\"quiet\">None.</p>", page)
    assert 'http-equiv="refresh"' not in page


TYPES = ["Messages", "Calls", "Conferences", "Participants"]


def test_overview_shows_jobs_files_quota_scripts_and_faults(sim: Simulator) -> None:
    sim.state.set_enabled("Calls")
    sim.create_job("Messages", "2026-01-01", "2026-01-03", FriendlyName="done")
    sim.finish_jobs()
    job = sim.create_job("Messages", "2026-01-01", "2026-01-02", account=sim.subaccounts[0], FriendlyName="<waiting>")
    sim.state.fail_day("Messages", "2026-02-01")
    sim.state.fail_day("Messages", "2026-02-02", times=1)
    sim.state.empty_day("Calls", "2026-01-01")
    sim.state.error_day("Calls", "2026-01-01", attempts=2)
    sim.state.set_record_count("Messages", "2026-01-01", 3)
    sim.faults.add(
        Fault(status=503, method="POST", path="/v1/Exports/<x>.*", times=2, after=1),
        Fault(drop=True, origin="storage", times=None),
        Fault(processed=True, delay=1.5),
    )

    page = overview(sim)

    assert rows_below(page, "Quota") == [["all", "366", "5", "361"]]
    assert rows_below(page, "Exports")[0] == ["Messages", "2", "1", "3"]
    assert [row[2:] for row in rows_below(page, "Accounts")] == [["1", "Calls"], ["1", "off"]]
    assert [row[0] for row in rows_below(page, "Jobs")] == ["&lt;waiting&gt;", "done"]
    assert f'href="/v1/Exports/Jobs/{job.sid}"' in page
    assert rows_below(page, "Scripted days") == [
        ["Messages", "2026-01-01", "3 records"],
        ["Messages", "2026-02-01", "Failed, every export"],
        ["Messages", "2026-02-02", "Failed, next export"],
        ["Calls", "2026-01-01", "ErrorDuringRun 2 times; CompletedEmptyRecords, every export"],
    ]
    assert rows_below(page, "Faults") == [
        ["POST /v1/Exports/&lt;x&gt;.* (any server)", "HTTP 503", "0 of 2, after 1 that succeed"],
        ["any method .* (storage)", "connection closed", "always"],
        ["any method .* (any server)", "processed first, 1.5 s late, connection closed", "0 of 1"],
    ]
    assert 'http-equiv="refresh"' in page


def test_overview_shows_each_quota(sim: Simulator) -> None:
    sim.knobs.quota_per_type = True
    sim.create_job("Calls", "2026-01-01", "2026-01-03")

    quotas = rows_below(overview(sim), "Quota")

    assert quotas[:2] == [["Messages", "366", "0", "366"], ["Calls", "366", "3", "363"]]


@pytest.mark.parametrize(("speed", "said"), [(0, "stands still"), (1, "runs at real speed"), (60, "runs 60 times as")])
def test_overview_shows_the_speeds(sim: Simulator, speed: float, said: str) -> None:
    sim.clock.speed = speed
    sim.knobs.job_speed = 30

    page = overview(sim, "/v1/Exports")

    assert said in page
    assert "run at 30 times their usual speed" in page


def test_clients_get_404_where_browsers_get_the_overview(sim: Simulator, api: requests.Session) -> None:
    for path in ("/", "/v1/Exports"):
        response = api.get(f"{sim.base_url}{path}")
        assert (response.status_code, response.json()["code"]) == (404, 20404)


@pytest.mark.parametrize("origin", [None, "own"])
def test_button_renews_the_quota_and_returns(sim: Simulator, origin: str | None) -> None:
    sim.state.spend_quota(366)
    headers = BROWSER | ({"Origin": sim.base_url} if origin else {})

    page = requests.post(f"{sim.base_url}/renew-quota", headers=headers, timeout=10)

    assert page.url == f"{sim.base_url}/"
    assert rows_below(page.text, "Quota") == [["all", "366", "0", "366"]]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", ""])
def test_other_web_pages_cannot_press_the_button(sim: Simulator, origin: str) -> None:
    sim.state.spend_quota(366)

    response = requests.post(f"{sim.base_url}/renew-quota", headers={"Origin": origin}, timeout=10)

    assert response.status_code == 403
    assert rows_below(overview(sim), "Quota") == [["all", "366", "366", "0"]]


def test_looking_does_not_renew_the_quota(sim: Simulator) -> None:
    sim.state.spend_quota(1)

    assert requests.get(f"{sim.base_url}/renew-quota", headers=BROWSER, timeout=10).status_code == 405
    assert rows_below(overview(sim), "Quota") == [["all", "366", "1", "365"]]
