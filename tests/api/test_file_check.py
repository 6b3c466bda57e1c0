"""The check of a file counts records and bytes, and trusts only gzip's own checksums."""

from __future__ import annotations

import gzip
import hashlib
import random
import tracemalloc
import zlib
from collections.abc import Iterator

import pytest

from airflow_provider_bulkexports.api import file_check
from airflow_provider_bulkexports.api.file_check import EMPTY_FILE, FileCheck
from airflow_provider_bulkexports.exceptions import BulkExportsResponseError


def packed(text: bytes, level: int = 9) -> bytes:
    """A gzip member without a time stamp, since it becomes part of a test's name."""
    return gzip.compress(text, level, mtime=0)


LINES = b'{"a": 1}\n{"b": 2}\n\n{"c": 3}'


@pytest.fixture(autouse=True, params=["the installed one", "zlib"])
def inflater(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "zlib":
        monkeypatch.setattr(file_check, "gzip_reader", lambda: gzip.GzipFile)


def checked(file: bytes, sizes: Iterator[int]) -> FileCheck:
    check = FileCheck()
    try:
        while file:
            size = next(sizes)
            check.feed(file[:size])
            file = file[size:]
        check.finish()
    finally:
        check.close()
    return check


def always(size: int) -> Iterator[int]:
    while True:
        yield size


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
@pytest.mark.parametrize(
    ("file", "records"),
    [
        (packed(LINES), 3),
        (packed(LINES + b"\n"), 3),
        (packed(LINES + b"\n") + packed(b'{"d": 4}\n') + bytes(30), 4),
        (packed(b'{"d": ') + packed(b"4}\n"), 1),
        (packed(b"\n\n\n"), 0),
        (packed(b""), 0),
        (EMPTY_FILE, 0),
        (b"", 0),
    ],
)
def test_records_are_nonempty_lines(file: bytes, records: int, size: int) -> None:
    check = checked(file, always(size))

    assert (check.records, check.size) == (records, len(file))
    assert check.sha256 == hashlib.sha256(file).hexdigest()


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
@pytest.mark.parametrize(
    "file",
    [
        packed(LINES)[:-3],
        packed(LINES)[:-8] + b"12345678",
        packed(LINES)[:-4] + b"1234",
        packed(LINES) + b"garbage",
        packed(LINES) + packed(LINES)[:12],
        LINES,
        b"hello",
    ],
    ids=["cut", "wrong checksum", "wrong length", "garbage behind", "cut member behind", "no gzip", "short text"],
)
def test_incomplete_file_is_an_error(file: bytes, size: int) -> None:
    with pytest.raises(BulkExportsResponseError, match=r"the file is damaged|is incomplete"):
        checked(file, always(size))


@pytest.mark.parametrize("size", range(1, 9))
@pytest.mark.parametrize("text", [LINES, b"\n\na\n\n\nbc\n\n", b"abc", b"\n", b" \n\r\n\n"])
def test_line_is_counted_once_wherever_the_text_is_cut(monkeypatch: pytest.MonkeyPatch, text: bytes, size: int) -> None:
    monkeypatch.setattr(file_check, "_TEXT", size)

    assert checked(packed(text), always(1 << 20)).records == sum(1 for line in text.split(b"\n") if line)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_count_does_not_depend_on_members_and_pieces(seed: int) -> None:
    chance = random.Random(seed)
    kinds = [b"x" * 3_000_000, b'{"a": 1}\n' * 200_000, b"".join(b"%d\n" % chance.getrandbits(30) for _ in range(999))]
    texts = [chance.choice(kinds) for _ in range(chance.randrange(1, 4))]
    file = b"".join(packed(text, chance.choice([0, 1, 6])) for text in texts)

    check = checked(file, iter(lambda: chance.choice([1000, 70_000, 300_000]), None))

    assert check.records == sum(1 for line in b"".join(texts).split(b"\n") if line)
    assert check.sha256 == hashlib.sha256(file).hexdigest()


def test_closing_early_ends_the_threads() -> None:
    check = FileCheck()
    check.feed(packed(LINES)[:10])
    check.close()

    assert not any(worker.is_alive() for worker in check._workers)


@pytest.mark.sample(1)
def test_closing_stops_endless_inflating() -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(b"a\n" * (1 << 19)) for _ in range(512))
    check = FileCheck()
    check.feed(bomb)
    check.close()

    assert check.records < 100 << 19, "of 512 MiB, a fraction"


@pytest.mark.slow
@pytest.mark.parametrize("fill", [b"x", b"\n"], ids=["one line", "empty lines"])
def test_memory_does_not_grow_with_inflated_size(fill: bytes) -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(fill * (1 << 20)) for _ in range(128)) + packer.flush()
    tracemalloc.start()
    try:
        check = checked(bomb, always(1 << 18))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert check.records == (fill == b"x")
    assert peak < 24 << 20, "of 128 MiB"


def test_damaged_beginning_stops_the_transfer_soon() -> None:
    check = FileCheck()

    def feed_for_long() -> None:
        for _ in range(100_000):
            check.feed(b"no gzip at all")

    with pytest.raises(BulkExportsResponseError, match="the file is damaged"):
        feed_for_long()
    check.close()

    assert not any(worker.is_alive() for worker in check._workers)
