"""A day's link is found in every form of Twilio's response, is not followed, and is kept secret."""

from __future__ import annotations

import copy
import pickle
import traceback
from datetime import date
from typing import Any

import pytest

from airflow_provider_bulkexports.api.signed_link import SignedLink
from airflow_provider_bulkexports.api.storage_host import Storage
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
def test_link_is_requested_and_not_followed(day: Any, exported: Simulator, client: Any) -> None:
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
def test_link_is_found_in_body_or_header(knobs: Knobs, exported: Simulator, client: Any) -> None:
    exported.knobs = knobs
    assert "X-Amz-Signature=" in client.get_day_link("Messages", "2026-01-01").url


@pytest.mark.parametrize("status", [200, 302, 307])
@pytest.mark.parametrize("body", ["null", "absent"])
def test_response_without_a_link_is_an_error(status: Any, body: Any, exported: Simulator, client: Any) -> None:
    exported.knobs = Knobs(day_fetch_status=status, day_fetch_location=False, day_fetch_body=body)
    with pytest.raises(BulkExportsResponseError, match=rf"\(HTTP {status}\) has no link to the file\. Retry") as caught:
        client.get_day_link("Messages", "2026-01-01")
    assert caught.value.is_transient


@pytest.mark.parametrize("link", ["", 7, [LINK], {"url": LINK}, "ftp://bucket/x", "/relative", "javascript:x"])
def test_non_http_url_is_an_error(link: Any, server: Any, answer: Any) -> None:
    server.answers(answer(307, {"redirect_to": link}))
    with pytest.raises(BulkExportsResponseError, match="has no link"):
        server.client().get_day_link("Messages", "2026-01-01")


def test_body_wins_over_header(server: Any, answer: Any) -> None:
    server.answers(answer(307, {"redirect_to": LINK}, {"Location": "https://elsewhere.example.com/"}))
    assert server.client().get_day_link("Messages", "2026-01-01").url == LINK


@pytest.mark.parametrize("body", [b"<html>", b"\xff\xfe", b"[]", b"[" * 100_000])
def test_header_is_used_if_the_body_is_unreadable(body: bytes, server: Any, answer: Any) -> None:
    server.answers(answer(307, body, {"Location": LINK}))
    assert server.client().get_day_link("Messages", "2026-01-01").url == LINK


def test_day_without_a_file_is_not_found(sim: Simulator, client: Any) -> None:
    with pytest.raises(BulkExportsNotFoundError):
        client.get_day_link("Messages", "2026-01-01")


def test_link_is_shown_without_its_query() -> None:
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
    assert str(link) == "https://bucket.s3.amazonaws.com/day%3D2026-01-01/part-0.json.gz"
    assert repr(link) == "SignedLink()"


@pytest.mark.parametrize("spread", [pickle.dumps, copy.copy, copy.deepcopy])
def test_link_is_neither_copied_nor_pickled(spread: Any) -> None:
    link = SignedLink(LINK)
    for value in (link,) if spread is copy.copy else (link, [link], {"link": link}):
        with pytest.raises(TypeError, match="request a new one"):
            spread(value)
    assert link.url == LINK


#: Links that some program reads with another host.
REFUSED = [
    "http://evil.example.com\\@127.0.0.1/day?sig=5ec2e7",
    "https://evil.example.com\\@bucket.s3.amazonaws.com/day?sig=5ec2e7",
    "https://user:pass@bucket.s3.amazonaws.com/day?sig=5ec2e7",
    "https://user@bucket.s3.amazonaws.com/day?sig=5ec2e7",
    "https://@bucket.s3.amazonaws.com/day?sig=5ec2e7",
    "https://bucket.s3.amazonaws.com/day\r\nHost: evil.example.com?sig=5ec2e7",
    "https://bucket.s3.amazonaws.com/day?sig=5ec2e7 ",
    "https://bucket.s3.ama zonaws.com/day?sig=5ec2e7",
    "https://bucket.s3.amazonaws.com\t/day?sig=5ec2e7",
    "https://bucket\x00.s3.amazonaws.com/day?sig=5ec2e7",
    "https://bucket\u3002s3.amazonaws.com/day?sig=5ec2e7",
    "https://bucket\ud800.s3.amazonaws.com/day?sig=5ec2e7",
    "https://bucket%2es3.amazonaws.com/day?sig=5ec2e7",
    "https://127.0.0.1%2f@evil.example.com/day?sig=5ec2e7",
    "https:///day?sig=5ec2e7",
    "https://?sig=5ec2e7",
    "https://:443/day?sig=5ec2e7",
    "https://bucket:99999/day?sig=5ec2e7",
    "https://bucket:http/day?sig=5ec2e7",
    "https://[::1/day?sig=5ec2e7",
    "https://bucket/" + "x" * 20_000 + "?sig=5ec2e7",
    "http://bucket.s3.amazonaws.com/day?sig=5ec2e7",
    "HTTP://bucket.s3.amazonaws.com/day?sig=5ec2e7",
    "http://0.0.0.0/day?sig=5ec2e7",
    "http://localhost.example.com/day?sig=5ec2e7",
    "http://10.0.0.7/day?sig=5ec2e7",
    "http://169.254.169.254/latest/meta-data?sig=5ec2e7",
    "https://169.254.169.254/latest/meta-data?sig=5ec2e7",
    "https://[fe80::1]/day?sig=5ec2e7",
    "https://[fe80::1%25eth0]/day?sig=5ec2e7",
    "https://[::ffff:169.254.169.254]/day?sig=5ec2e7",
    "https://2852039166/day?sig=5ec2e7",
    "https://0xa9fea9fe/day?sig=5ec2e7",
    "https://169.254.43518/day?sig=5ec2e7",
    "https://169.254.169.254./day?sig=5ec2e7",
    "http://127.1/day?sig=5ec2e7",
    "http://2130706433/day?sig=5ec2e7",
]


@pytest.mark.parametrize("place", ["body", "header"])
@pytest.mark.parametrize("link", REFUSED)
def test_ambiguous_link_is_refused_and_not_quoted(link: str, place: str, server: Any, answer: Any) -> None:
    if place == "body":
        server.answers(answer(307, {"redirect_to": link}))
    elif link.isprintable() and link.isascii() and link == link.strip() and len(link) < 10_000:
        server.answers(answer(307, {}, {"Location": link}))
    else:
        pytest.skip("no header can carry it")

    with pytest.raises(BulkExportsResponseError, match=r"Twilio's link was not used: it ") as failure:
        server.client().get_day_link("Messages", "2026-01-01")

    shown = str(failure.value)
    assert not failure.value.is_transient
    assert len(shown) < 500 and shown.isprintable()
    assert not [part for part in ("5ec2e7", "sig=", "user", "pass", "@", "/day", "meta-data") if part in shown]


def test_redirect_to_a_portal_is_retried(server: Any, answer: Any) -> None:
    portal = answer(307, "<html>Sign in</html>", {"Location": "http://portal.example.com/"})
    server.answers(portal, portal, answer(307, {"redirect_to": "https://bucket.s3.amazonaws.com/day?sig=5ec2e7"}))
    assert server.client().get_day_link("Messages", "2026-01-01").url.endswith("sig=5ec2e7")
    server.answers(portal)
    with pytest.raises(BulkExportsResponseError, match=r"not used: it leads to portal\.example\.com") as failure:
        server.client().get_day_link("Messages", "2026-01-01")
    assert failure.value.is_transient


@pytest.mark.parametrize("link", REFUSED)
def test_storage_refuses_an_ambiguous_link(link: str) -> None:
    storage = Storage((1.0, 1.0))
    with pytest.raises(BulkExportsResponseError, match="link was not used"), storage.open(SignedLink(link)):
        pass
    storage.close()


@pytest.mark.parametrize(
    "link",
    [
        LINK,
        LINK.replace("https", "HTTPS"),
        "https://bucket.s3.amazonaws.com:443/day?sig=5ec2e7#part",
        "https://10.0.0.7:9000/day?sig=5ec2e7",
        "https://[2001:db8::7]:9000/day?sig=5ec2e7",
        "https://storage:9000/day",
        "http://localhost:9000/day",
        "http://127.0.0.1:9000/day",
        "http://127.8.9.10/day",
        "http://[::1]:9000/day",
        "https://bucket.s3.amazonaws.com/day?X-Amz-Credential=A/B%2FC~'(x)&l=[1]",
    ],
)
def test_ordinary_link_is_accepted_unchanged(link: str, server: Any, answer: Any) -> None:
    server.answers(answer(307, {"redirect_to": link}))
    assert server.client().get_day_link("Messages", "2026-01-01").url == link


def test_shown_link_has_bounded_length() -> None:
    assert len(str(SignedLink("https://bucket/" + "x" * 10_000))) < 400
