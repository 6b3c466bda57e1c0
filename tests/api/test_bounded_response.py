"""A response has a limited time and size, however slowly it arrives and however far it inflates."""

from __future__ import annotations

import gzip
import json
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from support.raw_server import RawServer

from airflow_provider_bulkexports.api.bounded_response import _inflater
from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.api.retry import RetryPolicy
from airflow_provider_bulkexports.exceptions import (
    BulkExportsConnectionError,
    BulkExportsError,
    BulkExportsResponseError,
    BulkExportsServerError,
)

JOB_SID = "JS" + "0123456789abcdef" * 2
JOB = json.dumps({"job_sid": JOB_SID, "friendly_name": "x"}).encode()
ONCE = RetryPolicy(max_retries=0)
DAY = {"start_day": "2026-01-01", "end_day": "2026-01-01", "friendly_name": "x"}
CALLS: dict[str, Callable[[BulkExportsClient], Any]] = {
    "GET": lambda client: client.get_job(JOB_SID),
    "POST": lambda client: client.create_job("Messages", **DAY),
}
MIB = 1 << 20


@pytest.fixture
def raw() -> Iterator[Callable[..., RawServer]]:
    """Start servers that send what a function yields."""
    with ExitStack() as stack:
        yield lambda script: RawServer(stack, script)


def every(seconds: float, beginning: bytes, piece: bytes) -> Iterator[bytes]:
    """A beginning, and a piece repeated."""
    yield beginning
    while True:
        time.sleep(seconds)  # the server's pace, in a thread of its own
        yield piece


DRIPS = {
    "a body": (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"{"),
    "a chunked body": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n{\r\n"),
    "a body until the end": (b"HTTP/1.1 200 OK\r\n\r\n", b"{"),
    "a gzip body": (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", gzip.compress(b"")),
    "a header line": (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
    "header lines": (b"HTTP/1.1 200 OK\r\n", b"X: x\r\n"),
    "a status line": (b"HTTP/1.1 200 ", b"O"),
    "interim answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "early hints": (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\nX: x\r\n\r\n"),
    "trailers": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", b"X: x\r\n"),
}


@pytest.mark.parametrize(("beginning", "piece"), DRIPS.values(), ids=DRIPS)
@pytest.mark.parametrize("verb", CALLS)
def test_slow_response_has_a_deadline(verb: str, beginning: bytes, piece: bytes, raw: Any) -> None:
    server = raw(lambda _: every(0.02, beginning, piece))
    client = server.client(read_timeout=0.1, retry=ONCE)
    began = time.monotonic()
    # A busy machine may let more time pass between two bytes than is waited for the next.
    with pytest.raises(BulkExportsConnectionError, match=r"was not complete after 0\.4 seconds|timed out") as caught:
        CALLS[verb](client)
    assert caught.value.is_transient
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("status", [b"401 No", b"503 No"])
def test_error_status_counts_despite_a_slow_body(status: bytes, raw: Any) -> None:
    server = raw(lambda _: every(0.02, b"HTTP/1.1 " + status + b"\r\nContent-Length: 1000\r\n\r\n", b"x"))
    with pytest.raises(BulkExportsError, match=f"HTTP {status[:3].decode()}"):
        server.client(read_timeout=0.1, retry=ONCE).get_job(JOB_SID)


def test_slow_response_in_time_is_read(raw: Any) -> None:
    def slow(_: int) -> Iterable[bytes]:
        yield b"HTTP/1.1 200 OK\r\n\r\n"
        for place in range(len(JOB)):
            time.sleep(0.002)  # the server's pace
            yield JOB[place : place + 1]

    assert raw(slow).client(read_timeout=20).get_job(JOB_SID).job_sid == JOB_SID


@pytest.mark.slow
def test_each_response_of_a_connection_has_its_own_deadline(server: Any, answer: Any) -> None:
    server.answers(answer(body={"job_sid": JOB_SID}))
    client = server.client(read_timeout=0.5)
    began = time.monotonic()
    while time.monotonic() - began < 3:  # longer than one answer may take
        client.get_job(JOB_SID)


def whole(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    length = b"Content-Length: %d" % len(body)
    head = b"\r\n".join([b"HTTP/1.1 " + status, length, b"Connection: close", *headers])
    return head + b"\r\n\r\n" + body


def nested(size: int, levels: int) -> bytes:
    body = b'{"jobs": [' + b" " * size + b"]}"
    for _ in range(levels):
        body = gzip.compress(body)
    return body


def endless(piece: bytes, *headers: bytes, status: bytes = b"200 OK") -> Iterator[bytes]:
    yield b"\r\n".join([b"HTTP/1.1 " + status, *headers]) + b"\r\n\r\n"
    while True:
        yield piece


def packed_zeros(size: int, window: int) -> bytes:
    """A body that inflates to this many zeros: one compressed piece, repeated, which takes no time to make."""
    packer = zlib.compressobj(9, zlib.DEFLATED, window)
    head = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    piece = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    # The checksum at the end is that of one piece; no reader gets that far.
    return head + piece * (size // MIB) + packer.flush()


BOMB = packed_zeros(512 * MIB, 31)
FLAT_BOMB = packed_zeros(256 * MIB, 15)
TWICE, FIVE_TIMES = gzip.compress(BOMB), nested(16 * MIB, 5)
VALUES = b'{"jobs": [' + b"[]," * 10_000_000 + b"[]]}"
MEMBERS = b'{"a": {' + b",".join(b'"%d":{}' % n for n in range(1_500_000)) + b"}}"
BOMBS: dict[str, Callable[[int], Iterable[bytes]]] = {
    "a gzip of half a gigabyte": lambda _: [whole(BOMB, b"Content-Encoding: gzip")],
    "twice gzip": lambda _: [whole(TWICE, b"Content-Encoding: gzip, gzip")],
    "five times gzip": lambda _: [whole(FIVE_TIMES, b"Content-Encoding: gzip, gzip, gzip, gzip, gzip")],
    "two headers": lambda _: [whole(TWICE, b"Content-Encoding: gzip", b"Content-Encoding: gzip")],
    "deflate": lambda _: [whole(FLAT_BOMB, b"Content-Encoding: deflate")],
    "an encoding nobody asked for": lambda _: [whole(b"x", b"Content-Encoding: br")],
    "a body without end": lambda _: endless(b" " * MIB),
    "chunks without end": lambda _: endless(b"100000\r\n" + b" " * MIB + b"\r\n", b"Transfer-Encoding: chunked"),
    "members without end": lambda _: endless(gzip.compress(b"") * 1000, b"Content-Encoding: gzip"),
    "a length that is a lie": lambda _: endless(b" " * MIB, b"Content-Length: 99999999999999999999"),
    "values without end": lambda _: [whole(VALUES)],
    "members of an object without end": lambda _: [whole(MEMBERS)],
}


@pytest.mark.parametrize("script", BOMBS.values(), ids=BOMBS)
@pytest.mark.parametrize("status", [200, 500])
def test_response_size_is_limited(script: Any, status: int, raw: Any) -> None:
    def with_status(number: int) -> Iterable[bytes]:
        for place, piece in enumerate(script(number)):
            yield piece.replace(b"200 OK", b"%d Status" % status, 1) if place == 0 else piece

    client = raw(with_status).client(retry=ONCE)
    tracemalloc.start()
    try:
        with pytest.raises(BulkExportsResponseError if status == 200 else BulkExportsServerError) as caught:
            list(client.list_jobs("Messages"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 250 * MIB  # the server's own pieces are in it
    assert caught.value.is_transient


def test_largest_page_of_twilio_fits(raw: Any) -> None:
    days = [f"2025-{1 + n // 28 % 12:02}-{1 + n % 28:02}" for n in range(366)]
    jobs = [
        {"job_sid": f"JS{n:032}", "details": [{"status": "Completed", "count": 366, "days": days}], "email": "a@b.c"}
        for n in range(1000)
    ]
    for body in (json.dumps({"jobs": jobs}), json.dumps({"jobs": jobs}, indent=4)):
        plain, packed = body.encode(), gzip.compress(body.encode(), 1)
        for piece in (whole(plain), whole(packed, b"Content-Encoding: gzip")):
            server = raw(lambda _, piece=piece: [piece])
            assert sum(1 for _ in server.client(retry=ONCE).list_jobs("Messages")) == 1000


ENCODED = {
    "gzip": (gzip.compress(JOB), b"gzip"),
    "x-gzip": (gzip.compress(JOB), b"X-GZip"),
    "gzip in two members": (gzip.compress(JOB[:9]) + gzip.compress(JOB[9:]), b"gzip"),
    "gzip and padding": (gzip.compress(JOB) + b"\0" * 99, b"gzip"),
    "deflate": (zlib.compress(JOB), b"deflate"),
    "deflate without a frame": (zlib.compress(JOB)[2:-4], b"deflate"),
    "identity": (JOB, b"identity"),
}


@pytest.mark.parametrize(("body", "encoding"), ENCODED.values(), ids=ENCODED)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_every_requested_encoding_is_read(body: bytes, encoding: bytes, size: int, raw: Any) -> None:
    answer = whole(body, b"Content-Encoding: " + encoding)
    server = raw(lambda _: [answer[at : at + size] for at in range(0, len(answer), size)])
    assert server.client(retry=ONCE).get_job(JOB_SID).friendly_name == "x"
    assert b"Accept-Encoding: gzip, deflate\r\n" in server.requests[0]


@pytest.mark.parametrize(("body", "encoding"), ENCODED.values(), ids=ENCODED)
def test_encoding_is_recognised_when_bytes_come_one_by_one(body: bytes, encoding: bytes) -> None:
    inflater = _inflater(encoding.decode().lower())

    assert b"".join(inflater.feed(body[at : at + 1], 1000) for at in range(len(body))) == JOB
    inflater.require_end(len(body))


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_gzip_members_may_begin_at_any_byte(size: int) -> None:
    body, inflater = gzip.compress(JOB[:9]) + gzip.compress(JOB[9:]), _inflater("gzip")
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    assert b"".join(inflater.feed(piece, 1000) for piece in pieces) == JOB
    inflater.require_end(len(body))


CUT = {
    "a body cut half way": whole(JOB)[:-9],
    "a gzip cut half way": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(JOB)[:-9],
    "a gzip that is none": whole(JOB, b"Content-Encoding: gzip"),
    "chunks cut half way": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n" + JOB[:9],
    "a chunk without a size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n" + JOB,
    "headers cut half way": b"HTTP/1.1 200 OK\r\nContent-Le",
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    "another HTTP": b"HTTP/2.0 200 OK\r\n\r\n",
    "a status that is none": b"HTTP/1.1 2000 OK\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n" + JOB,
    "nothing": b"",
    "a line without end": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000,
    "a thousand headers": b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 1000 + b"\r\n" + JOB,
}


@pytest.mark.parametrize("broken", CUT.values(), ids=CUT)
def test_broken_response_is_requested_again(broken: bytes, raw: Any) -> None:
    server = raw(lambda number: [broken if number < 3 else whole(JOB)])
    assert server.client().get_job(JOB_SID).job_sid == JOB_SID
    assert len(server.requests) == 4


@pytest.mark.parametrize("broken", CUT.values(), ids=CUT)
def test_response_that_always_breaks_is_transient(broken: bytes, raw: Any) -> None:
    server = raw(lambda _: [broken])
    with pytest.raises((BulkExportsConnectionError, BulkExportsResponseError)) as caught:
        server.client().get_job(JOB_SID)
    assert caught.value.is_transient
    assert len(server.requests) == 4


@pytest.mark.parametrize("broken", CUT.values(), ids=CUT)
def test_submission_with_a_broken_response_is_not_repeated(broken: bytes, raw: Any) -> None:
    server = raw(lambda _: [broken])
    client: BulkExportsClient = server.client()
    with pytest.raises((BulkExportsConnectionError, BulkExportsResponseError)):
        client.create_job("Messages", start_day="2026-01-01", end_day="2026-01-01", friendly_name="x")
    assert len(server.requests) == 1


INTERIM = {
    "102": b"HTTP/1.1 102 Processing\r\n\r\n",
    "103 with headers": b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n",
    "several": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 110 X\r\n\r\n",
}


@pytest.mark.parametrize("interim", INTERIM.values(), ids=INTERIM)
def test_interim_response_is_skipped(interim: bytes, raw: Any) -> None:
    server = raw(lambda _: [interim + whole(JOB)])
    assert server.client().get_job(JOB_SID).job_sid == JOB_SID
    assert len(server.requests) == 1


NO_ANSWER_YET = {
    **INTERIM,
    "half a header": b"HTTP/1.1 204 No Content\r\nContent-",
    "no end of the headers": b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n",
    "a status line": b"HTTP/1.1 204 No Content\r\n",
}


@pytest.mark.parametrize("beginning", NO_ANSWER_YET.values(), ids=NO_ANSWER_YET)
def test_deletion_waits_for_its_final_response(beginning: bytes, raw: Any) -> None:
    server = raw(lambda _: [beginning])
    with pytest.raises((BulkExportsConnectionError, BulkExportsResponseError)) as caught:
        server.client().delete_job(JOB_SID)
    assert caught.value.is_transient
    assert len(server.requests) == 4


def test_connection_of_another_protocol_is_not_reused(raw: Any) -> None:
    def switching(_: int) -> Iterator[bytes]:
        yield b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"
        server.stopped.wait(0.1)  # and stays open, so it could be reused

    server = raw(switching)
    with pytest.raises(BulkExportsResponseError) as caught:
        server.client().delete_job(JOB_SID)
    assert caught.value.is_transient
    assert len(server.requests) == 4
