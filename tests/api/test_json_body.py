"""A body is read like the standard library reads it, small or large, and one that is no JSON object is none."""

from __future__ import annotations

import json
import threading
import time
from operator import attrgetter
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_bulkexports.api import json_body as bodies
from airflow_provider_bulkexports.api.json_body import ListCache, read_json_object
from airflow_provider_bulkexports.model.resources import Job

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def response_of(body: bytes) -> requests.Response:
    response = requests.Response()
    response._content = body
    return response


def read_in_pieces(body: bytes) -> Any:
    small, bodies._SMALL = bodies._SMALL, -1
    try:
        return read_json_object(response_of(body))
    finally:
        bodies._SMALL = small


@pytest.mark.slow
@given(st.dictionaries(st.text(), VALUES), st.sampled_from([None, 1, "\t"]), st.booleans())
def test_pieces_make_the_same_object(value: dict[str, Any], indent: Any, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert read_in_pieces(f" {text}\n".encode("utf-8", "surrogatepass")) in (value, None)
    if ascii_only:
        assert read_in_pieces(text.encode()) == value


@pytest.mark.slow
@given(st.dictionaries(st.text(), VALUES, min_size=1), st.data())
def test_a_damaged_object_is_read_as_the_standard_library_reads_it(value: dict[str, Any], data: Any) -> None:
    text = json.dumps(value)
    at = data.draw(st.integers(0, len(text) - 1))
    damaged = text[:at] + data.draw(st.sampled_from(["", ",", "]", "}", "[", ":", '"', "x"])) + text[at + 1 :]
    try:
        expected = json.loads(damaged)
    except ValueError:
        expected = None
    assert read_in_pieces(damaged.encode()) == (expected if isinstance(expected, dict) else None)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"{}x", b"[]", b"null", b'{"a":[1,]}', b'{"a":[1 2]}', b'{"a" 1}', b"{1:2}", b"<html>", b"\xff{}"],
)
def test_what_is_no_json_object_is_none(body: bytes) -> None:
    assert read_in_pieces(body) is None
    assert read_json_object(response_of(body)) is None


def test_a_byte_order_mark_is_no_obstacle() -> None:
    assert read_in_pieces(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


@pytest.mark.parametrize("small", [-1, 10**6])
def test_elements_of_arrays_are_read_on_the_way(small: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "_SMALL", small)
    response = response_of(b'{"days": [{"day": 1}, "noise", {"day": 2}], "meta": {"key": "days"}}')

    page = read_json_object(response, read=lambda element: element["day"] * 10)

    assert page == {"days": [10, "noise", 20], "meta": {"key": "days"}}


class Reading:
    """A recollection of a list, and the sids of the elements that were read for it."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.recollection = ListCache(self._read, lambda element: element["sid"])

    def _read(self, payload: dict[str, Any], _: Any) -> Any:
        self.read.append(payload["sid"])
        return payload

    def of(self, *pages: list[Any]) -> list[Any]:
        """Read the list's pages, and return its elements."""
        self.read.clear()
        self.recollection.begin()
        found = []
        for elements in pages:
            small, bodies._SMALL = bodies._SMALL, -1
            try:
                page = read_json_object(response_of(json.dumps({"jobs": elements}).encode()), read=self.recollection)
            finally:
                bodies._SMALL = small
            assert page is not None
            found += page["jobs"]
        return found


JOB = st.fixed_dictionaries({"sid": st.sampled_from("abcdefgh"), "days": st.lists(st.integers(0, 12), max_size=2)})
PAGES = st.lists(st.lists(JOB | st.none(), max_size=8), max_size=3)


@given(st.lists(PAGES, max_size=5))
def test_a_list_that_is_remembered_is_read_as_it_is_now(versions: list[list[list[Any]]]) -> None:
    reading = Reading()
    for pages in versions:
        assert reading.of(*pages) == [element for page in pages for element in page]


@pytest.mark.parametrize(
    ("now", "news"),
    [
        ("abcdef", ""),
        ("abXdef", "Xd"),  # the place of a vanished job is found by the next one
        ("XYabcdef", "XY"),
        ("abXYcdef", "XY"),
        ("abcdefX", "X"),
        ("aXYZef", "XYZe"),
        ("abef", "e"),
        ("bcdef", "b"),
        ("abc", ""),
    ],
)
def test_only_what_is_new_in_a_list_is_read(now: str, news: str) -> None:
    jobs = {sid: {"sid": sid, "status": "Running"} for sid in "abcdefXYZ"}
    reading = Reading()
    reading.of([jobs[sid] for sid in "abc"], [jobs[sid] for sid in "def"])

    found = reading.of([jobs[sid] for sid in now[:3]], [jobs[sid] for sid in now[3:]])

    assert [job["sid"] for job in found] == list(now)
    assert reading.read == list(news)


def test_changed_jobs_beside_each_other_do_not_hide_the_unchanged_ones() -> None:
    jobs = [{"sid": f"JS{number}", "status": "Running"} for number in range(9)]
    reading = Reading()
    first = reading.of(jobs)

    changed = [{**job, "status": "Completed"} if 2 <= number < 5 else job for number, job in enumerate(jobs)]

    assert reading.of(changed) == changed
    assert reading.read == ["JS2", "JS3", "JS4"]
    assert all(one is other for one, other in zip(reading.of(changed)[5:], first[5:], strict=True))


def test_a_job_of_which_only_the_estimate_changed_keeps_the_days_that_it_had() -> None:
    recollection = ListCache(Job.from_json, attrgetter("job_sid"))
    details = [{"status": "Running", "count": 1, "days": ["2026-01-01"]}]

    def look(estimate: str, details: Any) -> Job:
        recollection.begin()
        job = {"job_sid": "JS1", "details": details, "estimated_completion_time": estimate, "new": [1]}
        element, _ = recollection.decode(json.dumps(job), 0)
        return element

    first, second = look("2026-01-02T00:00:00", details), look("2026-01-02T00:00:01", details)
    third = look("2026-01-02T00:00:01", [{**details[0], "status": "Completed"}])

    assert first.estimated_completion_time < second.estimated_completion_time
    assert second.details is first.details
    assert second.extra is first.extra
    assert third.details != first.details


def test_other_threads_run_while_a_large_page_is_read() -> None:
    days = [f"2026-{1 + n % 12:02}-{1 + n % 28:02}" for n in range(366)]
    jobs = [{"job_sid": f"JS{n:032}", "details": [{"status": "Running", "days": days}]} for n in range(1000)]
    response = response_of(json.dumps({"jobs": jobs}).encode())
    done = threading.Event()
    turns = []

    def take_turns() -> None:
        while not done.is_set():
            turns.append(time.perf_counter())
            time.sleep(0.0005)

    other = threading.Thread(target=take_turns)
    other.start()
    began = time.perf_counter()
    page = read_json_object(response)
    took = time.perf_counter() - began
    done.set()
    other.join()

    assert page is not None and len(page["jobs"]) == 1000
    assert sum(began <= turn <= began + took for turn in turns) > 10
