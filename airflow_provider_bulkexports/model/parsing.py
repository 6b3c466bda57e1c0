"""
Read one field of an answer, whatever Twilio put there: a value that cannot be used is ``None``, never an error.

What comes out can travel: text is one printable line of bounded length, numbers fit into every database, dates can be
calculated with.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date, datetime, timezone
from email.utils import parsedate_to_datetime
from enum import Enum
from functools import lru_cache
from typing import Any, TypeVar

from airflow_provider_bulkexports.exceptions import printable

__all__ = [
    "Once",
    "as_list",
    "bounded",
    "day_or_none",
    "days",
    "http_date_or_none",
    "integer_or_none",
    "member_or_none",
    "moment_or_none",
    "shown",
    "text_or_none",
]

#: Longest text that is kept of one field, and longest URL.
LONGEST_TEXT = 1_000
LONGEST_URL = 4_000

#: Largest number that is believed: JSON of other languages, and doubles, have no larger whole one.
LARGEST_NUMBER = 2**53

#: Longest spelling of a number, and of a day or moment, that is looked at.
_LONGEST_NUMBER = 20
_LONGEST_MOMENT = 64

#: Most days of one list that are read. A job has 366.
_MOST_DAYS = 1_000

#: What is kept of fields that this package does not know: elements of one value, and levels.
_MOST_ELEMENTS = 50
_MOST_LEVELS = 4

#: Moments outside of these years are absurd: Twilio was founded in 2008, and nothing it says is about a far future.
_YEARS = range(2008, 2101)

_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

_E = TypeVar("_E", bound=Enum)


def as_list(value: Any) -> list[Any]:
    """The value itself if it is a list, nothing for null, else a list of the one."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def text_or_none(value: Any, limit: int = LONGEST_TEXT) -> str | None:
    """A string that says something."""
    return printable(value, limit) if isinstance(value, str) and value else None


def shown(value: object, limit: int = 100) -> str:
    """A value as an error quotes it."""
    try:
        return printable(repr(value), limit)
    except Exception:  # noqa: BLE001 -- a foreign object's own fault must not hide what is wrong with it
        return f"<{type(value).__name__}>"


def integer_or_none(value: Any, *, capped: bool = False) -> int | None:
    """
    A whole number from 0 to 2^53, also one that came as a string.

    :param capped: Take a larger one for the largest.
    """
    if isinstance(value, bool) or (isinstance(value, str) and len(value) > _LONGEST_NUMBER):
        return None
    try:
        number = int(value)
    except (OverflowError, TypeError, ValueError):
        return None
    if capped:
        number = min(number, LARGEST_NUMBER)
    return number if 0 <= number <= LARGEST_NUMBER else None


def bounded(value: Any, levels: int = _MOST_LEVELS) -> Any:
    """A value of a field that this package does not know, without anything in it that could not travel."""
    if isinstance(value, str):
        return printable(value, LONGEST_TEXT)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) <= LARGEST_NUMBER else None
    if levels and isinstance(value, list):
        return [bounded(element, levels - 1) for element in value[:_MOST_ELEMENTS]]
    if levels and isinstance(value, Mapping):
        named = list(value.items())[:_MOST_ELEMENTS]
        return {printable(name, LONGEST_TEXT): bounded(element, levels - 1) for name, element in named}
    return None


class Once:
    """
    Tells what is said for the first time, so that it is logged once.

    :param limit: Things that are remembered; what comes when it is full counts as said.
    """

    def __init__(self, limit: int = 100) -> None:
        self._limit = limit
        self._said: set[str] = set()

    def is_new(self, thing: str) -> bool:
        """Whether it was not said before; it is now."""
        if thing in self._said or len(self._said) >= self._limit:
            return False
        self._said.add(thing)
        return True


def day_or_none(value: Any) -> date | None:
    """A day of this century, also one with a time behind it."""
    return _day(value[:_LONGEST_MOMENT]) if isinstance(value, str) else None


def days(values: Any) -> tuple[date, ...]:
    """The days of a list, in its order; what is no day is left out."""
    listed = as_list(values)[:_MOST_DAYS]
    try:
        is_short = max(map(len, listed), default=0) <= _LONGEST_MOMENT
        found = tuple(map(_day if is_short else day_or_none, listed))
    except TypeError:  # not all of them are texts, or fit to be remembered
        found = tuple(map(day_or_none, listed))
    return tuple(filter(None, found)) if None in found else found  # type: ignore[return-value]  # None is not in it


@lru_cache(maxsize=4096)  # a page of jobs names the same days a thousand times
def _day(value: str) -> date | None:
    found = _ISO_DAY.match(value)
    try:
        read = date.fromisoformat(found.group()) if found else None
    except ValueError:
        return None
    return read if read and read.year in _YEARS else None


def member_or_none(kind: type[_E], value: Any) -> _E | None:
    """A word of an enum, spelled exactly."""
    try:
        return kind(value)
    except ValueError:
        return None


def moment_or_none(value: Any) -> datetime | None:
    """Read Twilio's zoneless time, which comes with 0, 3, 6 or 9 digits of fraction; whole seconds are enough."""
    if not isinstance(value, str) or len(value) > _LONGEST_MOMENT:
        return None
    try:
        return _believed(datetime.fromisoformat(re.sub(r"\.\d+", "", value.strip()).replace("Z", "+00:00")))
    except (OverflowError, ValueError):
        return None


def http_date_or_none(value: Any) -> datetime | None:
    """Read a moment as HTTP headers have it (``Tue, 24 Nov 2026 00:00:01 GMT``), in UTC."""
    if not isinstance(value, str) or len(value) > _LONGEST_MOMENT:
        return None
    try:
        return _believed(parsedate_to_datetime(value))
    except (IndexError, OverflowError, TypeError, ValueError):
        return None


def _believed(moment: datetime) -> datetime | None:
    """The moment in UTC, unless its year is absurd."""
    if moment.year not in _YEARS:
        return None
    if moment.utcoffset() is None:
        return moment.replace(tzinfo=timezone.utc)
    return moment.astimezone(timezone.utc)
