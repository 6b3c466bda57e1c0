"""A body is read as the standard library reads it, in one piece or many; anything but a JSON object is ``None``."""

from __future__ import annotations

import json
import threading
import time
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
def test_damaged_object_is_read_as_json_loads_would(value: dict[str, Any], data: Any) -> None:
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
def test_anything_but_a_json_object_is_none(body: bytes) -> None:
    assert read_in_pieces(body) is None
    assert read_json_object(response_of(body)) is None


def test_byte_order_mark_is_skipped() -> None:
    assert read_in_pieces(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('"\\ud83d"', "\ud83d"),
        ('"\\ud83d\\ude00"', "\U0001f600"),
        ("NaN", None),
        ("-Infinity", None),
        ("1e999", None),
        ("9" * 100, int("9" * 100)),
        ("9" * 1001, None),
        ('{"b": 1, "b": 2}', {"b": 2}),
    ],
    ids=["half a pair", "a pair", "NaN", "infinity", "large", "long", "too long", "duplicate key"],
)
@pytest.mark.parametrize(
    "place", ['{{"a": {}}}', '{{"a": [{}]}}', '{{"a": [{{"c": {}}}]}}'], ids=["member", "element", "deeper"]
)
def test_odd_values_are_read_alike_in_any_size_and_place(value: str, expected: Any, place: str) -> None:
    body = place.format(value).encode()

    read = read_in_pieces(body)

    assert read == read_json_object(response_of(body))
    assert json.dumps(read) == place.format(json.dumps(expected))


def test_body_of_too_many_values_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "_MOST_VALUES", 10)

    assert read_in_pieces(b'{"a": [1, 2, 3], "b": [[[]]]}') is not None
    assert read_in_pieces(b'{"a": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]}') is None
    assert read_in_pieces(b'{"a": [[[[[[]]]]], [[[[[]]]]]]}') is None
    assert read_in_pieces(b'{"a": [[[[[[NaN]]]]], [[[[[]]]]]]}') is None


@pytest.mark.parametrize("small", [-1, 10**6])
def test_elements_of_arrays_are_read(small: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "_SMALL", small)
    response = response_of(b'{"days": [{"day": 1}, "noise", {"day": 2}], "meta": {"key": "days"}}')

    page = read_json_object(response, read=lambda element: element["day"] * 10)

    assert page == {"days": [10, "noise", 20], "meta": {"key": "days"}}


class Reading:
    """A cached list, and the sids of the elements that were read for it."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.cache = ListCache(self._read, key="sid")

    def _read(self, payload: dict[str, Any], _: Any) -> Any:
        self.read.append(payload["sid"])
        return payload

    def of(self, *pages: list[Any]) -> list[Any]:
        """Read the list's pages, and return its elements."""
        self.read.clear()
        self.cache.begin()
        found = []
        for elements in pages:
            small, bodies._SMALL = bodies._SMALL, -1
            try:
                page = read_json_object(response_of(json.dumps({"jobs": elements}).encode()), read=self.cache)
            finally:
                bodies._SMALL = small
            assert page is not None
            found += page["jobs"]
        return found


JOB = st.fixed_dictionaries({"sid": st.sampled_from("abcdefgh"), "days": st.lists(st.integers(0, 12), max_size=2)})
PAGES = st.lists(st.lists(JOB | st.none(), max_size=8), max_size=3)


@given(st.lists(PAGES, max_size=5))
def test_cached_list_is_read_as_it_is_now(versions: list[list[list[Any]]]) -> None:
    reading = Reading()
    for pages in versions:
        assert reading.of(*pages) == [element for page in pages for element in page]


@pytest.mark.parametrize(
    ("now", "news"),
    [
        ("abcdef", ""),
        ("abXdef", "X"),
        ("XYabcdef", "XY"),
        ("abXYcdef", "XY"),
        ("abcdefX", "X"),
        ("aXYZef", "XYZ"),
        ("abef", ""),
        ("bcdef", ""),
        ("abc", ""),
    ],
)
def test_only_new_elements_are_read(now: str, news: str) -> None:
    jobs = {sid: {"sid": sid, "status": "Running"} for sid in "abcdefXYZ"}
    reading = Reading()
    reading.of([jobs[sid] for sid in "abc"], [jobs[sid] for sid in "def"])

    found = reading.of([jobs[sid] for sid in now[:3]], [jobs[sid] for sid in now[3:]])

    assert [job["sid"] for job in found] == list(now)
    assert reading.read == list(news)


def test_unchanged_elements_after_changed_ones_are_not_read_again() -> None:
    jobs = [{"sid": f"JS{number}", "status": "Running"} for number in range(9)]
    reading = Reading()
    first = reading.of(jobs)

    changed = [{**job, "status": "Completed"} if 2 <= number < 5 else job for number, job in enumerate(jobs)]

    assert reading.of(changed) == changed
    assert reading.read == ["JS2", "JS3", "JS4"]
    assert all(one is other for one, other in zip(reading.of(changed)[5:], first[5:], strict=True))


def test_job_with_a_new_estimate_keeps_its_days() -> None:
    cache = ListCache(Job.from_json, key="job_sid")
    details = [{"status": "Running", "count": 1, "days": ["2026-01-01"]}]

    def poll(estimate: str, details: Any) -> Job:
        cache.begin()
        job = {"job_sid": "JS1", "details": details, "estimated_completion_time": estimate, "new": [1]}
        return cache.decode(json.dumps(job).encode(), json.loads)

    first, second = poll("2026-01-02T00:00:00", details), poll("2026-01-02T00:00:01", details)
    third = poll("2026-01-02T00:00:01", [{**details[0], "status": "Completed"}])

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
