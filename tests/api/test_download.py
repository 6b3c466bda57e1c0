"""A day's file arrives whole and verified, or not at all, whatever the storage does."""

from __future__ import annotations

import gzip
import hashlib
import logging
import os
import random
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from scripted import Answer, Received, ScriptedServer

from airflow_provider_bulkexports.api.download import DownloadPolicy
from airflow_provider_bulkexports.api.verify import EMPTY_FILE
from airflow_provider_bulkexports.exceptions import BulkExportsDownloadError, BulkExportsNotFoundError

FILE = gzip.compress(b"".join(b'{"sid": "SM%032d"}\n' % number for number in range(3000)))
SECRET = "X-Amz-Signature=5ec7e7"


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DownloadPolicy, "wait", lambda *_: 0.0)


@pytest.fixture
def storage(make_server: Callable[[], ScriptedServer], server: ScriptedServer) -> ScriptedServer:
    """A second server, where the links of the first one lead."""
    storage = make_server()
    server.answers(Answer(307, {"redirect_to": f"{storage.url}/day?{SECRET}"}))
    return storage


def whole(file: bytes = FILE, **headers: str) -> Answer:
    return Answer(200, file, {"ETag": '"one"', **headers})


def ranged(received: Received, file: bytes = FILE, etag: str = '"one"') -> Answer:
    """Answer as S3 does: a range if the file is still the one that it belongs to."""
    wanted = received.headers.get("range")
    if wanted is None or received.headers.get("if-range") != etag:
        return Answer(200, file, {"ETag": etag})
    start = int(wanted.removeprefix("bytes=").rstrip("-"))
    span = f"bytes {start}-{len(file) - 1}/{len(file)}"
    return Answer(206, file[start:], {"ETag": etag, "Content-Range": span})


def test_the_file_is_the_source_byte_for_byte(server: ScriptedServer, storage: ScriptedServer, tmp_path: Path) -> None:
    storage.answers(whole())

    result = server.client().download_day("Messages", "2026-01-01", tmp_path / "day.gz", expected_size=len(FILE))

    assert (tmp_path / "day.gz").read_bytes() == FILE
    assert (result.size, result.records) == (len(FILE), 3000)
    assert result.sha256 == hashlib.sha256(FILE).hexdigest()
    assert [path.name for path in tmp_path.iterdir()] == ["day.gz"]


@pytest.mark.parametrize("seed", range(8))
def test_connections_cut_anywhere_are_gone_on_with(
    server: ScriptedServer, storage: ScriptedServer, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)

    def cut(received: Received) -> Answer:
        answer = ranged(received)
        missing = chance.randrange(len(answer.body)) if len(storage.received) < 4 else 0
        return Answer(answer.status, answer.body, answer.headers, cut=missing)

    storage.script = cut

    result = server.client().download_day("Messages", "2026-01-01", tmp_path / "day.gz")

    assert (tmp_path / "day.gz").read_bytes() == FILE
    assert result.records == 3000
    assert len(storage.received) == 4
    assert len(server.received) == 4, "every try needs a fresh link"


@pytest.mark.parametrize(
    "bad",
    [
        Answer(403, "<Error><Code>AccessDenied</Code></Error>"),
        Answer(500, "<Error><Code>InternalError</Code></Error>"),
        Answer(503, "<Error><Code>SlowDown</Code></Error>"),
        Answer(400, ""),
        Answer(drop=True),
        Answer(200, FILE[:-100], {"ETag": '"one"'}),
        Answer(200, FILE[:-8] + b"12345678", {"ETag": '"one"'}),
        Answer(200, b"<html>", {"Content-Type": "text/html"}),
        Answer(200, FILE, {"ETag": '"one"'}, cut=700),
        Answer(200, FILE, {"ETag": 'W/"weak"'}, cut=700),
        Answer(200, FILE, {}, cut=700),
        Answer(206, FILE[5:], {"ETag": '"one"', "Content-Range": f"bytes 5-{len(FILE) - 1}/{len(FILE)}"}),
    ],
    ids=lambda answer: f"{answer.status} {len(answer.content)} bytes, cut {answer.cut}",
)
def test_one_bad_answer_is_survived_and_a_lasting_one_leaves_nothing(
    server: ScriptedServer, storage: ScriptedServer, tmp_path: Path, bad: Answer
) -> None:
    target = tmp_path / "day.gz"
    storage.script = lambda received: ranged(received) if len(storage.received) > 1 else bad
    server.client().download_day("Messages", "2026-01-01", target)
    assert target.read_bytes() == FILE

    target.unlink()
    storage.script = lambda _: bad
    with pytest.raises(BulkExportsDownloadError, match=r"The file of 2026-01-01 .* 6 times in a row") as failure:
        server.client().download_day("Messages", "2026-01-01", target)

    assert failure.value.day.isoformat() == "2026-01-01"
    assert failure.value.is_transient
    assert list(tmp_path.iterdir()) == []


def test_another_file_under_the_same_day_is_never_joined_to_the_first(
    server: ScriptedServer, storage: ScriptedServer, tmp_path: Path
) -> None:
    newer = gzip.compress(b'{"sid": "SMnew"}\n' * 2000)

    def regenerated(received: Received) -> Answer:
        if len(storage.received) == 1:
            return Answer(200, FILE, {"ETag": '"one"'}, cut=1000)
        return ranged(received, newer, '"two"')

    storage.script = regenerated

    server.client().download_day("Messages", "2026-01-01", tmp_path / "day.gz")

    assert (tmp_path / "day.gz").read_bytes() == newer
    assert storage.received[1].headers["if-range"] == '"one"'


def test_a_size_other_than_listed_is_an_error(server: ScriptedServer, storage: ScriptedServer, tmp_path: Path) -> None:
    storage.answers(whole())

    with pytest.raises(BulkExportsDownloadError, match=rf"has {len(FILE)} bytes, and Twilio lists 5"):
        server.client().download_day("Messages", "2026-01-01", tmp_path / "day.gz", expected_size=5)


def test_a_file_without_a_byte_becomes_a_valid_empty_one(
    server: ScriptedServer, storage: ScriptedServer, tmp_path: Path
) -> None:
    storage.answers(whole(b""))

    result = server.client().download_day("Messages", "2026-01-01", tmp_path / "day.gz")

    assert (tmp_path / "day.gz").read_bytes() == EMPTY_FILE
    assert gzip.decompress(EMPTY_FILE) == b""
    assert (result.records, result.size) == (0, len(EMPTY_FILE))


def test_a_day_that_does_not_exist_is_not_found_and_asked_for_once(server: ScriptedServer, tmp_path: Path) -> None:
    server.answers(Answer(404, {"code": 20404, "message": "not found"}))

    with pytest.raises(BulkExportsNotFoundError):
        server.client().download_day("Messages", "2026-01-01", tmp_path / "day.gz")
    assert len(server.received) == 1


def test_a_former_file_stays_until_the_new_one_is_whole(
    server: ScriptedServer, storage: ScriptedServer, tmp_path: Path
) -> None:
    target = tmp_path / "day.gz"
    target.write_bytes(b"former")
    storage.answers(Answer(200, FILE[:-50], {"ETag": '"one"'}))

    with pytest.raises(BulkExportsDownloadError):
        server.client().download_day("Messages", "2026-01-01", target)
    assert target.read_bytes() == b"former"


def test_the_storage_never_gets_credentials_not_even_those_of_a_netrc(
    server: ScriptedServer, storage: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password something\n")
    monkeypatch.setenv("NETRC", str(netrc))
    storage.answers(whole())

    server.client().download_day("Messages", "2026-01-01", tmp_path / "day.gz")

    assert "authorization" in server.received[0].headers
    assert "authorization" not in storage.received[0].headers
    assert SECRET in storage.received[0].target


@pytest.mark.parametrize("answer", [whole(), Answer(403, SECRET), Answer(drop=True)], ids=["ok", "refused", "dropped"])
def test_the_link_is_in_no_log_and_no_exception(
    server: ScriptedServer, storage: ScriptedServer, tmp_path: Path, caplog: pytest.LogCaptureFixture, answer: Answer
) -> None:
    caplog.set_level(logging.DEBUG)
    storage.answers(answer)

    told = ""
    try:
        server.client().download_day("Messages", "2026-01-01", tmp_path / "day.gz")
    except BulkExportsDownloadError as error:
        links: list[BaseException | None] = [error]
        for link in links:
            if link is not None:
                told += "".join(traceback.format_exception_only(link)) + repr(link) + repr(vars(link))
                links += [link.__cause__, link.__context__]

    assert ("/day?***" in caplog.text) is not answer.drop, "urllib3 says what was answered"
    assert "5ec7e7" not in caplog.text + told


def test_plain_http_off_this_machine_is_refused(server: ScriptedServer, tmp_path: Path) -> None:
    server.answers(Answer(307, {"redirect_to": "http://storage.example.com/day"}))

    with pytest.raises(Exception, match="a link without https"):
        server.client().download_day("Messages", "2026-01-01", tmp_path / "day.gz")


def test_what_a_killed_process_left_is_removed_and_nothing_else(
    server: ScriptedServer, storage: ScriptedServer, tmp_path: Path
) -> None:
    storage.answers(whole())
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    from airflow_provider_bulkexports.api.download import _HOST

    left = [tmp_path / f".day.gz.{_HOST}.{pid}.1.part" for pid in (int(dead.stdout), os.getppid())]
    for file in left:
        file.write_bytes(b"half")

    server.client().download_day("Messages", "2026-01-01", tmp_path / "day.gz")

    assert [file.exists() for file in left] == [False, True]


def test_a_trickle_counts_as_a_broken_transfer(server: ScriptedServer, storage: ScriptedServer, tmp_path: Path) -> None:
    storage.answers(whole(FILE * 40))
    client = server.client()
    client._storage._clock = iter(range(0, 10**9, 10**6)).__next__

    with pytest.raises(BulkExportsDownloadError, match=r"the transfer stalled: \d+ bytes in 1000000 seconds"):
        client.download_day("Messages", "2026-01-01", tmp_path / "day.gz")
