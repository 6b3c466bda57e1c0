"""
Make values fit to leave the process: in events, XCom and log lines.

An event goes through JSON, a pipe and a database. A lone surrogate has no UTF-8, PostgreSQL stores no NUL, JSON has no
NaN, and Airflow's own encoder takes no integer beyond 64 bits: each of them ends the triggerer, not the one wait.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["listed", "plain", "plain_text"]

#: Longest text of a message; what is longer is cut.
LONGEST_TEXT = 2000

_SURROGATES = re.compile("[\ud800-\udfff]")

#: Control characters, line separators and marks that change the direction of text: with them, lines can be forged.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]+")


def plain_text(value: object, *, longest: int = LONGEST_TEXT) -> str:
    """
    Show a value as one printable line.

    :param longest: Most characters; a longer text ends in ``…``.
    """
    text = str(value)
    text = text if len(text) <= longest else f"{text[: longest - 1]}…"
    # After the cut: that may leave half of something behind.
    return _CONTROLS.sub(" ", _SURROGATES.sub("\ufffd", text))


def plain(value: Any) -> Any:
    """
    Copy a value of JSON's types so that every store and pipe takes it.

    Texts become printable and at most 2,000 characters long. Numbers that do not travel become ``None``.
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


def listed(words: Iterable[object], *, most: int = 40) -> str:
    """List words in a sentence; of many, the first ones, and how many more there are."""
    shown = [str(word) for word in words]
    more = len(shown) - most
    return ", ".join(shown[:most]) + (f" and {more} more" if more > 0 else "")
