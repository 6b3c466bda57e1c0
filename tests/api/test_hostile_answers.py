"""
A thousand generated answers to every operation: whatever comes, only this package's errors, short and printable.

The answers are made of what real ones have, damaged: shapes, sizes, encodings, dates, numbers, texts, chunks, cuts and
headers. The same seed makes the same answers.
"""

from __future__ import annotations

import gzip
import json
import logging
import random
import resource
import time
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from support.raw_server import RawServer
from support.scripted_server import ScriptedServer

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.api.retry import RetryPolicy
from airflow_provider_bulkexports.exceptions import BulkExportsError

SID = "JS" + "0123456789abcdef" * 2
DAY = {"start_day": "2026-01-01", "end_day": "2026-01-03", "friendly_name": "x [af-20260124-3f9c0a12be]"}
KIB = 1 << 10
ANSWERS = 1000

OPERATIONS: dict[str, Callable[[BulkExportsClient, Path], Any]] = {
    "create_job": lambda client, _: client.create_job("Messages", **DAY),
    "list_jobs": lambda client, _: list(client.list_jobs("Messages")),
    "get_job": lambda client, _: client.get_job(SID),
    "delete_job": lambda client, _: client.delete_job(SID),
    "list_days": lambda client, _: list(client.list_days("Messages")),
    "get_day_link": lambda client, _: client.get_day_link("Messages", "2026-01-01"),
    "get_export": lambda client, _: client.get_export("Messages"),
    "get_configuration": lambda client, _: client.get_configuration("Messages"),
    "update_configuration": lambda client, _: client.update_configuration("Messages", enabled=True),
    "probe": lambda client, _: client.probe("Messages"),
}

TEXTS = [
    "",
    "x",
    "Messages",
    "Calls",
    "messages",
    "Completed",
    "COMPLETED",
    "Archiving",
    "2026-01-01",
    "null",
    SID,
    "half \ud83d",
    "\ude00 half",
    "a\0b",
    "a\r\nERROR forged",
    "\x1b[31mred",
    "\u202edlrow",
    "\u2028\u2029\x85",
    "\ufeff",
    "x" * 3000,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 200,
    "e\u0301" * 900,
    "http://evil\\@127.0.0.1/",
    "https://[::1",
    "https://b.s3.amazonaws.com/x?X-Amz-Signature=5ec2e7",
    "https%3A%2F%2Fb.s3.amazonaws.com%2Fx%3Fsig%3D5ec2e7",
    "X-Amz-" * 500,
    "You have exceeded the daily limit",
    "[af-99991231-0123456789] x",
    "\x00\x01\x02\x7f\x9b",
]
DATES = [
    "2026-01-01",
    "2026-01-02T00:00:00.123456789",
    "9999-12-31",
    "9999-12-31T23:59:59-23:59",
    "0001-01-01",
    "0001-01-01T00:00:00+23:59",
    "0000-00-00",
    "2026-02-30",
    "-2026-01-01",
    "2026-W01-1",
    "1e9",
    "\u0662\u0660\u0662\u0666-\u0660\u0661-\u0660\u0661",
    "2026-01-01" + "0" * 500,
    "2026-01-01\0",
]
NUMBERS = [
    "0",
    "1",
    "-1",
    "366",
    "2147483648",
    "18446744073709551616",
    "36893488147419103232",
    "-9223372036854775809",
    "1e999",
    "-1e999",
    "1.5",
    "NaN",
    "Infinity",
    "-Infinity",
    "9" * 400,
    "9" * 5000,
    "-" + "9" * 5000,
    "1" + "0" * 5000 + ".5",
    "1e-999",
]
KEYS = [
    "job_sid",
    "friendly_name",
    "resource_type",
    "start_day",
    "end_day",
    "details",
    "status",
    "count",
    "days",
    "day",
    "size",
    "create_date",
    "jobs",
    "meta",
    "key",
    "next_page_url",
    "url",
    "links",
    "redirect_to",
    "enabled",
    "webhook_url",
    "email",
    "job_queue_position",
    "estimated_completion_time",
    "code",
    "message",
    "detail",
    "errors",
    "more_info",
    "title",
    "Completed",
    "Failed",
    "extra",
    "news",
]
HEADERS = [
    (
        "Content-Type",
        ["application/json", "text/html", "x" * 5000, "a\x1b[31m", "application/json; charset=utf-16", ""],
    ),
    ("Content-Encoding", ["gzip", "deflate", "br", "gzip, gzip", "identity", "x", ""]),
    ("Retry-After", ["0", "-1", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT", "soon", "1e999", "\x00"]),
    ("Date", ["Tue, 24 Nov 2026 00:00:01 GMT", "Fri, 31 Dec 9999 23:59:59 -2359", "x", "9" * 999]),
    ("Location", ["/login", "http://evil\\@127.0.0.1/", "https://x/?sig=5ec2e7", "http://[::1", "\xff" * 99, ""]),
    ("Twilio-Request-Id", ["RQ1", "x" * 5000, "\x1b]0;x\x07", "very-secret-token-0123456789"]),
    ("Set-Cookie", ["a=b", "a=b; expires=Fri, 31 Dec 9999 23:59:59 GMT", "\xff=\xff", "; " * 500]),
    ("Connection", ["close", "keep-alive", "upgrade"]),
    ("ETag", ['"x"', "x" * 999]),
]
STATUSES = [200] * 12 + [201, 202, 204, 206, 300, 302, 304, 307, 400, 400, 401, 403, 404, 408, 409, 418, 421, 425, 429]
STATUSES += [451, 499, 500, 501, 502, 503, 504, 507, 511, 520, 529, 599, 700, 999]


class Generator:
    """Makes responses; each seed makes different ones."""

    def __init__(self, seed: str, operation: str) -> None:
        self._random = random.Random(seed)
        self._operation = operation

    def answer(self) -> list[bytes]:
        """The pieces of an answer, as they are sent."""
        choose = self._random
        body = self._body()
        headers, body = self._encoded(body)
        headers += [self._header() for _ in range(choose.choice([0, 0, 1, 2, 5]))]
        status = choose.choice(STATUSES)
        framing = choose.random()
        if framing < 0.6:
            headers.append(("Content-Length", str(len(body))))
        elif framing < 0.8:
            headers.append(("Transfer-Encoding", "chunked"))
            body = self._chunked(body)
        elif framing < 0.85:
            headers.append(
                ("Content-Length", choose.choice(["-1", "x", "1e9", str(len(body) + 1), "0", "9" * 30, "3, 4"]))
            )
        head = f"HTTP/1.1 {status} {choose.choice(['OK', '', 'x' * 300, chr(27)])}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers) + "\r\n"
        whole = head.encode("latin-1", "replace") + body
        if choose.random() < 0.1:
            whole = whole[: choose.randrange(len(whole))]
        if choose.random() < 0.02:
            whole = choose.randbytes(choose.randrange(300))
        if choose.random() < 0.1:
            at = choose.randrange(len(whole) + 1)
            whole = whole[:at] + choose.randbytes(choose.randrange(1, 9)) + whole[at + 3 :]
        size = choose.choice([len(whole) or 1, len(whole) or 1, 997, 64 * 1024])
        return [whole[at : at + size] for at in range(0, len(whole), size)]

    def _body(self) -> bytes:
        choose = self._random
        kind = choose.random()
        if kind < 0.06:
            return choose.choice([b"", b"\0" * 9, b"null", b"[]", b"7", b'"x"', b"<html>" * 99, b"\xff\xfe", b"{" * 9])
        if kind < 0.1:
            return choose.choice([b"[", b'{"a":', b'{"jobs":[']) * choose.choice([500, 900, 50_000])
        text = self._damaged(self._object())
        if choose.random() < 0.1:
            text += " " * (1 << 17)
        encoding = choose.choice(["utf-8"] * 8 + ["utf-8-sig", "utf-16", "utf-32", "latin-1"])
        return text.encode(
            encoding, choose.choice(["replace", "surrogatepass"]) if encoding != "latin-1" else "replace"
        )

    def _object(self) -> str:
        """An answer of the operation, some of whose fields are something else."""
        template = {
            "create_job": [("job_sid", f'"{SID}"')],
            "get_job": [("job_sid", f'"{SID}"'), ("details", self._value(4))],
            "list_jobs": [("jobs", self._list(lambda: f'{{"job_sid": "{self._sid()}", {self._pairs(3)}}}'))],
            "probe": [("jobs", "[]")],
            "list_days": [("days", self._list(lambda: f'{{"day": {self._date()}, {self._pairs(2)}}}'))],
            "get_day_link": [("redirect_to", self._text())],
        }.get(self._operation, [("resource_type", '"Messages"')])
        if self._random.random() < 0.2:
            template = []
        if self._random.random() < 0.3:
            template.append(("meta", f'{{"next_page_url": {self._value(1)}, {self._pairs(1)}}}'))
        known = ", ".join(f'"{name}": {value}' for name, value in template)
        return f"{{{known}{', ' if known else ''}{self._pairs(3)}}}"

    def _pairs(self, levels: int) -> str:
        names = [self._random.choice(KEYS) for _ in range(self._random.randrange(1, 9))]
        return ", ".join(f'"{name}": {self._fitting(name, levels)}' for name in names)

    def _fitting(self, name: str, levels: int) -> str:
        if self._random.random() < 0.3:
            return self._value(levels)
        if name.endswith(("day", "date", "time")):
            return self._date()
        if name in ("size", "count", "job_queue_position", "code"):
            return self._random.choice(NUMBERS)
        return self._value(levels)

    def _value(self, levels: int) -> str:
        kind = self._random.random()
        if levels <= 0 or kind < 0.6:
            plain = ["null", "true", "false", "{}", "[]", "[{}]", self._random.choice(NUMBERS), self._date()]
            return self._random.choice([*plain, self._text(), self._text()])
        if kind < 0.8:
            return f"{{{self._pairs(levels - 1)}}}"
        return self._list(lambda: self._value(levels - 1))

    def _list(self, make: Callable[[], str]) -> str:
        return f"[{', '.join(make() for _ in range(self._random.choice([0, 1, 2, 5, 30])))}]"

    def _sid(self) -> str:
        return self._random.choice([SID, f"JS{self._random.getrandbits(128):032x}", "JS1", "", "AC" + "0" * 32])

    def _text(self) -> str:
        return json.dumps(self._random.choice(TEXTS), ensure_ascii=self._random.random() < 0.7)

    def _date(self) -> str:
        return json.dumps(self._random.choice(DATES))

    def _damaged(self, text: str) -> str:
        if self._random.random() < 0.85:
            return text
        at = self._random.randrange(len(text))
        return text[:at] + self._random.choice(["", ",", "]", "}", '"', "\\", "\0", "\ud800"]) + text[at + 1 :]

    def _encoded(self, body: bytes) -> tuple[list[tuple[str, str]], bytes]:
        kind = self._random.random()
        if kind < 0.8:
            return [], body
        packed, name = self._random.choice([(gzip.compress(body), "gzip"), (zlib.compress(body), "deflate")])
        if kind < 0.9:
            return [("Content-Encoding", name)], packed
        if kind < 0.95:
            return [("Content-Encoding", "gzip, gzip")], gzip.compress(packed)
        return [("Content-Encoding", name)], packed[: self._random.randrange(len(packed))] + b"\0"

    def _chunked(self, body: bytes) -> bytes:
        size = self._random.choice([1000, 65536])
        chunks = [body[at : at + size] for at in range(0, len(body), size)]
        wrong = self._random.choice([b"", b"", b"", b"x\r\n", b"-5\r\n", b"ffffffffffffffff\r\n", b"5\r\nab"])
        return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + wrong + b"0\r\n\r\n"

    def _header(self) -> tuple[str, str]:
        name, values = self._random.choice(HEADERS)
        return name, self._random.choice(values)


def assert_travels(value: Any) -> None:
    """The repr of every result can be logged and stored."""
    shown = repr(value)
    shown.encode()
    assert "\\ud8" not in shown and "\\x00" not in shown and "\\x1b" not in shown
    for element in value if isinstance(value, list) else [value]:
        for name in getattr(element, "__slots__", ()):
            part = getattr(element, name)
            if isinstance(part, str):
                assert part.isprintable()
            if isinstance(part, (date, datetime)):
                assert 2008 <= part.year <= 2100
            if isinstance(part, int):
                assert 0 <= part <= 2**53


def assert_readable(message: str) -> None:
    """The message of an error is one short printable line without a secret."""
    assert message.isprintable() and 20 < len(message) <= 2000, message
    assert "5ec2e7" not in message and ScriptedServer.password not in message
    message.encode()


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS)
def test_hostile_responses_do_no_harm(
    operation: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.WARNING, "airflow_provider_bulkexports")
    monkeypatch.setattr(logging.getLogger("urllib3"), "disabled", True)
    logging.getLogger("urllib3.connection").setLevel(logging.CRITICAL)
    generator = Generator(f"of {operation}", operation)
    call, ends = OPERATIONS[operation], {"value": 0, "error": 0}
    with ExitStack() as stack:
        server = RawServer(stack, lambda _: generator.answer())
        client = server.client(retry=RetryPolicy(max_retries=0), read_timeout=2)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began, slowest = time.process_time(), 0.0
        while len(server.requests) < ANSWERS:
            before = time.process_time()
            try:
                assert_travels(call(client, tmp_path))
                ends["value"] += 1
            except BulkExportsError as error:
                ends["error"] += 1
                assert_readable(str(error))
            slowest = max(slowest, time.process_time() - before)
        took = time.process_time() - began
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory) * KIB
    assert ends["value"] > 5 and ends["error"] > ANSWERS / 10, ends
    assert grown < 200 * KIB * KIB
    assert slowest < 2 and took < 60
    assert len(caplog.records) < 300
    assert all(len(record.getMessage()) < 500 and record.getMessage().isprintable() for record in caplog.records)
