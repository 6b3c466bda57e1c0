"""Read one field of an answer, whatever Twilio put there: a value that cannot be used is ``None``, never an error."""

from __future__ import annotations

import re
from datetime import date, datetime, timezone
from email.utils import parsedate_to_datetime
from enum import Enum
from functools import lru_cache
from typing import Any, TypeVar

__all__ = ["as_list", "day", "days", "http_moment", "integer", "member", "text", "utc_moment"]

#: Moments outside of these years are absurd: Twilio was founded in 2008, and nothing it says is about a far future.
_YEARS = range(2008, 2101)

_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

_E = TypeVar("_E", bound=Enum)


def as_list(value: Any) -> list[Any]:
    """The value itself if it is a list, nothing for null, else a list of the one."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def text(value: Any) -> str | None:
    """A string that says something."""
    return value if isinstance(value, str) and value else None


def integer(value: Any) -> int | None:
    """A whole number, also one that came as a string."""
    try:
        return int(value)
    except (OverflowError, TypeError, ValueError):
        return None


def day(value: Any) -> date | None:
    """A day, also one with a time behind it."""
    return _day(value) if isinstance(value, str) else None


def days(values: Any) -> tuple[date, ...]:
    """The days of a list, in its order; what is no day is left out."""
    listed = as_list(values)
    try:
        found = tuple(map(_day, listed))
    except TypeError:  # not all of them are texts, or fit to be remembered
        found = tuple(map(day, listed))
    return tuple(filter(None, found)) if None in found else found  # type: ignore[return-value]  # None is not in it


@lru_cache(maxsize=4096)  # a page of jobs names the same days a thousand times
def _day(value: str) -> date | None:
    found = _ISO_DAY.match(value)
    try:
        return date.fromisoformat(found.group()) if found else None
    except ValueError:
        return None


def member(kind: type[_E], value: Any) -> _E | None:
    """A word of an enum, spelled exactly."""
    try:
        return kind(value)
    except ValueError:
        return None


def utc_moment(value: Any) -> datetime | None:
    """Read Twilio's zoneless time, which comes with 0, 3, 6 or 9 digits of fraction; whole seconds are enough."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(re.sub(r"\.\d+", "", value.strip()).replace("Z", "+00:00"))
        if moment.utcoffset() is None:
            return moment.replace(tzinfo=timezone.utc)
        return moment.astimezone(timezone.utc)
    except (OverflowError, ValueError):
        return None


def http_moment(value: Any) -> datetime | None:
    """Read a moment as HTTP headers have it (``Tue, 24 Nov 2026 00:00:01 GMT``), in UTC."""
    if not isinstance(value, str) or len(value) > 64:
        return None
    try:
        moment = parsedate_to_datetime(value)
    except (IndexError, OverflowError, TypeError, ValueError):
        return None
    if moment.year not in _YEARS:
        return None
    if moment.utcoffset() is None:
        return moment.replace(tzinfo=timezone.utc)
    return moment.astimezone(timezone.utc)
