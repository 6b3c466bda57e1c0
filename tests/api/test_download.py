"""A day's file is downloaded complete and verified, or not at all, whatever the storage does."""

from __future__ import annotations

import gzip
import hashlib
import logging
import random
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.scripted_server import Answer, Received, ScriptedServer

from airflow_provider_bulkexports.api.file_check import EMPTY_FILE
from airflow_provider_bulkexports.exceptions import BulkExportsDownloadError, BulkExportsNotFoundError

FILE = gzip.compress(b"".join(b'{"sid": "SM%032d"}\n' % number for number in range(3000)))
SECRET = "X-Amz-Signature=5ec7e7"


@pytest.fixture
def storage(make_server: Callable[[], ScriptedServer], server: ScriptedServer) -> ScriptedServer:
    """A second server, where the links of the first one lead."""
    storage = make_server()
    server.answers(Answer(307, {"redirect_to": f"{storage.url}/day?{SECRET}"}))
    return storage


def whole(file: bytes = FILE, **headers: str) -> Answer:
    return Answer(200, file, {"ETag": '"one"', **headers})


def ranged(received: Received, file: bytes = FILE, etag: str = '"one"') -> Answer:
    """Respond like S3: with the range if the file is still the same."""
    wanted = received.headers.get("range")
    if wanted is None or received.headers.get("if-range") != etag:
        return Answer(200, file, {"ETag": etag})
    start = int(wanted.removeprefix("bytes=").rstrip("-"))
    span = f"bytes {start}-{len(file) - 1}/{len(file)}"
    return Answer(206, file[start:], {"ETag": etag, "Content-Range": span})


def test_download_equals_the_source(server: ScriptedServer, storage: ScriptedServer, tmp_path: Path) -> None:
    storage.answers(whole())

    result = server.client().download_day("Messages", "2026-01-01", tmp_path / "day.gz", expected_size=len(FILE))

    assert (tmp_path / "day.gz").read_bytes() == FILE
    assert (result.size, result.records) == (len(FILE), 3000)
    assert result.sha256 == hashlib.sha256(FILE).hexdigest()
    assert [path.name for path in tmp_path.iterdir()] == ["day.gz"]


@pytest.mark.parametrize("seed", range(8))
def test_interrupted_download_resumes(
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
def test_one_bad_response_is_retried_and_a_lasting_one_fails(
    server: ScriptedServer, storage: ScriptedServer, tmp_path: Path, bad: Answer
) -> None:
    target = tmp_path / "day.gz"
    storage.script = lambda received: ranged(received) if len(storage.received) > 1 else bad
    server.client().download_day("Messages", "2026-01-01", target)
    assert target.read_bytes() == FILE

    target.unlink()
    storage.script = lambda _: bad
    with pytest.raises(BulkExportsDownloadError, match=r"the file for 2026-01-01 failed 6 times in a row") as failure:
        server.client().download_day("Messages", "2026-01-01", target)

    assert failure.value.day.isoformat() == "2026-01-01"
    assert failure.value.is_transient
    assert list(tmp_path.iterdir()) == []


def test_parts_of_two_files_are_never_joined(server: ScriptedServer, storage: ScriptedServer, tmp_path: Path) -> None:
    newer = gzip.compress(b'{"sid": "SMnew"}\n' * 2000)

    def regenerated(received: Received) -> Answer:
        if len(storage.received) == 1:
            return Answer(200, FILE, {"ETag": '"one"'}, cut=1000)
        return ranged(received, newer, '"two"')

    storage.script = regenerated

    server.client().download_day("Messages", "2026-01-01", tmp_path / "day.gz")

    assert (tmp_path / "day.gz").read_bytes() == newer
    assert storage.received[1].headers["if-range"] == '"one"'


def test_unlisted_size_is_an_error(server: ScriptedServer, storage: ScriptedServer, tmp_path: Path) -> None:
    storage.answers(whole())

    with pytest.raises(BulkExportsDownloadError, match=rf"has {len(FILE)} bytes, and Twilio lists 5"):
        server.client().download_day("Messages", "2026-01-01", tmp_path / "day.gz", expected_size=5)


@pytest.mark.parametrize("served", [0, 1])
def test_any_listed_file_of_a_day_is_accepted(
    server: ScriptedServer, storage: ScriptedServer, tmp_path: Path, served: int
) -> None:
    files = [gzip.compress(b'{"sid": "SM1"}\n'), gzip.compress(b'{"sid": "SM1"}\n{"sid": "SM2"}\n')]
    storage.answers(whole(files[served]))

    result = server.client().download_day(
        "Messages", "2026-01-01", tmp_path / "day.gz", expected_sizes=[len(file) for file in files]
    )

    assert result.size == len(files[served]), "which one it was"
    assert (tmp_path / "day.gz").read_bytes() == files[served]


def test_file_of_no_listed_size_is_an_error(server: ScriptedServer, storage: ScriptedServer, tmp_path: Path) -> None:
    storage.answers(whole())

    with pytest.raises(BulkExportsDownloadError, match=rf"has {len(FILE)} bytes, and Twilio lists 102 or 112\."):
        server.client().download_day("Messages", "2026-01-01", tmp_path / "day.gz", expected_sizes=[112, 102, 0, 112])


@pytest.mark.parametrize("sizes", [[0], [0, 0], []])
def test_listed_size_of_zero_means_unknown(
    server: ScriptedServer, storage: ScriptedServer, tmp_path: Path, sizes: list[int]
) -> None:
    storage.answers(whole())

    result = server.client().download_day("Messages", "2026-01-01", tmp_path / "day.gz", expected_sizes=sizes)
    assert result.records == 3000


#: Responses without a single byte.
NOTHING = {
    "no content": Answer(200, b"", {"ETag": '"one"'}),
    "no content, and the list agrees": Answer(200, b""),
    "the connection is closed at once": Answer(200, raw=b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"),
    "the last chunk at once": Answer(200, raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "a part of nothing": Answer(206, b"", {"Content-Range": "bytes 0-0/0"}),
}


@pytest.mark.parametrize("nothing", NOTHING.values(), ids=NOTHING.keys())
def test_empty_download_is_retried_then_fails(
    server: ScriptedServer, storage: ScriptedServer, tmp_path: Path, nothing: Answer
) -> None:
    storage.script = lambda _: nothing if len(storage.received) == 1 else whole()
    assert server.client().download_day("Messages", "2026-01-01", tmp_path / "day.gz").records == 3000
    assert len(server.received) == 2, "with a fresh link"

    (tmp_path / "day.gz").unlink()
    storage.script = lambda _: nothing
    with pytest.raises(BulkExportsDownloadError, match=r"sent no bytes.* Check the day's status") as failure:
        server.client().download_day("Messages", "2026-01-01", tmp_path / "day.gz", expected_sizes=[0])
    assert failure.value.is_transient
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("nothing", NOTHING.values(), ids=NOTHING.keys())
@pytest.mark.parametrize("may_be_empty", [True, lambda: True], ids=["known", "asked for"])
def test_zero_bytes_are_the_file_of_an_empty_day(
    server: ScriptedServer, storage: ScriptedServer, tmp_path: Path, nothing: Answer, may_be_empty: Any
) -> None:
    storage.answers(nothing)

    result = server.client().download_day(
        "Messages", "2026-01-01", tmp_path / "day.gz", may_be_empty=may_be_empty, expected_size=0
    )

    assert (tmp_path / "day.gz").read_bytes() == EMPTY_FILE
    assert gzip.decompress(EMPTY_FILE) == b""
    assert (result.records, result.size) == (0, len(EMPTY_FILE))


def test_empty_download_is_refused_if_size_is_listed(
    server: ScriptedServer, storage: ScriptedServer, tmp_path: Path
) -> None:
    storage.answers(whole(b""))

    with pytest.raises(BulkExportsDownloadError, match="has 0 bytes, and Twilio lists 112"):
        server.client().download_day(
            "Messages", "2026-01-01", tmp_path / "day.gz", expected_size=112, may_be_empty=True
        )


def test_day_status_is_checked_only_if_download_is_empty(
    server: ScriptedServer, storage: ScriptedServer, tmp_path: Path
) -> None:
    asked: list[bool] = []
    storage.answers(whole())

    server.client().download_day(
        "Messages", "2026-01-01", tmp_path / "day.gz", may_be_empty=lambda: bool(asked.append(True))
    )

    assert not asked


def test_gzip_file_without_records_is_accepted(server: ScriptedServer, storage: ScriptedServer, tmp_path: Path) -> None:
    storage.answers(whole(EMPTY_FILE))

    result = server.client().download_day("Messages", "2026-01-01", tmp_path / "day.gz")
    assert (result.records, result.size) == (0, len(EMPTY_FILE))


@pytest.mark.parametrize("filler", [bytes(20), bytes(70_000), b"\n", b" "])
def test_filler_bytes_are_not_an_empty_file(
    server: ScriptedServer, storage: ScriptedServer, tmp_path: Path, filler: bytes
) -> None:
    storage.answers(whole(filler))

    with pytest.raises(BulkExportsDownloadError, match=r"the file is damaged|is incomplete"):
        server.client().download_day("Messages", "2026-01-01", tmp_path / "day.gz", may_be_empty=True)


@pytest.mark.parametrize("announced", [True, False])
def test_file_longer_than_listed_is_not_read_to_its_end(
    server: ScriptedServer, storage: ScriptedServer, tmp_path: Path, announced: bool
) -> None:
    endless = Answer(200, endless=b"x" * 65_536, headers={} if not announced else {"Content-Length": str(1 << 40)})
    storage.script = lambda _: endless if len(storage.received) == 1 else whole()

    client = server.client()
    result = client.download_day("Messages", "2026-01-01", tmp_path / "day.gz", expected_sizes=[5, len(FILE)])

    assert result.size == len(FILE)
    assert storage.sent < 20_000_000, "of an answer without an end"


def test_part_longer_than_announced_is_refused(server: ScriptedServer, storage: ScriptedServer, tmp_path: Path) -> None:
    storage.answers(Answer(206, FILE, {"Content-Range": f"bytes 0-99/{len(FILE) - 10}"}))

    with pytest.raises(BulkExportsDownloadError, match="sent more than the"):
        server.client().download_day("Messages", "2026-01-01", tmp_path / "day.gz")


def test_download_restarts_if_the_storage_cannot_resume(
    server: ScriptedServer, storage: ScriptedServer, tmp_path: Path
) -> None:
    def no_ranges(received: Received) -> Answer:
        if len(storage.received) == 1:
            return Answer(200, FILE, {"ETag": '"one"'}, cut=700)
        return whole() if "range" not in received.headers else Answer(416, "<Code>InvalidRange</Code>")

    storage.script = no_ranges

    assert server.client().download_day("Messages", "2026-01-01", tmp_path / "day.gz").records == 3000


def shown_with_locals(error: BaseException) -> str:
    """The variables of every frame but the test's own, and of the errors before, as some loggers write them."""
    shown = ""
    seen: list[BaseException | None] = [error]
    for one in seen:
        if one is not None:
            frames = [frame for frame, _ in traceback.walk_tb(one.__traceback__)]
            places = [frame.f_locals for frame in frames if frame.f_code.co_filename != __file__]
            shown += f"{one!r} {vars(one)} {places}"
            seen += [one.__cause__, one.__context__]
    return shown


@pytest.mark.parametrize(
    ("of_the_api", "of_the_storage"),
    [
        ("", Answer(403, SECRET)),
        ("", Answer(302, SECRET, {"Location": f"https://elsewhere/?{SECRET}"})),
        ("", Answer(drop=True)),
        ("", Answer(200, FILE, cut=5)),
        ("", Answer(200, b"")),
        ("", Answer(200, FILE[:-9])),
        (f"http://evil\\@127.0.0.1/day?{SECRET}", None),
        (f"http://evil.example.com/day?{SECRET}", None),
        (f"ftp://127.0.0.1/day?{SECRET}", None),
        (f"https://127.0.0.1:1/day?{SECRET}", None),
    ],
    ids=[
        "refused",
        "redirected",
        "dropped",
        "cut",
        "empty",
        "damaged",
        "backslash",
        "clear http",
        "ftp",
        "nobody listens",
    ],
)
def test_variables_in_a_traceback_show_no_link(
    server: ScriptedServer, storage: ScriptedServer, tmp_path: Path, of_the_api: str, of_the_storage: Answer | None
) -> None:
    if of_the_storage:
        storage.answers(of_the_storage)
    else:
        server.answers(Answer(307, {"redirect_to": of_the_api}))

    with pytest.raises(BulkExportsDownloadError, match="the file for 2026-01-01") as failure:
        server.client().download_day("Messages", "2026-01-01", tmp_path / "day.gz")

    shown = shown_with_locals(failure.value)
    assert "transfer" in shown
    assert "5ec7e7" not in shown


@pytest.mark.parametrize(
    "link", ["http://storage.example.com/day", "http://evil\\@127.0.0.1/", "https://169.254.169.254/"]
)
def test_refused_link_fails_at_once_and_names_the_day(server: ScriptedServer, tmp_path: Path, link: str) -> None:
    server.answers(Answer(307, {"redirect_to": link}))

    with pytest.raises(BulkExportsDownloadError, match="file for 2026-01-01: Twilio's link was not used") as failure:
        server.client().download_day("Messages", "2026-01-01", tmp_path / "day.gz")
    assert not failure.value.is_transient
    assert len(server.received) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("folder", ["missing", "file"])
def test_error_names_a_folder_that_cannot_be_written(
    server: ScriptedServer, storage: ScriptedServer, tmp_path: Path, folder: str
) -> None:
    (tmp_path / "file").write_text("")
    storage.answers(whole())

    with pytest.raises(BulkExportsDownloadError, match=rf"2026-01-01 could not be written to {tmp_path}/{folder}: "):
        server.client().download_day("Messages", "2026-01-01", tmp_path / folder / "day.gz")


def test_missing_day_is_not_found_and_requested_once(server: ScriptedServer, tmp_path: Path) -> None:
    server.answers(Answer(404, {"code": 20404, "message": "not found"}))

    with pytest.raises(BulkExportsNotFoundError):
        server.client().download_day("Messages", "2026-01-01", tmp_path / "day.gz")
    assert len(server.received) == 1


def test_old_file_stays_until_the_new_one_is_complete(
    server: ScriptedServer, storage: ScriptedServer, tmp_path: Path
) -> None:
    target = tmp_path / "day.gz"
    target.write_bytes(b"former")
    storage.answers(Answer(200, FILE[:-50], {"ETag": '"one"'}))

    with pytest.raises(BulkExportsDownloadError):
        server.client().download_day("Messages", "2026-01-01", target)
    assert target.read_bytes() == b"former"


def test_storage_gets_no_credentials_even_from_netrc(
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
def test_link_is_in_no_log_and_no_exception(
    server: ScriptedServer, storage: ScriptedServer, tmp_path: Path, caplog: pytest.LogCaptureFixture, answer: Answer
) -> None:
    caplog.set_level(logging.DEBUG)
    storage.answers(answer)

    shown = ""
    try:
        server.client().download_day("Messages", "2026-01-01", tmp_path / "day.gz")
    except BulkExportsDownloadError as error:
        links: list[BaseException | None] = [error]
        for link in links:
            if link is not None:
                shown += "".join(traceback.format_exception_only(link)) + repr(link) + repr(vars(link))
                links += [link.__cause__, link.__context__]

    assert ("/day?***" in caplog.text) is not answer.drop, "urllib3 says what was answered"
    assert "5ec7e7" not in caplog.text + shown
