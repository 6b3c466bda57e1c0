"""Follow ``meta.next_page_url`` through a list, on the configured origin only and never in circles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urljoin

from airflow_provider_bulkexports.api.redact import redact, redact_url
from airflow_provider_bulkexports.api.urls import is_unambiguous, origin_of
from airflow_provider_bulkexports.exceptions import BulkExportsResponseError, printable
from airflow_provider_bulkexports.model import parsing

__all__ = ["address_of", "iterate_pages", "require_page"]

#: Pages of one list, and elements of it, that are read. An account can have some 2,600 jobs in the list, which keeps
#: them for seven days, and as many days: 52 pages of Twilio's usual size.
MAX_PAGES = 1_000
MAX_ELEMENTS = 200_000

#: Bytes of one list that are read. With each of its days on a line of its own, such a list of jobs has 40 million.
MAX_BYTES = 1 << 27

#: Pages equal to an earlier one that are still believed: days have no sid, and a page may be empty.
REPEATED_PAGES = 5

#: Longest address that an error quotes.
_LONGEST_QUOTE = 300

Page = Mapping[str, Any]
Elements = list[Any]


def iterate_pages(fetch: Callable[[str], Page], first_url: str, *, key: str) -> Iterator[Elements]:
    """
    Yield the elements of a list, page by page.

    :param fetch: Gets a URL with the credentials and returns its JSON object, which may know the ``size`` that it had;
        its elements may be read already.
    :param first_url: Absolute URL of the first page; its origin is the only one ever asked.
    :param key: Name of the array; if there is none of it, the one that the answer names counts (``meta.key``).
    :raises BulkExportsResponseError: if a page leads to another origin, to a page already read, or to no end.
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
    Return the page of a list.

    :raises BulkExportsResponseError: if it is none.
    """
    _read_page(page, key=key, url=url)
    return page


def address_of(page: Page, *, key: str, url: str) -> str:
    """
    The address of a list as its page names it; empty if it does not.

    :raises BulkExportsResponseError: if the page is no page of a list.
    """
    _, meta = _read_page(page, key=key, url=url)
    names = (parsing.text_or_none(meta.get(name), parsing.LONGEST_URL) for name in ("url", "first_page_url"))
    return next(filter(None, names), "")


def _read_page(page: Page, *, key: str, url: str) -> tuple[Elements, Page]:
    """A page's elements, and what it says of itself."""
    meta = page.get("meta")
    meta = meta if isinstance(meta, Mapping) else {}
    return _elements(page, (key, parsing.text_or_none(meta.get("key"))), url), meta


def _identity(element: Any) -> Any:
    """What tells an element of a list from the others; a job's sid does, without its thousands of days."""
    try:
        return getattr(element, "job_sid", None) or repr(element)
    except RecursionError:
        return type(element).__name__


def _elements(page: Page, keys: tuple[str, str | None], url: str) -> Elements:
    for key in keys:
        if key is not None and isinstance(elements := page.get(key), list):
            return elements
    raise BulkExportsResponseError(
        f"{redact_url(url)} answered without the array {keys[0]!r}: is the connection's host Twilio's BulkExports API?"
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
        f"{redact_url(first_url)} named its next page on another host ({where}). It was not "
        "asked, because the request carries the credentials. If a proxy stands before Twilio, let it rewrite "
        "meta.next_page_url.",
        is_transient=False,
    )


def _joined(current: str, next_url: Any) -> str | None:
    try:
        return urljoin(current, next_url) if isinstance(next_url, str) and is_unambiguous(next_url) else None
    except ValueError:
        return None


def _loop(first_url: str, pages: int) -> BulkExportsResponseError:
    return BulkExportsResponseError(
        f"{redact_url(first_url)} leads in a circle: after {pages} pages it named one that was already "
        "read, or more than any account has. So the list cannot be read to its end; try again, and report it to Twilio "
        "if it stays.",
        is_transient=False,
    )
