"""A file comes only from the host that its link names, and within limits of time."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import date
from itertools import repeat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.constants import QUICK
from support.scripted_server import Answer, ScriptedServer

from airflow_provider_bulkexports.api.download import download
from airflow_provider_bulkexports.api.signed_link import SignedLink
from airflow_provider_bulkexports.api.storage_connection import check_peer
from airflow_provider_bulkexports.api.storage_host import Storage
from airflow_provider_bulkexports.exceptions import (
    BulkExportsConnectionError,
    BulkExportsDownloadError,
    BulkExportsResponseError,
)

FILE = gzip.compress(b'{"sid": "SM1"}\n')
SECRET = "X-Amz-Signature=5ec7e7"


@pytest.fixture
def storage() -> Iterator[Storage]:
    with closing(Storage((2.0, 2.0))) as storage:
        yield storage


@pytest.fixture
def impatient() -> Iterator[Storage]:
    with closing(Storage((2.0, 2.0), stall_timeout=0.2)) as storage:
        yield storage


def taken(storage: Storage, url: str) -> bytes:
    with storage.open(SignedLink(url)) as stored:
        return b"".join(stored.pieces)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_not_followed_and_only_its_host_named(
    make_server: Callable[[], ScriptedServer], storage: Storage, status: int
) -> None:
    first, second = make_server(), make_server()
    first.answers(Answer(status, b"<html>", {"Location": f"{second.url}/elsewhere?{SECRET}"}))
    second.answers(Answer(200, FILE))

    with pytest.raises(BulkExportsResponseError, match=rf"HTTP {status}, a redirect to 127\.0\.0\.1, which") as failure:
        taken(storage, f"{first.url}/day?{SECRET}")

    assert not second.received
    assert failure.value.is_transient, "another link may lead to the file"
    assert "5ec7e7" not in str(failure.value)
    assert "elsewhere" not in str(failure.value)


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest",
        "//elsewhere.example.com/",
        "/day",
        "",
        "https://[::1",
        "https://user:pa55@elsewhere.example.com/",
        "http://evil\\@127.0.0.1/",
        "x" * 60_000,
        None,
    ],
    ids=lambda location: str(location)[:30],
)
def test_redirect_of_any_form_is_not_followed_or_quoted(
    server: ScriptedServer, storage: Storage, location: str | None
) -> None:
    server.answers(Answer(302, b"", {} if location is None else {"Location": location}))

    with pytest.raises(BulkExportsResponseError, match=r"a redirect to .*, which is not followed") as failure:
        taken(storage, f"{server.url}/day?{SECRET}")

    assert len(server.received) == 1
    assert len(str(failure.value)) < 500
    assert not [part for part in ("pa55", "latest", "evil", "xxx") if part in str(failure.value)]


def test_body_of_a_redirect_is_not_read(server: ScriptedServer, storage: Storage) -> None:
    server.answers(Answer(302, endless=b"x" * 65_536, headers={"Location": "/day"}))

    with pytest.raises(BulkExportsResponseError, match="which is not followed"):
        taken(storage, f"{server.url}/day")
    assert server.sent < 20_000_000, "of an answer without an end"


def test_endless_redirects_fail_the_download(server: ScriptedServer, tmp_path: Path) -> None:
    server.answers(Answer(307, {"redirect_to": f"{server.url}/day?{SECRET}"}, {"Location": "http://169.254.169.254/"}))
    client = server.client()

    with pytest.raises(
        BulkExportsDownloadError, match=r"6 times in a row.* a redirect to 169\.254\.169\.254"
    ) as failure:
        download(
            date(2026, 1, 1),
            tmp_path / "day.gz",
            request_link=lambda: client.get_day_link("Messages", "2026-01-01"),
            storage=client._storage,
            backoff=QUICK.backoff,
        )
    assert "5ec7e7" not in str(failure.value)


def test_no_netrc_and_no_cookie_is_sent(
    server: ScriptedServer, storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password something\ndefault login any password thing\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server.script = lambda received: (
        Answer(302, b"", {"Location": "/again", "Set-Cookie": "kept=1"})
        if len(server.received) == 1
        else Answer(200, FILE, {"Set-Cookie": "kept=1; Path=/"})
    )

    with pytest.raises(BulkExportsResponseError):
        taken(storage, f"{server.url}/day")
    for _ in range(2):
        assert taken(storage, f"{server.url}/day") == FILE

    for received in server.received:
        assert not {"authorization", "cookie", "proxy-authorization"} & received.headers.keys()


@pytest.mark.parametrize(
    ("peer", "only_loopback", "is_taken"),
    [
        ("169.254.169.254", False, False),
        ("fe80::1%eth0", False, False),
        ("::ffff:169.254.169.254", False, False),
        ("10.0.0.7", False, True),
        ("127.0.0.1", False, True),
        ("52.216.1.1", False, True),
        ("52.216.1.1", True, False),
        ("10.0.0.7", True, False),
        ("::1", True, True),
        ("::ffff:127.0.0.1", True, True),
    ],
)
def test_address_is_checked_on_the_socket(peer: str, only_loopback: bool, is_taken: bool) -> None:
    closed: list[bool] = []
    connected: Any = SimpleNamespace(getpeername=lambda: (peer, 443), close=lambda: closed.append(True))

    if is_taken:
        check_peer(connected, only_loopback=only_loopback)
    else:
        with pytest.raises(BulkExportsResponseError, match="where Twilio keeps no files"):
            check_peer(connected, only_loopback=only_loopback)
    assert bool(closed) is not is_taken


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_name_resolving_to_link_local_is_refused(
    server: ScriptedServer, storage: Storage, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    """A name server decides where a name leads, so only the peer of the socket counts."""
    monkeypatch.setattr("airflow_provider_bulkexports.api.storage_connection.is_link_local", lambda peer: True)

    with pytest.raises(
        BulkExportsResponseError, match=r"resolves to 127\.0\.0\.1, where Twilio keeps no files"
    ) as failure:
        taken(storage, f"{scheme}://localhost:{server.url.rpartition(':')[2]}/day?{SECRET}")

    assert not server.received
    assert not failure.value.is_transient
    assert "5ec7e7" not in str(failure.value)


HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"

#: What is sent at once, what is sent after it over and over, and the seconds between.
ENDLESS: dict[str, tuple[bytes, bytes, float]] = {
    "the status line": (b"HTTP/1.1 200 ", b"O", 0.01),
    "a header line": (HEAD + b"X: ", b"x", 0.01),
    "header lines": (HEAD, b"X: y\r\n", 0.01),
    "interim answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.0),
    "dripping interim answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.01),
    "the body": (HEAD + b"Content-Length: 100000\r\n\r\n", b"x", 0.01),
    "the body without a length": (HEAD + b"\r\n", b"x", 0.01),
    "the size of a chunk": (CHUNKED, b"0", 0.01),
    "a chunk's extension": (CHUNKED + b"5;x=", b"x", 0.01),
    "chunks": (CHUNKED, b"1\r\nx\r\n", 0.01),
    "trailers": (CHUNKED + b"1\r\nx\r\n0\r\n", b"X: y\r\n", 0.0),
    "the body of an error": (b"HTTP/1.1 403 Forbidden\r\n\r\n", b"", 0.01),
}


@pytest.mark.parametrize(("head", "piece", "pause"), ENDLESS.values(), ids=ENDLESS.keys())
def test_dripping_response_is_an_error(impatient: Storage, head: bytes, piece: bytes, pause: float) -> None:
    began = time.monotonic()
    with (
        dripping(head, repeat(piece), pause) as url,
        pytest.raises((BulkExportsConnectionError, BulkExportsResponseError)) as failure,
    ):
        taken(impatient, f"{url}/day?{SECRET}")

    assert time.monotonic() - began < 30
    assert failure.value.is_transient
    assert "5ec7e7" not in str(failure.value)
    assert str(failure.value).endswith(f"[file {url}/day]")


def test_slow_but_steady_response_is_read(impatient: Storage) -> None:
    """It takes longer than the stall timeout in total, but stays above the minimum rate."""
    with dripping(HEAD + b"Content-Length: 400000\r\n\r\n", [b"x" * 10_000] * 40, 0.01) as url:
        assert len(taken(impatient, f"{url}/day")) == 400_000


def test_client_sets_the_stall_timeout(server: ScriptedServer, tmp_path: Path) -> None:
    with dripping(HEAD + b"Content-Length: 100000\r\n\r\n", repeat(b"x"), 0.01) as url:
        server.answers(Answer(307, {"redirect_to": f"{url}/day?{SECRET}"}))

        with pytest.raises(BulkExportsDownloadError, match="the transfer stalled"):
            server.client(stall_timeout=0.1).download_day("Messages", "2026-01-01", tmp_path / "day.gz")


class dripping:  # noqa: N801  # reads as what it does
    """A server with one response: a beginning, and pieces with pauses, until the client hangs up."""

    def __init__(self, head: bytes, pieces: Any, pause: float) -> None:
        self._head, self._pieces, self._pause = head, pieces, pause
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._hung_up = threading.Event()

    def __enter__(self) -> str:
        threading.Thread(target=self._serve, daemon=True).start()
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self._hung_up.set()
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while not self._hung_up.is_set():
                connection = self._listener.accept()[0]
                with connection, suppress(OSError):
                    connection.recv(65_536)
                    connection.sendall(self._head)
                    for piece in self._pieces:
                        if self._hung_up.wait(self._pause):
                            break
                        connection.sendall(piece)


@pytest.mark.parametrize(
    ("variable", "value", "is_transient"),
    [
        ("HTTPS_PROXY", "http://[::1", False),
        ("HTTPS_PROXY", "http://proxy:port", False),
        ("HTTPS_PROXY", "http://", False),
        ("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem", True),
    ],
)
def test_broken_environment_is_an_error_of_this_package(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, is_transient: bool
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(BulkExportsConnectionError, match=r"\[file https://bucket\.example\.com/day\]$") as failure:
        taken(storage, f"https://bucket.example.com/day?{SECRET}")
    assert failure.value.is_transient is is_transient
    assert "5ec7e7" not in str(failure.value)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -7\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabc",
        b"HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-" + b"9" * 5000 + b"/5\r\n\r\n",
        b"HTTP/1.1 999999 OK\r\n\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x16\x03\x01\x00\x05",
        b"\r\n" * 100,
        b"HTTP/1.1 200 \xff\xfe\r\n\xff: \xff\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 403 No\r\n\r\n<Code>" + b"x" * 5_000 + b"</Code>",
        b"",
    ],
    ids=lambda head: repr(head[:50]),
)
def test_any_response_of_a_host_is_an_error_of_this_package(storage: Storage, tmp_path: Path, head: bytes) -> None:
    """This includes zero bytes, which are not a file."""
    with dripping(head, [], 0.0) as url, pytest.raises(BulkExportsDownloadError) as failure:
        download(
            date(2026, 1, 1),
            tmp_path / "day.gz",
            request_link=lambda: SignedLink(f"{url}/day?{SECRET}"),
            storage=storage,
            backoff=QUICK.backoff,
        )
    assert failure.value.is_transient
    assert len(str(failure.value)) < 2000
    assert str(failure.value).isprintable()
    assert "5ec7e7" not in str(failure.value)
