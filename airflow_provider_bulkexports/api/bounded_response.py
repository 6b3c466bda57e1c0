"""
Receive a response within limits: of total time, of bytes received, of bytes inflated.

Every byte restarts the timeout of a socket, so a server that sends one byte every half second could hold a request
forever. Here each wait for bytes is cut to the time left for the response: interim responses, headers and body. This
needs no thread. A body is inflated piece by piece up to its limit, since a kilobyte may hold gigabytes.
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
from airflow_provider_bulkexports.model.plain import counted

__all__ = ["BrokenBodyError", "ReceivingAdapter", "ResponseTooLateError", "UnreadableBodyError", "read_body"]

_PIECE = 1 << 16

#: Encodings that a request accepts; a response may have one of them, once.
ENCODINGS = ("gzip", "deflate")
_WINDOWS = {"gzip": (31,), "x-gzip": (31,), "deflate": (15, -15)}  # some servers send deflate without its frame

_GZIP_MAGIC = b"\x1f\x8b"

#: Members of one gzip body. One is usual; even an empty one takes work.
_MOST_MEMBERS = 1_000


class ResponseTooLateError(TimeoutError):
    """The response did not complete in time."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the response was not complete after {seconds:g} second{'' if seconds == 1 else 's'}")


class BrokenBodyError(Exception):
    """A body ended early."""


class UnreadableBodyError(Exception):
    """A body is larger than any of Twilio's, or has an encoding that was not requested."""


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
    """A response that is read from a socket with a deadline that starts now."""

    seconds: float

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._source = _TimedFile(self.fp.detach(), sock, self.seconds)
        self.fp = io.BufferedReader(self._source)

    def begin(self) -> None:
        """Read up to the body. Refuse headers that end early; the library takes them for complete."""
        super().begin()
        if self._source.has_ended:
            raise http.client.RemoteDisconnected("the connection closed in the middle of the response headers")

    def _read_status(self) -> tuple[str, int, str]:
        """
        Skip every interim response; the library skips 100 only.

        It would take a proxy's 102 or 103 for the response, and the real response for that of the next request.
        """
        version, status, reason = super()._read_status()  # type: ignore[misc]  # not in the stubs
        is_interim = 100 < status < 200 and status != http.client.SWITCHING_PROTOCOLS
        return version, http.client.CONTINUE if is_interim else status, reason


class _TimedFile(io.RawIOBase):
    """The bytes of a socket, while there is time left."""

    def __init__(self, raw: Any, sock: socket.socket, seconds: float) -> None:
        self._raw = raw
        self._sock = sock
        self._seconds = seconds
        self._end = time.monotonic() + seconds
        self._timeout = sock.gettimeout()
        #: Whether the socket has reached its end.
        self.has_ended = False

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Wait for bytes, as long as the socket's timeout and the time of the response allow."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise ResponseTooLateError(self._seconds)
        is_last = self._timeout is None or left < self._timeout
        if is_last:
            self._sock.settimeout(left)
        try:
            received: int | None = self._raw.readinto(buffer)
        except TimeoutError as error:
            if is_last:
                raise ResponseTooLateError(self._seconds) from error
            raise
        self.has_ended = received == 0
        return received

    def close(self) -> None:
        """Release the socket."""
        self._raw.close()
        super().close()


def read_body(response: requests.Response, limit: int, *, cut: bool = False) -> None:
    """
    Read the body of a streamed response into its ``content``, and release its connection.

    :param limit: Most bytes, received or inflated.
    :param cut: Accept the readable part of a body that is longer, ends early, or cannot be read.
    :raises BrokenBodyError: if it ended early.
    :raises UnreadableBodyError: if it is too long, or has an encoding that was not requested.
    """
    content = bytearray()
    try:
        for piece in _inflated(response, limit):
            content += piece
    except (BrokenBodyError, UnreadableBodyError, HTTPError, http.client.HTTPException, OSError, ValueError):
        if not cut:
            raise
    finally:
        response.raw.close()  # after a complete response, the connection is in its pool again and stays open
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
            raise UnreadableBodyError(f"the response has more than {counted(limit, 'byte')}")
    inflater.require_end(received)


class _Plain:
    """A body without encoding."""

    def feed(self, piece: bytes, room: int) -> bytes:
        return piece[:room]

    def require_end(self, received: int) -> None:
        """Accept any end: such a body does not mark it."""


#: Bytes of the shortest header of a format.
_HEADER = 2


class _Inflater:
    """
    A compressed body.

    :param windows: Formats to try, as ``wbits`` of `zlib`; the first that fits the beginning is used.
    """

    def __init__(self, windows: tuple[int, ...]) -> None:
        self._windows = list(windows)
        self._is_gzip = windows == _WINDOWS["gzip"]
        self._decoder: Any = None
        self._head = b""
        self._members = 1

    def feed(self, piece: bytes, room: int) -> bytes:
        """Inflate to at most ``room`` bytes."""
        if self._decoder is None:  # it takes a whole header to know the format
            piece, self._head = self._head + piece, b""
            if len(piece) < _HEADER:
                self._head = piece
                return b""
        inflated = bytearray()
        while piece and len(inflated) < room:
            if self._decoder is None:
                inflated += self._begin(piece, room - len(inflated))
            elif self._decoder.eof:
                if not (self._is_gzip and _GZIP_MAGIC.startswith(piece[:2])):  # a piece may be a single byte
                    break  # padding after the end
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
        """Refuse a body that ends early; an empty one is fine."""
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
    raise UnreadableBodyError("the body has an encoding that was not requested")
