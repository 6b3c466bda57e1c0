"""No logger of the HTTP libraries shows a link, at any level and for any failure."""

from __future__ import annotations

import gzip
import http.client
import io
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from support.scripted_server import Answer, ScriptedServer

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.api.http_logging import guard_http_logs, unlogged_queries
from airflow_provider_bulkexports.api.retry import RetryPolicy
from airflow_provider_bulkexports.exceptions import BulkExportsError

FILE = gzip.compress(b'{"sid": "SM1"}\n')

#: Queries of links, of Amazon's, Google's and Azure's storage and of one that nobody knows.
QUERIES = [
    "X-Amz-Expires=240&X-Amz-Signature=5ec2e7",
    "X-Goog-Signature=5ec2e7",
    "sv=2024&sig=5ec2e7%3D",
    "Expires=1&Signature=5ec2e7&Key-Pair-Id=K",
    "ticket=5ec2e7",
]


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Everything that the loggers of the HTTP libraries write, with tracebacks."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    loggers = [logging.getLogger(name) for name in ("urllib3", "requests", "http.client", *existing())]
    levels = [(logger, logger.level) for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    for logger in loggers[:3]:
        logger.addHandler(handler)
    yield written
    for logger, level in levels:
        logger.setLevel(level)
        logger.removeHandler(handler)


def existing() -> list[str]:
    return [name for name in logging.root.manager.loggerDict if name.startswith(("urllib3", "requests", "http.client"))]


def answers_of_all_kinds(link: str) -> list[Answer]:
    """Responses to a request for a link; each causes another line of a library's log."""
    unreadable = b"HTTP/1.1 307 R\r\nLocation: " + link.encode() + b"\r\nno header: " + link.encode() + b"\r\n bad\r\n"
    return [
        Answer(503, {"message": link}, {"Retry-After": "0"}),
        Answer(raw=unreadable + b"no colon in " + link.encode() + b"\r\n\r\n{}"),
        Answer(drop=True),
        Answer(307, {"redirect_to": link}, {"Location": link}),
    ]


@pytest.mark.parametrize("query", QUERIES)
def test_no_logger_shows_a_link(
    server: ScriptedServer,
    written: io.StringIO,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    query: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # As somebody does who wants to see what is sent; it goes to stdout.
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    link = f"{server.url}/day?{query}"
    of_the_api = answers_of_all_kinds(link)
    of_the_storage = [
        Answer(
            raw=b"HTTP/1.1 200 OK\r\nno colon in " + query.encode() + b"\r\nLocation: " + link.encode() + b"\r\n\r\n"
        ),
        Answer(403, link),
        Answer(302, link, {"Location": link}),
        Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        Answer(200, FILE, cut=3),
        Answer(drop=True),
        Answer(200, FILE),
    ]

    def answer(received: Any) -> Answer:
        script = of_the_api if received.target.startswith("/v1/") else of_the_storage
        return script.pop(0) if len(script) > 1 else script[0]

    server.script = answer
    client = server.client(retry=RetryPolicy(max_retries=5, backoff_factor=0.0))
    for _ in range(4):
        with suppress(BulkExportsError):
            client.download_day("Messages", "2026-01-01", tmp_path / "day.gz")
    assert not of_the_storage[1:]
    assert not of_the_api[1:]

    assert "Failed to parse headers" in written.getvalue(), "urllib3 warns"
    assert "/day?***" in written.getvalue(), "and logs the rest at DEBUG"
    assert "5ec2e7" not in written.getvalue()
    printed = capsys.readouterr().out  # Airflow 2.11 logs to it
    assert "5ec2e7" not in printed
    assert not re.search(r"(?m)^(send|reply|header):", printed), "http.client prints"


def test_every_existing_logger_is_guarded(server: ScriptedServer) -> None:
    late = logging.getLogger("urllib3.made_late")
    server.client()

    assert existing()
    for logger in (late, *map(logging.getLogger, existing())):
        record = logger.makeRecord(logger.name, logging.DEBUG, "f", 1, "GET /day?X-Amz-Signature=5ec2e7", (), None)
        assert logger.filter(record)
        assert "5ec2e7" not in record.getMessage()


def records(**arguments: Any) -> logging.LogRecord:
    logger = logging.getLogger("urllib3.connectionpool")
    fields = {"msg": "", "args": (), "exc_info": None} | arguments
    record = logger.makeRecord(logger.name, logging.WARNING, "f", 1, fields["msg"], fields["args"], fields["exc_info"])
    assert logger.filter(record)
    return record


SIGNED = "https://bucket/day?X-Amz-Signature=5ec2e7"


class Loud:
    def __str__(self) -> str:
        return SIGNED

    __repr__ = __str__


@pytest.mark.parametrize(
    ("msg", "args"),
    [
        (SIGNED, ()),
        ("to %s", (SIGNED,)),
        ("to %r", (Loud(),)),
        ("to %(link)s", ({"link": SIGNED},)),
        (Loud(), ()),
        ("to %s in %s", (SIGNED,)),
        ("%s", (b"https://bucket/day?X-Amz-Signature=5ec2e7",)),
        ("%d", (SIGNED,)),
    ],
)
def test_link_is_hidden_anywhere_in_a_record(msg: Any, args: tuple[Any, ...]) -> None:
    guard_http_logs()
    record = records(msg=msg, args=args)
    assert "5ec2e7" not in record.getMessage() + str(record.__dict__)


def test_link_in_an_exception_is_hidden() -> None:
    guard_http_logs()
    try:
        raise ValueError(SIGNED)
    except ValueError:
        record = records(msg="failed", exc_info=sys.exc_info())

    shown = logging.Formatter().format(record)
    assert "ValueError" in shown
    assert "5ec2e7" not in shown


def test_harmless_record_is_not_changed() -> None:
    guard_http_logs()
    record = records(msg='%s "GET %s"', args=("host", "/v1/Jobs?PageSize=50"))
    assert (record.msg, record.args) == ('%s "GET %s"', ("host", "/v1/Jobs?PageSize=50"))

    with unlogged_queries():
        assert records(msg="GET /v1/Jobs?PageSize=50").getMessage() == "GET /v1/Jobs?***"


def test_import_changes_no_logger() -> None:
    """The loggers change only where a client is made."""
    import subprocess

    code = (
        "import logging, airflow_provider_bulkexports.api.client, airflow_provider_bulkexports.api.storage_host\n"
        "names = [n for n in logging.root.manager.loggerDict if n.startswith(('urllib3', 'requests'))]\n"
        "assert names and not any(logging.getLogger(n).filters for n in names)\n"
    )
    assert BulkExportsClient
    subprocess.run([sys.executable, "-c", code], check=True)
