"""
Read the JSON object in an answer's body, whatever else may be there.

A page of a thousand jobs is megabytes of JSON. Decoded in one call it would hold the interpreter, and with it the event
loop of a process that waits in another thread, for a tenth of a second: a large body is decoded element by element.
Each element can be read into what it means at once, and the page is never there as a whole: the collector of garbage
holds the interpreter as well, the sooner the more objects there are.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import requests

__all__ = ["Read", "json_object"]

#: Bytes up to which one call decodes the whole body, in about a millisecond.
_SMALL = 1 << 17

#: Elements after which other threads are let in.
_AT_A_TIME = 20

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")


Read = Callable[[Mapping[str, Any]], Any]


def json_object(response: requests.Response, *, read: Read | None = None) -> Mapping[str, Any] | None:
    """
    Return the object; ``None`` for any other body, such as a gateway's HTML page or none at all.

    :param read: Applied to the objects of arrays in it; they are replaced by what it returns.
    """
    try:
        if len(response.content) > _SMALL:
            return _object(response.content.decode("utf-8-sig"), read)
        body = response.json()
    except (RecursionError, ValueError):
        return None
    if not isinstance(body, Mapping):
        return None
    if read is None:
        return body
    return {name: _all_read(value, read) if isinstance(value, list) else value for name, value in body.items()}


def _all_read(elements: Iterable[Any], read: Read) -> list[Any]:
    return [read(element) if isinstance(element, Mapping) else element for element in elements]


def _object(text: str, read: Read | None) -> dict[str, Any]:
    """
    Decode an object; its arrays element by element.

    :raises ValueError: if the text is anything else.
    """
    found: dict[str, Any] = {}
    at = _behind(text, 0, "{")
    while not text.startswith("}", at):
        if found:
            at = _behind(text, at, ",")
        if not text.startswith('"', at):
            raise ValueError(f"no name at {at}")
        name, at = _DECODER.raw_decode(text, at)
        at = _behind(text, at, ":")
        found[name], at = _array(text, at, read) if text.startswith("[", at) else _DECODER.raw_decode(text, at)
        at = _skip(text, at)
    if _behind(text, at, "}") != len(text):
        raise ValueError("more text behind the object")
    return found


def _array(text: str, at: int, read: Read | None) -> tuple[list[Any], int]:
    elements: list[Any] = []
    at = _behind(text, at, "[")
    while not text.startswith("]", at):
        if elements:
            at = _behind(text, at, ",")
        element, at = _DECODER.raw_decode(text, at)
        elements.append(read(element) if read and isinstance(element, dict) else element)
        at = _skip(text, at)
        if len(elements) % _AT_A_TIME == 0:
            time.sleep(0)
    return elements, at + 1


def _behind(text: str, at: int, mark: str) -> int:
    """Position behind a mark that has to follow, and behind the white space around it."""
    at = _skip(text, at)
    if not text.startswith(mark, at):
        raise ValueError(f"no {mark!r} at {at}")
    return _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    assert found is not None
    return found.end()
