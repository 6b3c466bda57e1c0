"""A day's link is found wherever Twilio puts it, is not followed, and is a secret."""

from __future__ import annotations

import copy
import pickle
import traceback
from datetime import date
from typing import Any

import pytest

from airflow_provider_bulkexports.api.download import SignedLink
from airflow_provider_bulkexports.exceptions import BulkExportsNotFoundError, BulkExportsResponseError
from airflow_provider_bulkexports.simulator import Knobs, Simulator

LINK = "https://bucket.s3.amazonaws.com/day%3D2026-01-01/part-0.json.gz?X-Amz-Expires=240&X-Amz-Signature=5ec2e7"


@pytest.fixture
def exported(sim: Simulator) -> Simulator:
    """A simulator with a file of 1 January 2026."""
    sim.create_job("Messages", "2026-01-01", "2026-01-01")
    sim.finish_jobs()
    return sim


@pytest.mark.parametrize("day", ["2026-01-01", date(2026, 1, 1), "2026-01-01T23:00:00+00:00"])
def test_a_link_is_asked_for_and_not_followed(day: Any, exported: Simulator, client: Any) -> None:
    link = client.get_day_link("Messages", day)
    assert link.url.startswith(exported.storage_url)
    (request,) = exported.requests
    assert (request.origin, request.path) == ("api", "/v1/Exports/Messages/Days/2026-01-01")


@pytest.mark.parametrize(
    "knobs",
    [
        Knobs(day_fetch_status=307, day_fetch_location=True, day_fetch_body="link"),
        Knobs(day_fetch_status=307, day_fetch_location=False, day_fetch_body="link"),
        Knobs(day_fetch_status=307, day_fetch_location=True, day_fetch_body="absent"),
        Knobs(day_fetch_status=307, day_fetch_location=True, day_fetch_body="null"),
        Knobs(day_fetch_status=302, day_fetch_location=True, day_fetch_body="absent"),
        Knobs(day_fetch_status=302, day_fetch_location=False, day_fetch_body="link"),
        Knobs(day_fetch_status=200, day_fetch_location=False, day_fetch_body="link"),
    ],
)
def test_the_link_is_found_in_body_or_header(knobs: Knobs, exported: Simulator, client: Any) -> None:
    exported.knobs = knobs
    assert "X-Amz-Signature=" in client.get_day_link("Messages", "2026-01-01").url


@pytest.mark.parametrize("status", [200, 302, 307])
@pytest.mark.parametrize("body", ["null", "absent"])
def test_an_answer_without_a_link_is_an_error(status: Any, body: Any, exported: Simulator, client: Any) -> None:
    exported.knobs = Knobs(day_fetch_status=status, day_fetch_location=False, day_fetch_body=body)
    with pytest.raises(BulkExportsResponseError, match=f"answered HTTP {status} without a link: ask again") as caught:
        client.get_day_link("Messages", "2026-01-01")
    assert caught.value.is_transient


@pytest.mark.parametrize("link", ["", 7, [LINK], {"url": LINK}, "ftp://bucket/x", "/relative", "javascript:x"])
def test_what_is_no_web_link_is_an_error(link: Any, server: Any, answer: Any) -> None:
    server.answers(answer(307, {"redirect_to": link}))
    with pytest.raises(BulkExportsResponseError, match="without a link"):
        server.client().get_day_link("Messages", "2026-01-01")


def test_the_body_comes_before_the_header(server: Any, answer: Any) -> None:
    server.answers(answer(307, {"redirect_to": LINK}, {"Location": "https://elsewhere.example.com/"}))
    assert server.client().get_day_link("Messages", "2026-01-01").url == LINK


@pytest.mark.parametrize("body", [b"<html>", b"\xff\xfe", b"[]", b"[" * 100_000])
def test_an_unreadable_body_leaves_the_header(body: bytes, server: Any, answer: Any) -> None:
    server.answers(answer(307, body, {"Location": LINK}))
    assert server.client().get_day_link("Messages", "2026-01-01").url == LINK


def test_a_day_without_a_file_is_not_found(sim: Simulator, client: Any) -> None:
    with pytest.raises(BulkExportsNotFoundError):
        client.get_day_link("Messages", "2026-01-01")


def test_a_link_shows_itself_without_its_query_only() -> None:
    link = SignedLink(LINK)
    error = RuntimeError("download failed", link)
    error.__cause__ = RuntimeError(f"{link}")
    shown = [
        str(link),
        repr(link),
        f"{link}",
        f"{link!r}",
        format(link),
        str([link, {1: link}]),
    ]
    shown += [str(error), repr(error), *traceback.format_exception(error)]
    assert not any("5ec2e7" in text or "X-Amz" in text for text in shown)
    assert str(link) == "https://bucket.s3.amazonaws.com/day%3D2026-01-01/part-0.json.gz?***"
    assert repr(link) == "SignedLink()"


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, pickle.dumps], ids=["copy", "deepcopy", "pickle"])
def test_a_link_is_not_copied_or_pickled_since_it_is_a_secret_for_one_use(make: Any) -> None:
    with pytest.raises(TypeError, match="a signed link is not pickled") as caught:
        make(SignedLink(LINK))
    assert "Signature" not in str(caught.value)
