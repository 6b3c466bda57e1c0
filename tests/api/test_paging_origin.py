"""Every page request carries the credentials, so a page on another origin is never requested."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_bulkexports.api.paging import iterate_pages
from airflow_provider_bulkexports.exceptions import BulkExportsResponseError

FIRST = "https://bulkexports.twilio.com/v1/Exports/Messages/Jobs?PageSize=1000"


def page(following: Any) -> dict[str, Any]:
    return {"meta": {"key": "jobs", "next_page_url": following}, "jobs": [{"job_sid": f"JS{len(str(following)):032x}"}]}


def asked_of(following: Any) -> list[str]:
    """Every URL that is requested when the first page names ``following``."""
    asked: list[str] = []

    def fetch(url: str) -> dict[str, Any]:
        asked.append(url)
        return page(following if len(asked) == 1 else None)

    list(iterate_pages(fetch, FIRST, key="jobs"))
    return asked


@pytest.mark.parametrize("link", ["{url}/v1/Exports/Messages/Jobs?Page=1", "{url}", "//{host}/x"])
def test_another_server_gets_no_request(link: str, make_server: Callable[[], Any], answer: Any) -> None:
    server, other = make_server(), make_server()
    following = link.format(url=other.url, host=urlsplit(other.url).netloc)
    server.answers(answer(body=page(f"{following}?PageToken=secret-token")))
    with pytest.raises(BulkExportsResponseError) as caught:
        list(server.client().list_jobs("Messages"))
    assert other.received == []
    assert len(server.received) == 1
    assert "points to a next page on another host" in str(caught.value)
    assert urlsplit(other.url).netloc in str(caught.value)
    assert "secret-token" not in str(caught.value)
    assert not caught.value.is_transient


@pytest.mark.parametrize(
    "following",
    [
        "https://evil.example.com/v1/Exports/Messages/Jobs",
        "https://bulkexports.twilio.com.evil.example.com/",
        "https://bulkexports.twilio.com:8443/v1",
        "http://bulkexports.twilio.com/v1",
        "//evil.example.com/v1",
        "https://user@bulkexports.twilio.com/v1",
        "https://user:pass@bulkexports.twilio.com/v1",
        "https://@bulkexports.twilio.com/v1",
        "https://bulkexports.twilio.com@evil.example.com/",
        "https://bulkexports.twilio.com\\@evil.example.com/",
        "https://bulkexports.twilio.com\\.evil.example.com/",
        "https://bulkexports.twilio.com./v1",
        "https://bulkexports.twilio.com:port/v1",
        "https://[::1/v1",
        "file:///etc/passwd",
        "javascript:alert(1)",
        7,
        True,
        ["https://bulkexports.twilio.com/"],
        {"url": "https://bulkexports.twilio.com/"},
    ],
)
def test_link_to_another_origin_is_refused(following: Any) -> None:
    with pytest.raises(BulkExportsResponseError, match="on another host"):
        asked_of(following)


@pytest.mark.parametrize(
    "following",
    [
        "https://bulkexports.twilio.com/v1/x?Page=1",
        "https://bulkexports.twilio.com:443/v1/x?Page=1",
        "HTTPS://BulkExports.Twilio.com/v1/x?Page=1",
        "/v1/x?Page=1",
    ],
)
def test_another_spelling_of_the_origin_is_followed(following: str) -> None:
    assert len(asked_of(following)) == 2


HOSTS = st.sampled_from(["bulkexports.twilio.com", "evil.example.com", "127.0.0.1", ""])
LINKS = st.one_of(
    st.text(max_size=40),
    st.builds(
        "".join,
        st.lists(
            st.one_of(
                HOSTS,
                st.sampled_from(["https:", "http:", "//", "/", "\\", "@", ":443", ":80", "#", "?", "%2e", "\n", " "]),
            ),
            max_size=8,
        ),
    ),
)


@given(following=LINKS)
def test_paging_never_leaves_the_origin(following: str) -> None:
    try:
        asked = asked_of(following)
    except BulkExportsResponseError:
        return
    for url in asked:
        parts = urlsplit(url)
        assert (parts.scheme, parts.netloc.lower().removesuffix(":443")) == ("https", "bulkexports.twilio.com")
