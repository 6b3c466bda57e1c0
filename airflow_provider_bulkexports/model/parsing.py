"""
Read one field of a response. A value that cannot be used is ``None``, never an error.

The results are safe to store and log: a text is one printable line of bounded length, a number fits into every
database, and a date is in a plausible range.
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

#: Longest text of one field, and longest URL.
LONGEST_TEXT = 1_000
LONGEST_URL = 4_000

#: Largest whole number that is exact in every language's JSON, where numbers are doubles.
LARGEST_NUMBER = 2**53

#: Longest text of a number, and of a day or moment.
_LONGEST_NUMBER = 20
_LONGEST_MOMENT = 64

#: Most days of one list. A job has 366.
_MOST_DAYS = 1_000

#: Limits of fields that this package does not know: elements of one value, and levels.
_MOST_ELEMENTS = 50
_MOST_LEVELS = 4

#: Plausible years: Twilio was founded in 2008, and reports nothing about the far future.
_YEARS = range(2008, 2101)

_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

_E = TypeVar("_E", bound=Enum)


def as_list(value: Any) -> list[Any]:
    """Return a list as it is, an empty one for null, else a list of the value."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def text_or_none(value: Any, limit: int = LONGEST_TEXT) -> str | None:
    """Return a string that is not empty, as one printable line."""
    return printable(value, limit) if isinstance(value, str) and value else None


def shown(value: object, limit: int = 100) -> str:
    """Quote a value for an error."""
    try:
        return printable(repr(value), limit)
    except Exception:  # noqa: BLE001 -- an exception of a foreign object must not hide the error about it
        return f"<{type(value).__name__}>"


def integer_or_none(value: Any, *, capped: bool = False) -> int | None:
    """
    Return a whole number from 0 to 2^53, also from a string.

    :param capped: Reduce a larger number to 2^53.
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
    """Limit a value of an unknown field to what is safe to store and log."""
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
    Remembers what was logged, so that it is logged once.

    :param limit: Most things to remember; further ones are not logged.
    """

    def __init__(self, limit: int = 100) -> None:
        self._limit = limit
        self._seen: set[str] = set()

    def is_new(self, thing: str) -> bool:
        """Whether this is the first call for a thing."""
        if thing in self._seen or len(self._seen) >= self._limit:
            return False
        self._seen.add(thing)
        return True


def day_or_none(value: Any) -> date | None:
    """Return a day of this century, also from a text that continues with a time."""
    return _day(value[:_LONGEST_MOMENT]) if isinstance(value, str) else None


def days(values: Any) -> tuple[date, ...]:
    """Return the days of a list in its order, without values that are not days."""
    listed = as_list(values)[:_MOST_DAYS]
    try:
        is_short = max(map(len, listed), default=0) <= _LONGEST_MOMENT
        found = tuple(map(_day if is_short else day_or_none, listed))
    except TypeError:  # some are not texts, or not hashable
        found = tuple(map(day_or_none, listed))
    return tuple(filter(None, found)) if None in found else found  # type: ignore[return-value]  # without None


@lru_cache(maxsize=4096)  # a page of jobs names the same days a thousand times
def _day(value: str) -> date | None:
    found = _ISO_DAY.match(value)
    try:
        read = date.fromisoformat(found.group()) if found else None
    except ValueError:
        return None
    return read if read and read.year in _YEARS else None


def member_or_none(kind: type[_E], value: Any) -> _E | None:
    """Return the member of an enum with exactly this value."""
    try:
        return kind(value)
    except ValueError:
        return None


def moment_or_none(value: Any) -> datetime | None:
    """Read Twilio's time, which has no zone and 0, 3, 6 or 9 decimals, as a UTC moment in whole seconds."""
    if not isinstance(value, str) or len(value) > _LONGEST_MOMENT:
        return None
    try:
        return _plausible(datetime.fromisoformat(re.sub(r"\.\d+", "", value.strip()).replace("Z", "+00:00")))
    except (OverflowError, ValueError):
        return None


def http_date_or_none(value: Any) -> datetime | None:
    """Read a moment of an HTTP header (``Tue, 24 Nov 2026 00:00:01 GMT``), in UTC."""
    if not isinstance(value, str) or len(value) > _LONGEST_MOMENT:
        return None
    try:
        return _plausible(parsedate_to_datetime(value))
    except (IndexError, OverflowError, TypeError, ValueError):
        return None


def _plausible(moment: datetime) -> datetime | None:
    """Return the moment in UTC, unless its year is implausible."""
    if moment.year not in _YEARS:
        return None
    if moment.utcoffset() is None:
        return moment.replace(tzinfo=timezone.utc)
    return moment.astimezone(timezone.utc)
