"""
Make values fit to leave the process, in events, XCom and log lines.

An event goes through JSON, a pipe and a database. A lone surrogate has no UTF-8, PostgreSQL stores no NUL, JSON has no
NaN, and Airflow's encoder takes no integer beyond 64 bits. Any of these would end the triggerer, not just one wait.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from airflow_provider_bulkexports.exceptions import printable

__all__ = ["counted", "listed", "plain", "plain_text", "with_full_stop"]

#: Longest text of a message; what is longer is cut.
LONGEST_TEXT = 2000


def plain_text(value: object, *, longest: int = LONGEST_TEXT) -> str:
    """
    Show a value as one printable line; see :func:`airflow_provider_bulkexports.exceptions.printable`.

    :param longest: Most characters; a longer text ends in ``…``.
    """
    return printable(value, longest)


def plain(value: Any) -> Any:
    """
    Copy a value of JSON's types so that every store and pipe takes it.

    Texts become printable and at most 2,000 characters long. A number that JSON or Airflow cannot write becomes
    ``None``.
    """
    if isinstance(value, str):
        return plain_text(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if -(2**63) <= value < 2**63 else None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {plain_text(key): plain(each) for key, each in value.items()}
    if isinstance(value, Iterable):
        return [plain(each) for each in value]
    return plain_text(value)


def counted(number: float, noun: str) -> str:
    """
    Write a number with its noun: ``1 day``, ``2 days``.

    :param number: Shown without decimals.
    :param noun: In the singular; its plural has an ``s``.
    """
    shown = f"{number:.0f}"
    return f"{shown} {noun}{'' if shown == '1' else 's'}"


def listed(words: Iterable[object], *, most: int = 40) -> str:
    """List words in a sentence: the first ones, and how many more there are."""
    shown = [str(word) for word in words]
    more = len(shown) - most
    return ", ".join(shown[:most]) + (f" and {more} more" if more > 0 else "")


def with_full_stop(value: object) -> str:
    """End a text as a sentence, so that another one can follow."""
    return f"{str(value).rstrip(' .')}."
