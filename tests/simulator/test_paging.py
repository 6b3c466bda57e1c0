"""Lists come in pages that link to each other."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from airflow_provider_bulkexports.simulator import Knobs, Simulator


def walk(api: requests.Session, url: str | None, link: str = "next_page_url") -> list[dict[str, Any]]:
    pages = []
    while url:
        pages.append(api.get(url).json())
        url = pages[-1]["meta"][link]
    return pages


def jobs_with_identity(pages: list[dict[str, Any]]) -> list[str]:
    return [job["job_sid"] for page in pages for job in page["jobs"]]


@pytest.fixture
def sids(sim: Simulator) -> list[str]:
    return [sim.create_job("Messages", "2026-11-01", "2026-11-01").sid for _ in range(7)]


def test_following_the_links_gives_everything_once(api: requests.Session, sids: list[str]) -> None:
    pages = walk(api, "/Messages/Jobs?PageSize=3")
    assert jobs_with_identity(pages) == sids
    assert [page["meta"]["page"] for page in pages] == [0, 1, 2]
    assert [len(page["jobs"]) for page in pages] == [3, 3, 1]


def test_the_way_back_leads_to_the_first_page(api: requests.Session, sids: list[str]) -> None:
    last = walk(api, "/Messages/Jobs?PageSize=3")[-1]
    back = walk(api, last["meta"]["url"], "previous_page_url")
    assert [len(page["jobs"]) for page in back] == [1, 3, 3]
    assert jobs_with_identity(back[-1:]) == sids[:3]
    assert back[-1]["meta"]["previous_page_url"] is None


@pytest.mark.usefixtures("sids")
def test_meta_describes_the_page(sim: Simulator, api: requests.Session) -> None:
    meta = api.get("/Messages/Jobs").json()["meta"]
    first = f"{sim.base_url}/v1/Exports/Messages/Jobs?PageSize=50&Page=0"
    assert meta == {
        "key": "jobs",
        "page": 0,
        "page_size": 50,
        "url": first,
        "first_page_url": first,
        "next_page_url": None,
        "previous_page_url": None,
    }


def test_no_results_are_an_empty_page(api: requests.Session) -> None:
    answer = api.get("/Calls/Days").json()
    assert answer["days"] == []
    assert answer["meta"]["key"] == "days"
    assert answer["meta"]["next_page_url"] is None


def test_a_list_that_changes_meanwhile_neither_skips_nor_repeats(
    sim: Simulator, api: requests.Session, sids: list[str]
) -> None:
    first = api.get("/Messages/Jobs?PageSize=3").json()
    sim.state.forget_job(sids[0])
    sim.create_job("Messages", "2026-11-01", "2026-11-01")
    rest = walk(api, first["meta"]["next_page_url"])
    assert jobs_with_identity(rest)[:4] == sids[3:]


def test_newest_first_is_paged_as_well(sim: Simulator, api: requests.Session, sids: list[str]) -> None:
    sim.knobs.newest_job_first = True
    assert jobs_with_identity(walk(api, "/Messages/Jobs?PageSize=2")) == sids[::-1]


@pytest.mark.usefixtures("sids")
def test_links_name_the_host_that_was_asked(sim: Simulator, api: requests.Session) -> None:
    host = f"localhost:{urlsplit(sim.base_url).port}"
    meta = api.get("/Messages/Jobs?PageSize=3", headers={"Host": host}).json()["meta"]
    assert urlsplit(meta["next_page_url"]).netloc == host


@pytest.mark.parametrize(("kind", "maximum"), [("Jobs", 1000), ("Days", 400)])
def test_a_size_above_the_maximum_is_lowered_or_refused(
    sim: Simulator, api: requests.Session, kind: str, maximum: int
) -> None:
    assert api.get(f"/Messages/{kind}?PageSize={maximum}").json()["meta"]["page_size"] == maximum
    assert api.get(f"/Messages/{kind}?PageSize={maximum + 1}").json()["meta"]["page_size"] == maximum
    sim.knobs.page_size_above_maximum = "reject"
    assert api.get(f"/Messages/{kind}?PageSize={maximum + 1}").status_code == 400
    assert api.get(f"/Messages/{kind}?PageSize={maximum}").status_code == 200


@pytest.mark.parametrize(
    "query",
    ["PageSize=0", "PageSize=-1", "PageSize=", "PageSize=x", "PageSize=" + "9" * 5000, "Page=-1", "Page=%D9%A1"],
)
def test_numbers_must_be_numbers(api: requests.Session, query: str) -> None:
    response = api.get(f"/Messages/Jobs?{query}")
    assert (response.status_code, response.json()["code"]) == (400, 20001)


@pytest.mark.parametrize("token", ["x", "PA", "PA%FF", "PAAAAA", "%00", "PAé", "PA" + "a" * 9])
def test_only_issued_tokens_are_taken(api: requests.Session, token: str) -> None:
    assert api.get("/Messages/Jobs", params={"PageToken": token}).status_code == 400


@pytest.mark.usefixtures("sids")
def test_a_token_of_another_list_is_refused(api: requests.Session) -> None:
    url = api.get("/Messages/Jobs?PageSize=3").json()["meta"]["next_page_url"]
    (token,) = parse_qs(urlsplit(url).query)["PageToken"]
    assert api.get("/Messages/Days", params={"PageToken": token}).status_code == 400


def test_the_page_number_alone_moves_nothing(api: requests.Session, sids: list[str]) -> None:
    answer = api.get("/Messages/Jobs?PageSize=3&Page=2").json()
    assert jobs_with_identity([answer]) == sids[:3]


def test_fifty_is_the_default_size() -> None:
    with Simulator(knobs=Knobs(seconds_per_day_run=0, queue_seconds=0)) as simulator:
        simulator.create_job("Messages", "2026-01-01", "2026-02-28")
        pages = []
        url = f"{simulator.base_url}/v1/Exports/Messages/Days"
        while url:
            pages.append(requests.get(url, auth=simulator.auth, timeout=10).json())
            url = pages[-1]["meta"]["next_page_url"]
    assert [len(page["days"]) for page in pages] == [50, 9]
