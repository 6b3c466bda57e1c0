"""
Receive an answer within bounds: of time as a whole, of bytes on the line, of bytes once inflated.

The time-out of a socket starts anew with every byte, so a server that sends one every half second holds a request for
ever; here each wait for bytes is cut to what is left for the answer: interim answers, header lines and the body. No
thread is needed for that. A body is inflated piece by piece and no further than its limit, since a kilobyte may hold
gigabytes.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
import zlib
from collections.abc import Iterator
from typing import Any

import requests
from urllib3.exceptions import HTTPError

from airflow_provider_bulkexports.api.connections import ConnectionAdapter

__all__ = ["AnswerTooLateError", "BrokenBodyError", "ReceivingAdapter", "UnreadableBodyError", "read_body"]

_PIECE = 1 << 16

#: What a request asks for, and the answer may therefore have: one of these, once.
ENCODINGS = ("gzip", "deflate")
_WINDOWS = {"gzip": (31,), "x-gzip": (31,), "deflate": (15, -15)}  # some servers send deflate without its frame

_GZIP_MAGIC = b"\x1f\x8b"

#: Members of one gzip body. One is usual; each may be empty, and takes work all the same.
_MOST_MEMBERS = 1_000


class AnswerTooLateError(TimeoutError):
    """An answer was still not complete when its time was over."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the answer was not complete after {seconds:g} seconds")


class BrokenBodyError(Exception):
    """A body ended early."""


class UnreadableBodyError(Exception):
    """A body is larger than any of Twilio's, or in an encoding that was not asked for."""


class ReceivingAdapter(ConnectionAdapter):
    """
    An adapter whose responses are complete within a time limit, or fail.

    :param seconds: Time from the end of the request to the last byte of the response.
    """

    def __init__(self, *, seconds: float, **kwargs: Any) -> None:
        self._response = type("TimedResponse", (_TimedResponse,), {"seconds": seconds})
        super().__init__(**kwargs)

    def connection_class(self, base: type[Any], *, is_proxied: bool) -> type[Any]:
        """Limit the time of every response, whatever the kind of connection."""
        return type(f"Timed{base.__name__}", (base,), {"response_class": self._response})


class _TimedResponse(http.client.HTTPResponse):
    """Reads an answer from a socket; its time begins with it."""

    seconds: float

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._source = _TimedFile(self.fp.detach(), sock, self.seconds)
        self.fp = io.BufferedReader(self._source)

    def begin(self) -> None:
        """Read up to the body. Headers that break off are no answer, though the library takes them for complete."""
        super().begin()
        if self._source.has_ended:
            raise http.client.RemoteDisconnected("the connection was closed among the headers of the answer")

    def _read_status(self) -> tuple[str, int, str]:
        """
        Let every interim answer be passed over, as the library does with its 100 only.

        It would take a proxy's 102 or 103 for the answer, and the answer for that to the connection's next request.
        """
        version, status, reason = super()._read_status()  # type: ignore[misc]  # not in the stubs
        is_interim = 100 < status < 200 and status != http.client.SWITCHING_PROTOCOLS
        return version, http.client.CONTINUE if is_interim else status, reason


class _TimedFile(io.RawIOBase):
    """A socket's bytes, as long as there is time."""

    def __init__(self, raw: Any, sock: socket.socket, seconds: float) -> None:
        self._raw = raw
        self._sock = sock
        self._seconds = seconds
        self._end = time.monotonic() + seconds
        self._patience = sock.gettimeout()
        #: Whether there is nothing more to come.
        self.has_ended = False

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Wait for bytes, for as long as the socket's time-out and the time of the answer allow."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise AnswerTooLateError(self._seconds)
        is_last = self._patience is None or left < self._patience
        if is_last:
            self._sock.settimeout(left)
        try:
            received: int | None = self._raw.readinto(buffer)
        except TimeoutError as error:
            if is_last:
                raise AnswerTooLateError(self._seconds) from error
            raise
        self.has_ended = received == 0
        return received

    def close(self) -> None:
        """Let go of the socket."""
        self._raw.close()
        super().close()


def read_body(response: requests.Response, limit: int, *, cut: bool = False) -> None:
    """
    Read the body of a streamed answer, so that its ``content`` is there, and let go of its connection.

    :param limit: Most bytes, also when inflated.
    :param cut: Be content with what there is of a body that is longer, breaks off, or cannot be read.
    :raises BrokenBodyError: if it ended early.
    :raises UnreadableBodyError: if it is too long, or in an encoding that was not asked for.
    """
    content = bytearray()
    try:
        for piece in _inflated(response, limit):
            content += piece
    except (BrokenBodyError, UnreadableBodyError, HTTPError, http.client.HTTPException, OSError, ValueError):
        if not cut:
            raise
    finally:
        response.raw.close()  # a connection whose answer came to its end is in its pool again, and stays open
    response.raw = io.BytesIO(content)
    assert response.content is not None


def _inflated(response: requests.Response, limit: int) -> Iterator[bytes]:
    inflater = _inflater(response.headers.get("Content-Encoding", ""))
    received = length = 0
    while piece := response.raw.read1(_PIECE, decode_content=False):
        received += len(piece)
        inflated = inflater.feed(piece, limit + 1 - length)
        length += len(inflated)
        yield inflated
        if max(received, length) > limit:
            raise UnreadableBodyError(f"the answer has more than {limit} bytes")
    inflater.require_end(received)


class _Plain:
    """A body as it is."""

    def feed(self, piece: bytes, room: int) -> bytes:
        return piece[:room]

    def require_end(self, received: int) -> None:
        """It has no end of its own."""


class _Inflater:
    """
    A compressed body.

    :param windows: What `zlib` calls the ways to read it; the first that fits the beginning is used.
    """

    def __init__(self, windows: tuple[int, ...]) -> None:
        self._windows = list(windows)
        self._is_gzip = windows == _WINDOWS["gzip"]
        self._decoder: Any = None
        self._members = 1

    def feed(self, piece: bytes, room: int) -> bytes:
        """Inflate, to no more than ``room`` bytes."""
        inflated = bytearray()
        while piece and len(inflated) < room:
            if self._decoder is None:
                inflated += self._begin(piece, room - len(inflated))
            elif self._decoder.eof:
                if not (self._is_gzip and _GZIP_MAGIC.startswith(piece[:2])):  # a piece may be a single byte
                    break  # padding behind the end
                self._members += 1
                if self._members > _MOST_MEMBERS:
                    raise UnreadableBodyError(f"its compressed body has more than {_MOST_MEMBERS} parts")
                self._decoder = zlib.decompressobj(self._windows[0])
                continue
            else:
                inflated += self._inflate(piece, room - len(inflated))
            piece = self._decoder.unused_data or self._decoder.unconsumed_tail
        return bytes(inflated)

    def require_end(self, received: int) -> None:
        """Refuse a body that ends in the middle; none at all is none."""
        if received and not (self._decoder and self._decoder.eof):
            raise BrokenBodyError("the compressed body ended early")

    def _begin(self, piece: bytes, room: int) -> bytes:
        while True:
            self._decoder = zlib.decompressobj(self._windows[0])
            try:
                return self._inflate(piece, room)
            except BrokenBodyError:
                if len(self._windows) == 1:
                    raise
                del self._windows[0]

    def _inflate(self, piece: bytes, room: int) -> bytes:
        try:
            return self._decoder.decompress(piece, room)  # type: ignore[no-any-return]
        except zlib.error as error:
            raise BrokenBodyError(f"the compressed body is damaged: {error}") from error


def _inflater(encoding: str) -> _Plain | _Inflater:
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return _Plain()
    if encoding in _WINDOWS:
        return _Inflater(_WINDOWS[encoding])
    raise UnreadableBodyError("the body is in an encoding that was not asked for")
