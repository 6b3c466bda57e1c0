"""All pages of a list are read, each element once, and a loop is an error."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, islice
from typing import Any

import pytest

from airflow_provider_bulkexports.api.paging import MAX_PAGES, iterate_pages
from airflow_provider_bulkexports.exceptions import BulkExportsError, BulkExportsResponseError, BulkExportsServerError
from airflow_provider_bulkexports.simulator import Fault, Simulator

FIRST = "https://bulkexports.twilio.com/v1/Exports/Messages/Jobs?PageSize=1000"


def job(number: int) -> dict[str, Any]:
    return {"job_sid": f"JS{number:032x}"}


def page(*numbers: int, following: Any = None, **meta: Any) -> dict[str, Any]:
    return {"meta": {"key": "jobs", "next_page_url": following, **meta}, "jobs": [job(number) for number in numbers]}


def test_three_thousand_jobs_are_listed_once_each(sim: Simulator, client: Any) -> None:
    sim.knobs.quota_days = 3000
    sids = [sim.create_job("Messages", "2026-01-01", "2026-01-01").sid for _ in range(3000)]
    assert [job.job_sid for job in client.list_jobs("Messages")] == sids
    assert [request.query.get("PageSize") for request in sim.requests] == ["1000"] * 3
    assert [request.query.get("Page", "0") for request in sim.requests] == ["0", "1", "2"]


def test_five_hundred_days_are_listed_in_two_pages(sim: Simulator, client: Any) -> None:
    sim.knobs.quota_days = 500
    sim.create_job("Messages", "2025-01-01", "2026-05-15")
    sim.finish_jobs()
    days = list(client.list_days("Messages"))
    assert len({day.day for day in days}) == len(days) == 500
    assert [request.query["PageSize"] for request in sim.requests] == ["400"] * 2


def test_list_is_read_lazily(sim: Simulator, client: Any) -> None:
    sim.knobs.quota_days = 1001
    for _ in range(1001):
        sim.create_job("Messages", "2026-01-01", "2026-01-01")
    assert len(list(islice(client.list_jobs("Messages"), 10))) == 10
    assert len(sim.requests) == 1


def test_page_that_keeps_failing_raises_its_error(sim: Simulator, client: Any) -> None:
    sim.knobs.quota_days = 1001
    for _ in range(1001):
        sim.create_job("Messages", "2026-01-01", "2026-01-01")
    sim.faults.add(Fault(status=503, after=1, times=None))
    with pytest.raises(BulkExportsServerError, match=r"GET \S+/Messages/Jobs;"):
        list(client.list_jobs("Messages"))


def test_job_that_moves_to_the_next_page_is_listed_once(server: Any, answer: Any) -> None:
    server.answers(
        answer(body=page(1, 2, 3, following=f"{server.url}/v1/Exports/Messages/Jobs?Page=1")),
        answer(body=page(3, 4)),
    )
    assert [int(job.job_sid[2:], 16) for job in server.client().list_jobs("Messages")] == [1, 2, 3, 4]


def test_job_without_a_sid_is_left_out(server: Any, answer: Any) -> None:
    server.answers(answer(body={"meta": {}, "jobs": [{}, {"job_sid": None}, job(5), "no job", None]}))
    assert [job.job_sid for job in server.client().list_jobs("Messages")] == [f"JS{5:032x}"]


def test_day_exported_twice_is_listed_twice(server: Any, answer: Any) -> None:
    entries = [{"day": "2026-01-01", "size": 1}, {"day": None}, {}, {"day": "2026-01-01", "size": 2}]
    server.answers(answer(body={"meta": {"key": "days"}, "days": entries}))
    assert [day.size for day in server.client().list_days("Messages")] == [1, 2]


@pytest.mark.parametrize(
    "link",
    [
        "/v1/Exports/Messages/Jobs?PageToken=PA%3D%3D&Page=1",
        "?PageToken=PA%3D%3D&Page=1",
        "Jobs?PageToken=PA%3D%3D&Page=1",
    ],
)
def test_relative_link_keeps_its_token(link: str, server: Any, answer: Any) -> None:
    server.answers(answer(body=page(1, following=link)), answer(body=page(2)))
    assert len(list(server.client().list_jobs("Messages"))) == 2
    assert server.received[1].target == "/v1/Exports/Messages/Jobs?PageToken=PA%3D%3D&Page=1"
    assert "authorization" in server.received[1].headers


@pytest.mark.parametrize("meta", [None, [], "none", {}, {"next_page_url": ""}, {"next_page_url": None, "key": None}])
def test_page_without_a_link_is_the_last(meta: Any, server: Any, answer: Any) -> None:
    server.answers(answer(body={"meta": meta, "jobs": [job(1)]}))
    assert len(list(server.client().list_jobs("Messages"))) == 1
    server.answers(answer(body={"jobs": [job(1)]}))
    assert len(list(server.client().list_jobs("Messages"))) == 1


def test_meta_key_names_the_array(server: Any, answer: Any) -> None:
    server.answers(answer(body={"meta": {"key": "export_custom_jobs"}, "export_custom_jobs": [job(1)]}))
    assert len(list(server.client().list_jobs("Messages"))) == 1


@pytest.mark.parametrize("array", [{}, {"jobs": None}, {"jobs": {}}, {"days": []}])
def test_page_without_its_array_is_an_error(array: dict[str, Any], server: Any, answer: Any) -> None:
    server.answers(answer(body={"meta": {"key": "jobs"}, **array}))
    with pytest.raises(BulkExportsResponseError, match="has no 'jobs' list"):
        list(server.client().list_jobs("Messages"))


def test_empty_page_does_not_end_the_list() -> None:
    pages = {FIRST: page(following="?Page=1"), "Page=1": page(7)}
    found = chain.from_iterable(iterate_pages(lambda url: pages.get(url) or pages["Page=1"], FIRST, key="jobs"))
    assert list(found) == [job(7)]


LOOPS: dict[str, Callable[[str], dict[str, Any]]] = {
    "a page that names itself": lambda url: page(1, following=url),
    "two pages that name each other": lambda url: (
        page(1, following="?B") if url != f"{FIRST[:-14]}?B" else page(2, following=FIRST)
    ),
    "ever new numbers of the same page": lambda url: page(1, 2, following=f"?Page={len(url)}{url[-1]}"),
    "ever new numbers of two pages by turns": lambda url: page(len(url) % 2, following=f"{url}x"),
    "ever new numbers of an empty page": lambda url: page(following=f"{url}x"),
    "ever new fragments": lambda url: page(1, following=f"{url}#x"),
}


@pytest.mark.parametrize("serve", LOOPS.values(), ids=LOOPS.keys())
def test_loop_is_an_error_after_few_requests(serve: Callable[[str], dict[str, Any]]) -> None:
    asked: list[str] = []

    def fetch(url: str) -> dict[str, Any]:
        asked.append(url)
        return serve(url)

    with pytest.raises(
        BulkExportsResponseError, match=r"Pagination loop: after \d pages?, .*\[request GET \S+\]"
    ) as caught:
        list(iterate_pages(fetch, FIRST, key="jobs"))
    assert len(asked) <= 8
    assert not caught.value.is_transient


def test_endless_list_is_an_error() -> None:
    numbers = iter(range(MAX_PAGES + 2))
    asked = []

    def fetch(url: str) -> dict[str, Any]:
        asked.append(url)
        number = next(numbers)
        return page(number, following=f"?Page={number}")

    with pytest.raises(BulkExportsError, match="Pagination loop"):
        list(iterate_pages(fetch, FIRST, key="jobs"))
    assert len(asked) == MAX_PAGES


def test_endless_list_of_large_pages_is_an_error(server: Any, answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_bulkexports.api.paging.MAX_BYTES", 1_000_000)
    numbers = iter(range(MAX_PAGES))

    def large(_: Any) -> Any:
        number = next(numbers)
        return answer(body={**page(number, following=f"?Page={number}"), "padding": "x" * 100_000})

    server.script = large
    with pytest.raises(BulkExportsResponseError, match="longer than any account's") as caught:
        list(server.client().list_jobs("Messages"))
    assert len(server.received) <= 11
    assert not caught.value.is_transient
