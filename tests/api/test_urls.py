"""The origin of a URL is the one that the HTTP libraries connect to."""

from __future__ import annotations

import socket
from typing import Any

import pytest
import requests
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.api.urls import is_loopback, is_loopback_url, is_twilio, origin_of
from airflow_provider_bulkexports.exceptions import BulkExportsInputError, BulkExportsResponseError

ACCOUNT = "AC" + "0123456789abcdef" * 2
TOKEN = "token-0123456789"

AMBIGUOUS = [
    "http://evil\\@127.0.0.1/",
    "http://evil.example.com\\@127.0.0.1",
    "http://127.0.0.1\\@evil.example.com/",
    "http://127.0.0.1\\.evil.example.com/",
    "http:\\\\127.0.0.1/",
    "http://127.0.0.1/\\..",
    "http://evil@127.0.0.1/",
    "http://@127.0.0.1/",
    "http://user:pass@localhost/",
    "http://127.0.0.1\t/",
    "http://127.0.0.1\n.evil.example.com/",
    "http://127.0.0.1 .evil.example.com/",
    "http://127.0.0.1\0.evil.example.com/",
    "http://\u200b127.0.0.1/",
    "http://127.0.0.1\u202e/",
    "http://127.0.0.1:80:80/",
    "http://127.0.0.1:port/",
    "http://[::1/",
    "http:///x",
    "http://",
    "http:127.0.0.1",
    "//127.0.0.1/",
    "file:///etc/passwd",
    "ftp://127.0.0.1/",
    "https://127.0.0.1" + "/x" * 10_000,
    "\ud83d",
    "",
    None,
    7,
]


@pytest.mark.parametrize("url", AMBIGUOUS, ids=ascii)
def test_ambiguous_url_has_no_origin(url: Any) -> None:
    assert origin_of(url) is None
    if isinstance(url, str):
        assert not is_loopback_url(url)


@pytest.mark.parametrize("url", [url for url in AMBIGUOUS if isinstance(url, str) and len(url) < 100], ids=ascii)
def test_ambiguous_base_url_is_refused(url: str) -> None:
    with pytest.raises(BulkExportsInputError) as caught:
        BulkExportsClient(ACCOUNT, TOKEN, base_url=url)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("url", AMBIGUOUS, ids=ascii)
def test_ambiguous_next_page_is_refused(url: Any, server: Any, answer: Any) -> None:
    if url in ("", None, "http:///x", "http://", "http:127.0.0.1"):
        pytest.skip("means that there are no more pages, or a path of the same origin")
    server.answers(answer(body={"jobs": [], "meta": {"next_page_url": url}}))
    with pytest.raises(BulkExportsResponseError, match="on another host") as caught:
        list(server.client().list_jobs("Messages"))
    assert not caught.value.is_transient
    assert len(server.received) == 1


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("HTTP://LOCALHOST/x?y#z", ("http", "localhost", 80)),
        ("https://[::1]:8443/x", ("https", "::1", 8443)),
        ("https://a.example.com", ("https", "a.example.com", 443)),
        ("https://a.example.com:443/%20", ("https", "a.example.com", 443)),
        ("https://a.example.com./", ("https", "a.example.com.", 443)),
    ],
)
def test_plain_url_has_its_origin(url: str, origin: tuple[str, str, int]) -> None:
    assert origin_of(url) == origin


URLS = st.lists(
    st.sampled_from(
        ["http", "https", ":", "/", "//", "\\", "@", "127.0.0.1", "evil", ".", ":80", "[::1]", "?", "#", "%40"]
    )
    | st.characters(),
    max_size=12,
).map("".join)


@given(URLS | URLS.map("http://{}".format))
@example("http://evil\\@127.0.0.1/")
def test_loopback_url_connects_to_this_machine(url: str) -> None:
    if not is_loopback_url(url):
        return
    asked = []

    def create_connection(address: Any, *_: Any, **__: Any) -> Any:
        asked.append(address[0])
        raise OSError("no")

    before = socket.getaddrinfo
    try:
        socket.getaddrinfo = lambda host, *_, **__: create_connection((host,))  # type: ignore[assignment]
        session = requests.Session()
        session.trust_env = False
        with pytest.raises((requests.RequestException, OSError)):
            session.get(url, timeout=0.01)
    finally:
        socket.getaddrinfo = before
    assert all(is_loopback(host) for host in asked)


def test_twilio_hosts_are_recognised() -> None:
    assert is_twilio("https://bulkexports.twilio.com") and is_twilio("https://x.twilio.com:443/y")
    for url in (
        "https://twilio.com.evil.com",
        "https://evil.com\\.twilio.com",
        "https://eviltwilio.com",
        "twilio.com",
        "",
    ):
        assert not is_twilio(url)


WEBHOOKS = [
    "https://",
    "http://",
    "https:///path",
    "https://?x",
    "https://hooks.example.com/a b",
    "https://hooks.example.com/a\nb",
    "https://hooks.example.com/a\r\nX: y",
    " https://hooks.example.com/",
    "https://hooks.example.com/ ",
    "https://hooks .example.com/",
    "https://hooks.example.com\\x",
    "https://hooks.example.com:port/",
    "https://hooks.example.com:99999/",
    "https://[::1/",
    "https://hooks.example.com/\0",
    "https://hooks.example.com/\u202e",
    "https://hooks.example.com/\ud83d",
    "https://b\u00fccher.example/a\nb",
    "https://b\u00fccher.example:port/",
    "https://evil\uff0f.example/",
    "https://\u00fc.." + "x" * 70 + "/",
    "https://hooks.example.com/" + "x" * 2048,
    "hooks.example.com",
    "ftp://hooks.example.com",
    7,
]


@pytest.mark.parametrize("url", WEBHOOKS, ids=lambda url: ascii(url)[:60])
def test_uncallable_webhook_is_refused_before_sending(url: Any, server: Any) -> None:
    client = server.client()
    days = {"start_day": "2026-01-01", "end_day": "2026-01-01", "friendly_name": "x"}
    with pytest.raises(BulkExportsInputError, match="webhook_url") as caught:
        client.create_job("Messages", **days, webhook_url=url, webhook_method="POST")
    assert len(str(caught.value)) < 400
    with pytest.raises(BulkExportsInputError, match="webhook_url"):
        client.update_configuration("Messages", webhook_url=url)
    assert server.received == []


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com",
        "http://10.0.0.1:8080/x?y=%20#z",
        "https://user:pass@hooks.example.com/x",
        "https://[::1]/",
        "https://b\u00fccher.example:8443/\u00fc?\u00fc",
        "https://m\u00fcller:pass@hooks.example.com/",
    ],
)
def test_callable_webhook_is_sent(url: str, server: Any, answer: Any) -> None:
    server.answers(answer(201, {"job_sid": "JS" + "0" * 32}))
    days = {"start_day": "2026-01-01", "end_day": "2026-01-01", "friendly_name": "x"}
    server.client().create_job("Messages", **days, webhook_url=url, webhook_method="POST")
    assert "WebhookUrl=" in server.received[0].body


@pytest.mark.parametrize("wrong", [{"friendly_name": "half \ud83d"}, {"email": "half \ud83d@c"}, {"email": "a b@c"}])
def test_text_with_a_lone_surrogate_is_refused_before_sending(wrong: dict[str, Any], server: Any) -> None:
    days = {"start_day": "2026-01-01", "end_day": "2026-01-01", "friendly_name": "x"}
    with pytest.raises(BulkExportsInputError):
        server.client().create_job("Messages", **{**days, **wrong})
    assert server.received == []
