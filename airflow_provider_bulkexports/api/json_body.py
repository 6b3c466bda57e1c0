"""
The JSON object in a response's body, of any size, well-formed or not.

A page of a thousand jobs is megabytes of JSON. Decoding it in one call would hold the interpreter lock, and with it the
event loop of a process that polls in another thread, for a tenth of a second. So a large body is split into elements
first, and each element is decoded and read by itself: the page never exists as a whole, which also spares the garbage
collector. A :class:`ListCache` skips the elements that have not changed since the list was last read.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    import requests

__all__ = ["Body", "ElementReader", "ListCache", "read_json_object"]

#: Bytes up to which the whole body is decoded in one call, in about a millisecond.
_SMALL = 1 << 17

#: Most values and levels of one body: commas and brackets. A thousand jobs of 366 days have 400,000.
_MOST_VALUES = 2_000_000

#: Elements after which other threads get the interpreter lock.
_BATCH = 20

#: Most digits of a whole number. Longer ones take long to read, and Python refuses them from some length on.
_MOST_DIGITS = 1_000

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def _whole(digits: str) -> int | None:
    return int(digits) if len(digits) <= _MOST_DIGITS else None


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def _no_number(_: str) -> None:
    """NaN and Infinity are not JSON, and cannot be written as JSON again."""


_DECODER = json.JSONDecoder(parse_int=_whole, parse_float=_finite, parse_constant=_no_number)
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ELEMENTS = msgspec.json.Decoder(list[msgspec.Raw])


ElementReader = Callable[[Mapping[str, Any]], Any]


class Body(dict[str, Any]):
    """A JSON object that was a response's body."""

    #: Bytes of the body.
    size = 0


class ListCache:
    """
    Reads the elements of one list, poll after poll, and reuses those whose bytes have not changed.

    An element that cannot be read is ``None`` and does not affect the others.

    :param read: Makes something of an element. Its second argument is what it made of the same element last time, if
        any: sharing the equal parts keeps the garbage collector idle.
    :param key: Name of the field that identifies an element within the list.
    """

    def __init__(self, read: Callable[[Mapping[str, Any], Any], Any], key: str) -> None:
        self._read = read
        self._key = key
        self._latest: dict[bytes, tuple[Any, Any]] = {}
        self._former: dict[bytes, tuple[Any, Any]] = {}
        self._former_by_key: dict[Any, Any] = {}

    def __call__(self, payload: Mapping[str, Any]) -> Any:
        """Read an element without caching it."""
        return self._read_alone(payload, None)

    def begin(self) -> None:
        """Start reading the list again; its pages follow."""
        self._former, self._latest = self._latest, {}
        self._former_by_key = dict(self._former.values())

    def decode(self, content: bytes, decode: Callable[[bytes], Any]) -> Any:
        """Read the JSON of an element, or return what was made of the same bytes last time."""
        if known := self._former.get(content):
            self._latest[content] = known
            return known[1]
        payload = decode(content)
        if not isinstance(payload, dict):
            return payload
        key = payload.get(self._key)
        key = key if isinstance(key, str) else None
        element = self._read_alone(payload, self._former_by_key.get(key))
        if element is not None:
            self._latest[content] = key, element
        return element

    def _read_alone(self, payload: Mapping[str, Any], former: Any) -> Any:
        try:
            return self._read(payload, former)
        except Exception:  # noqa: BLE001  # a fault of ours; a wait for this element requests it alone and gets the error
            return None


def read_json_object(response: requests.Response, *, read: ElementReader | None = None) -> Body | None:
    """
    Return the object; ``None`` for any other body, for example a gateway's HTML page or an empty one.

    :param read: Replaces each object in its arrays by what it returns. A :class:`ListCache` is for bodies with a single
        array of objects.
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
    if len(content) <= _SMALL:
        return _object(_decoded(content), read)
    content = content.removeprefix(_BYTE_ORDER_MARK)
    pieces = _Pieces(content)
    try:
        members = _MEMBERS.decode(content)
    except msgspec.DecodeError:  # stricter than the standard library: no NaN, no half of a surrogate pair
        return _object(pieces.text_of(content), read)
    return {name: _value(member, pieces, read) for name, member in members.items()}


def _decoded(content: bytes) -> str:
    try:
        return content.decode(json.detect_encoding(content))
    except UnicodeDecodeError:
        return content.decode("latin-1")  # of a gateway; its words are worth reading all the same


def _object(text: str, read: ElementReader | None) -> dict[str, Any] | None:
    """Decode an object in one call; ``None`` for another value."""
    found = _DECODER.decode(text)
    if not isinstance(found, dict):
        return None
    if read is None:
        return found
    return {name: _all_read(value, read) if isinstance(value, list) else value for name, value in found.items()}


def _all_read(elements: Iterable[Any], read: ElementReader) -> list[Any]:
    return [read(element) if isinstance(element, Mapping) else element for element in elements]


class _Pieces:
    """
    Decodes the pieces of a large body, up to a number of values in all.

    :raises ValueError: if a piece is not JSON, or the body has more values than any response has.
    """

    def __init__(self, content: bytes) -> None:
        self._values_left = _MOST_VALUES - content.count(b",")
        self._check()

    def text_of(self, content: bytes) -> str:
        self._values_left -= content.count(b"[") + content.count(b"{")
        self._check()
        return content.decode()

    def decode(self, content: bytes) -> Any:
        return _DECODER.decode(self.text_of(content))

    def _check(self) -> None:
        if self._values_left < 0:
            raise ValueError("more values than any response has")


def _value(member: msgspec.Raw, pieces: _Pieces, read: ElementReader | None) -> Any:
    """Decode a value; an array element by element."""
    content = bytes(member)
    if not content.startswith(b"["):
        return pieces.decode(content)
    elements = []
    for number, raw in enumerate(_ELEMENTS.decode(content), 1):
        elements.append(_element(bytes(raw), pieces, read))
        if number % _BATCH == 0:
            time.sleep(0)
    return elements


def _element(content: bytes, pieces: _Pieces, read: ElementReader | None) -> Any:
    if isinstance(read, ListCache):
        return read.decode(content, pieces.decode)
    element = pieces.decode(content)
    return read(element) if read and isinstance(element, dict) else element
