"""Pages of a list, with Twilio's ``meta`` object: absolute URLs and opaque tokens."""

from __future__ import annotations

import base64
import binascii
import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from airflow_provider_bulkexports.simulator.errors import RefusedError
from airflow_provider_bulkexports.simulator.knobs import Knobs

__all__ = ["cut_page"]

DEFAULT_PAGE_SIZE = 50

_T = TypeVar("_T")
_NUMBER = re.compile(r"[0-9]{1,18}")
_TOKEN = re.compile(r"([a-z]+):(-?[0-9]{1,18})")


def cut_page(
    items: Sequence[_T],
    *,
    number: Callable[[_T], int],
    key: str,
    url: str,
    query: Mapping[str, str],
    maximum: int,
    knobs: Knobs,
) -> tuple[Sequence[_T], dict[str, Any]]:
    """
    Return the page that a query asks for, and its ``meta``.

    A token names the item before its page, so pages neither skip nor repeat items when the list changes.

    :param number: Returns an item's number; ascending in the list, and never reused.
    :param key: Name of the array in the response; also part of the token.
    :param url: Absolute URL of the list, without a query.
    :param maximum: Greatest ``PageSize``.
    :returns: The items of the page, and ``meta``.
    :raises RefusedError: 400 if a size, page number or token is invalid.
    """
    size = _page_size(query, maximum, knobs)
    page = _number(query, "Page", 0)
    numbers = [number(item) for item in items]
    start = bisect_right(numbers, _read_token(query["PageToken"], key)) if query.get("PageToken") else 0
    stop = start + size

    def page_url(page: int, offset: int) -> str:
        token = {"PageToken": _make_token(key, numbers[offset - 1])} if offset > 0 else {}
        return f"{url}?{urlencode({'PageSize': size, 'Page': page, **token})}"

    meta = {
        "page": page,
        "page_size": size,
        "key": key,
        "url": page_url(page, start),
        "first_page_url": page_url(0, 0),
        "next_page_url": page_url(page + 1, stop) if stop < len(items) else None,
        "previous_page_url": page_url(max(0, page - 1), start - size) if start else None,
    }
    return items[start:stop], meta


def _page_size(query: Mapping[str, str], maximum: int, knobs: Knobs) -> int:
    size = _number(query, "PageSize", DEFAULT_PAGE_SIZE)
    if size < 1 or (size > maximum and knobs.page_size_above_maximum == "reject"):
        raise RefusedError(400, 20001, f"PageSize must be between 1 and {maximum}")
    return min(size, maximum)


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not _NUMBER.fullmatch(text):
        raise RefusedError(400, 20001, f"{name} must be a number")
    return int(text)


def _make_token(key: str, last: int) -> str:
    return "PA" + base64.urlsafe_b64encode(f"{key}:{last}".encode()).decode()


def _read_token(token: str, key: str) -> int:
    try:
        text = base64.urlsafe_b64decode(token.removeprefix("PA")).decode()
    except (binascii.Error, ValueError):
        text = ""
    parts = _TOKEN.fullmatch(text)
    if parts is None or parts[1] != key:
        raise RefusedError(400, 20001, "PageToken was not issued by this service")
    return int(parts[2])
