"""
Read the JSON object in an answer's body, whatever else may be there.

A page of a thousand jobs is megabytes of JSON. Decoded in one call it would hold the interpreter, and with it the event
loop of a process that waits in another thread, for a tenth of a second: a large body is decoded element by element.
Each element can be read into what it means at once, and the page is never there as a whole: the collector of garbage
holds the interpreter as well, the sooner the more objects there are. Who reads a list again and again can remember its
elements: those whose text is the same as before are then not decoded at all.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import partial
from typing import Any

import requests

__all__ = ["Body", "ElementReader", "ListCache", "read_json_object"]

#: Bytes up to which one call decodes the whole body, in about a millisecond.
_SMALL = 1 << 17

#: Most values and levels of one body: commas and brackets. A thousand jobs of 366 days have 400,000.
_MOST_VALUES = 2_000_000

#: Elements after which other threads are let in.
_BATCH = 20

#: Digits of a whole number that are read; more would take long, and Python refuses them at some number.
_MOST_DIGITS = 1_000


def _whole(digits: str) -> int | None:
    return int(digits) if len(digits) <= _MOST_DIGITS else None


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def _no_number(_: str) -> None:
    """NaN and Infinity are no JSON, and nothing that takes the value on could write them as such."""


_DECODER = json.JSONDecoder(parse_int=_whole, parse_float=_finite, parse_constant=_no_number)
_SPACE = re.compile(r"[ \t\r\n]*")


ElementReader = Callable[[Mapping[str, Any]], Any]


class Body(dict[str, Any]):
    """A JSON object that came as a body."""

    #: Bytes that it had.
    size = 0


class ListCache:
    """
    Reads the elements of one list, time after time, and remembers those of the last time by their text.

    It is for those who look for some of them: an element that cannot be read is ``None``, and takes no other one along.

    :param read: What to make of an element; it may share the parts that are the same with what it is given besides,
        probably that element as it was: objects that are replaced at every look keep the collector of garbage busy.
    :param key: What tells such an element from the others of the list.
    """

    def __init__(self, read: Callable[[Mapping[str, Any], Any], Any], key: Callable[[Any], Hashable]) -> None:
        self._read = read
        self._key = key
        self._former: list[tuple[str, Any]] = []
        self._latest: list[tuple[str, Any]] = []
        self._places: dict[Hashable, int] = {}
        self._next = 0

    def __call__(self, payload: Mapping[str, Any]) -> Any:
        """Read an element without remembering it."""
        return self._read_alone(payload, None)

    def begin(self) -> None:
        """Begin with the list again; its pages follow."""
        self._former, self._latest, self._next = self._latest, [], 0
        self._places = {self._key(element): place for place, (_, element) in enumerate(self._former)}

    def decode(self, text: str, at: int) -> tuple[Any, int]:
        """
        Read the element at a position of a text, and tell where it ends.

        The text of a whole JSON object is never the beginning of another one, so a match is the same element.
        """
        former = None
        if self._next < len(self._former):
            former_text, former = self._former[self._next]
            if text.startswith(former_text, at):
                self._latest.append(self._former[self._next])
                self._next += 1
                return former, at + len(former_text)
        payload, end = _DECODER.raw_decode(text, at)
        if not isinstance(payload, dict):
            return payload, end
        element = self._read_alone(payload, former)
        if element is None:
            return None, end
        self._latest.append((text[at:end], element))
        # A changed element keeps its place; a new one stands before, and a vanished one before that.
        self._next = self._places.get(self._key(element), self._next - 1) + 1
        return element, end

    def _read_alone(self, payload: Mapping[str, Any], former: Any) -> Any:
        try:
            return self._read(payload, former)
        except Exception:  # noqa: BLE001 -- a fault of ours: whoever misses the element asks for it, and is told
            return None


def read_json_object(response: requests.Response, *, read: ElementReader | None = None) -> Body | None:
    """
    Return the object; ``None`` for any other body, such as a gateway's HTML page or none at all.

    :param read: Applied to the objects of arrays in it; they are replaced by what it returns. A :class:`ListCache`
        is for bodies with a single array of objects.
    """
    try:
        found = _object_in(response.content, read)
    except (RecursionError, ValueError):
        return None
    if found is None:
        return None
    body = Body(found)
    body.size = len(response.content)
    return body


def _object_in(content: bytes, read: ElementReader | None) -> dict[str, Any] | None:
    if len(content) > _SMALL:
        return _object(content.decode("utf-8-sig"), read)
    found = _DECODER.decode(_decoded(content))
    if not isinstance(found, dict):
        return None
    if read is None:
        return found
    return {name: _all_read(value, read) if isinstance(value, list) else value for name, value in found.items()}


def _decoded(content: bytes) -> str:
    try:
        return content.decode(json.detect_encoding(content))
    except UnicodeDecodeError:
        return content.decode("latin-1")  # a gateway's, in words that are worth reading all the same


def _all_read(elements: Iterable[Any], read: ElementReader) -> list[Any]:
    return [read(element) if isinstance(element, Mapping) else element for element in elements]


def _object(text: str, read: ElementReader | None) -> dict[str, Any]:
    """
    Decode an object; its arrays element by element.

    :raises ValueError: if the text is anything else.
    """
    if sum(map(text.count, ",[{")) > _MOST_VALUES:
        raise ValueError("more values than any answer has")
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


def _array(text: str, at: int, read: ElementReader | None) -> tuple[list[Any], int]:
    decode = read.decode if isinstance(read, ListCache) else partial(_decode, read)
    elements: list[Any] = []
    at = _behind(text, at, "[")
    while not text.startswith("]", at):
        if elements:
            at = _behind(text, at, ",")
        element, at = decode(text, at)
        elements.append(element)
        at = _skip(text, at)
        if len(elements) % _BATCH == 0:
            time.sleep(0)
    return elements, at + 1


def _decode(read: ElementReader | None, text: str, at: int) -> tuple[Any, int]:
    element, end = _DECODER.raw_decode(text, at)
    return read(element) if read and isinstance(element, dict) else element, end


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
