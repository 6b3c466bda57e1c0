"""Follow ``meta.next_page_url`` through a list, on the configured origin only and without loops."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urljoin

from airflow_provider_bulkexports.api.redact import redact, redact_url
from airflow_provider_bulkexports.api.urls import is_unambiguous, origin_of
from airflow_provider_bulkexports.exceptions import BulkExportsResponseError, printable
from airflow_provider_bulkexports.model import parsing
from airflow_provider_bulkexports.model.plain import counted

__all__ = ["address_of", "iterate_pages", "require_page"]

#: Most pages and elements of one list. The list keeps jobs for seven days, so an account can have about 2,600 of them,
#: and as many days: 52 pages of Twilio's usual size.
MAX_PAGES = 1_000
MAX_ELEMENTS = 200_000

#: Most bytes of one list. With each day on a line of its own, such a list of jobs has 40 million.
MAX_BYTES = 1 << 27

#: Most pages that equal an earlier one: days have no sid, and a page may be empty.
REPEATED_PAGES = 5

#: Longest address that an error quotes.
_LONGEST_QUOTE = 300

Page = Mapping[str, Any]
Elements = list[Any]


def iterate_pages(fetch: Callable[[str], Page], first_url: str, *, key: str) -> Iterator[Elements]:
    """
    Yield the elements of a list, page by page.

    :param fetch: Requests a URL with the credentials and returns its JSON object, whose elements may be read already
        and whose ``size`` in bytes is counted if it has one.
    :param first_url: Absolute URL of the first page; no other origin is requested.
    :param key: Name of the array; without it, the array that the response names (``meta.key``).
    :raises BulkExportsResponseError: if a page leads to another origin, repeats a page, or the list is too long.
    """
    seen: set[str] = set()
    contents: set[int] = set()
    repeated = count = size = 0
    url: str | None = first_url
    while url is not None:
        if url in seen or len(seen) >= MAX_PAGES or count > MAX_ELEMENTS or size > MAX_BYTES:
            raise _loop(first_url, len(seen))
        seen.add(url)
        page = fetch(url)
        elements, meta = _read_page(page, key=key, url=url)
        count += len(elements)
        size += getattr(page, "size", 0)
        url = _next_url(meta.get("next_page_url"), current=url, first_url=first_url)
        repeated += (content := hash(tuple(map(_identity, elements)))) in contents
        if url is not None and repeated > REPEATED_PAGES:
            raise _loop(first_url, len(seen))
        contents.add(content)
        yield elements


def require_page(page: Page, *, key: str, url: str) -> Page:
    """
    Return the page, if it is a page of a list.

    :raises BulkExportsResponseError: if it is not.
    """
    _read_page(page, key=key, url=url)
    return page


def address_of(page: Page, *, key: str, url: str) -> str:
    """
    Return the URL of a list as its page names it; empty if it names none.

    :raises BulkExportsResponseError: if the page is not a page of a list.
    """
    _, meta = _read_page(page, key=key, url=url)
    names = (parsing.text_or_none(meta.get(name), parsing.LONGEST_URL) for name in ("url", "first_page_url"))
    return next(filter(None, names), "")


def _read_page(page: Page, *, key: str, url: str) -> tuple[Elements, Page]:
    """The elements of a page, and its ``meta``."""
    meta = page.get("meta")
    meta = meta if isinstance(meta, Mapping) else {}
    return _elements(page, (key, parsing.text_or_none(meta.get("key"))), url), meta


def _identity(element: Any) -> Any:
    """What identifies an element of a list: the sid of a job, else its text."""
    try:
        return getattr(element, "job_sid", None) or repr(element)
    except RecursionError:
        return type(element).__name__


def _elements(page: Page, keys: tuple[str, str | None], url: str) -> Elements:
    for key in keys:
        if key is not None and isinstance(elements := page.get(key), list):
            return elements
    raise BulkExportsResponseError(
        f"The response has no {keys[0]!r} list",
        remedy="Check that the connection's host is Twilio's BulkExports API.",
        details={"request": f"GET {redact_url(url)}"},
    )


def _next_url(next_url: Any, *, current: str, first_url: str) -> str | None:
    if next_url is None or next_url == "":
        return None
    target = _joined(current, next_url)
    origin = origin_of(target)
    if origin is not None and origin == origin_of(first_url):
        return target
    where = printable(redact(redact_url(str(next_url))), _LONGEST_QUOTE)
    raise BulkExportsResponseError(
        "A list points to a next page on another host. It was not followed: that would send the credentials there",
        remedy="If a proxy is in front of Twilio, configure it to rewrite meta.next_page_url.",
        details={"request": f"GET {redact_url(first_url)}", "next page": where},
        is_transient=False,
    )


def _joined(current: str, next_url: Any) -> str | None:
    try:
        return urljoin(current, next_url) if isinstance(next_url, str) and is_unambiguous(next_url) else None
    except ValueError:
        return None


def _loop(first_url: str, pages: int) -> BulkExportsResponseError:
    return BulkExportsResponseError(
        f"Pagination loop: after {counted(pages, 'page')}, the list repeats a page or is longer than any account's",
        remedy="Try again; if it persists, report it to Twilio.",
        details={"request": f"GET {redact_url(first_url)}"},
        is_transient=False,
    )
