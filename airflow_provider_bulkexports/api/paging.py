"""Follow ``meta.next_page_url`` through a list, on the configured origin only and never in circles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from airflow_provider_bulkexports.api import fields
from airflow_provider_bulkexports.api.redact import redact_url
from airflow_provider_bulkexports.exceptions import BulkExportsResponseError

__all__ = ["iterate_pages"]

#: No list of Twilio's comes near this: at 50 jobs a page it would be half a million jobs in seven days.
MAX_PAGES = 10_000

#: Pages equal to an earlier one that are still believed: days have no sid, and a page may be empty.
REPEATED_PAGES = 5

_DEFAULT_PORTS = {"http": 80, "https": 443}


def iterate_pages(fetch: Callable[[str], Mapping[str, Any]], first_url: str, *, key: str) -> Iterator[list[Any]]:
    """
    Yield the elements of a list, page by page.

    :param fetch: Gets a URL with the credentials and returns its JSON object; its elements may be read already.
    :param first_url: Absolute URL of the first page; its origin is the only one ever asked.
    :param key: Name of the array; if there is none of it, the one that the answer names counts (``meta.key``).
    :raises BulkExportsResponseError: if a page leads to another origin, to a page already read, or to no end.
    """
    seen: set[str] = set()
    contents: set[int] = set()
    repeated = 0
    url: str | None = first_url
    while url is not None:
        if url in seen or len(seen) >= MAX_PAGES:
            raise _loop(first_url, len(seen))
        seen.add(url)
        page = fetch(url)
        meta = page.get("meta")
        meta = meta if isinstance(meta, Mapping) else {}
        elements = _elements(page, (key, fields.text(meta.get("key"))), url)
        url = _next_url(meta.get("next_page_url"), current=url, first_url=first_url)
        repeated += (content := hash(tuple(map(_identity, elements)))) in contents
        if url is not None and repeated > REPEATED_PAGES:
            raise _loop(first_url, len(seen))
        contents.add(content)
        yield elements


def _identity(element: Any) -> Any:
    """What tells an element of a list from the others; a job's sid does, without its thousands of days."""
    return getattr(element, "job_sid", None) or repr(element)


def _elements(page: Mapping[str, Any], keys: tuple[str, str | None], url: str) -> list[Any]:
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
    if target is not None and _origin(target) == _origin(first_url):
        return target
    raise BulkExportsResponseError(
        f"{redact_url(first_url)} named its next page on another host ({redact_url(str(next_url))}). It was not "
        "asked, because the request carries the credentials. If a proxy stands before Twilio, let it rewrite "
        "meta.next_page_url.",
        is_transient=False,
    )


def _joined(current: str, next_url: Any) -> str | None:
    try:
        return urljoin(current, next_url) if isinstance(next_url, str) else None
    except ValueError:
        return None


def _origin(url: str) -> tuple[str, str | None, int | None] | None:
    """Scheme, host and port; ``None``, equal to no origin, for what no request should be sent to."""
    try:
        parts: SplitResult = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    if parts.username is not None or parts.password is not None:
        return None
    return parts.scheme, parts.hostname, port


def _loop(first_url: str, pages: int) -> BulkExportsResponseError:
    return BulkExportsResponseError(
        f"{redact_url(first_url)} leads in a circle: after {pages} pages it named one that was already read. "
        "So the list cannot be read to its end; try again, and report it to Twilio if it stays.",
        is_transient=False,
    )
