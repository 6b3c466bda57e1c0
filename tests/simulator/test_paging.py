"""Pages of lists, and the links between them."""

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


def sids_of(pages: list[dict[str, Any]]) -> list[str]:
    return [job["job_sid"] for page in pages for job in page["jobs"]]


@pytest.fixture
def sids(sim: Simulator) -> list[str]:
    return [sim.create_job("Messages", "2026-11-01", "2026-11-01").sid for _ in range(7)]


def test_next_links_give_every_job_once(api: requests.Session, sids: list[str]) -> None:
    pages = walk(api, "/Messages/Jobs?PageSize=3")
    assert sids_of(pages) == sids
    assert [page["meta"]["page"] for page in pages] == [0, 1, 2]
    assert [len(page["jobs"]) for page in pages] == [3, 3, 1]


def test_previous_links_lead_to_the_first_page(api: requests.Session, sids: list[str]) -> None:
    last = walk(api, "/Messages/Jobs?PageSize=3")[-1]
    back = walk(api, last["meta"]["url"], "previous_page_url")
    assert [len(page["jobs"]) for page in back] == [1, 3, 3]
    assert sids_of(back[-1:]) == sids[:3]
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


def test_empty_list_is_one_empty_page(api: requests.Session) -> None:
    page = api.get("/Calls/Days").json()
    assert page["days"] == []
    assert page["meta"]["key"] == "days"
    assert page["meta"]["next_page_url"] is None


def test_changing_list_neither_skips_nor_repeats_jobs(sim: Simulator, api: requests.Session, sids: list[str]) -> None:
    first = api.get("/Messages/Jobs?PageSize=3").json()
    sim.state.forget_job(sids[0])
    sim.create_job("Messages", "2026-11-01", "2026-11-01")
    rest = walk(api, first["meta"]["next_page_url"])
    assert sids_of(rest)[:4] == sids[3:]


def test_list_with_newest_first_has_pages(sim: Simulator, api: requests.Session, sids: list[str]) -> None:
    sim.knobs.newest_job_first = True
    assert sids_of(walk(api, "/Messages/Jobs?PageSize=2")) == sids[::-1]


@pytest.mark.usefixtures("sids")
def test_links_have_the_host_of_the_request(sim: Simulator, api: requests.Session) -> None:
    host = f"localhost:{urlsplit(sim.base_url).port}"
    meta = api.get("/Messages/Jobs?PageSize=3", headers={"Host": host}).json()["meta"]
    assert urlsplit(meta["next_page_url"]).netloc == host


@pytest.mark.parametrize(("kind", "maximum"), [("Jobs", 1000), ("Days", 400)])
def test_page_size_above_the_maximum_is_lowered_or_rejected(
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
def test_invalid_page_number_or_size_gets_400(api: requests.Session, query: str) -> None:
    response = api.get(f"/Messages/Jobs?{query}")
    assert (response.status_code, response.json()["code"]) == (400, 20001)


@pytest.mark.parametrize("token", ["x", "PA", "PA%FF", "PAAAAA", "%00", "PAé", "PA" + "a" * 9])
def test_invented_page_token_gets_400(api: requests.Session, token: str) -> None:
    assert api.get("/Messages/Jobs", params={"PageToken": token}).status_code == 400


@pytest.mark.usefixtures("sids")
def test_page_token_of_another_list_gets_400(api: requests.Session) -> None:
    url = api.get("/Messages/Jobs?PageSize=3").json()["meta"]["next_page_url"]
    (token,) = parse_qs(urlsplit(url).query)["PageToken"]
    assert api.get("/Messages/Days", params={"PageToken": token}).status_code == 400


def test_page_number_without_token_is_the_first_page(api: requests.Session, sids: list[str]) -> None:
    page = api.get("/Messages/Jobs?PageSize=3&Page=2").json()
    assert sids_of([page]) == sids[:3]


def test_default_page_size_is_fifty() -> None:
    with Simulator(knobs=Knobs(seconds_per_day_run=0, queue_seconds=0)) as simulator:
        simulator.create_job("Messages", "2026-01-01", "2026-02-28")
        pages = []
        url = f"{simulator.base_url}/v1/Exports/Messages/Days"
        while url:
            pages.append(requests.get(url, auth=simulator.auth, timeout=10).json())
            url = pages[-1]["meta"]["next_page_url"]
    assert [len(page["days"]) for page in pages] == [50, 9]
