"""
Check a day's file as it arrives: checksum and length of every gzip member, number of records, SHA-256 of the file.

Inflating and hashing each have a thread beside the transfer. A slow transfer overlaps with them; a fast one waits for
the inflating only.
"""

from __future__ import annotations

import hashlib
import io
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from gzip import GzipFile
from typing import TYPE_CHECKING

from airflow_provider_bulkexports.api.first_record import HEAD_BYTES, account_of
from airflow_provider_bulkexports.exceptions import BulkExportsResponseError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["EMPTY_FILE", "FileCheck", "gzip_reader"]

#: A valid gzip file without records, always the same bytes.
EMPTY_FILE = bytes.fromhex("1f8b08000000000002ff03000000000000000000")

#: Bytes of text at a time: enough that threads seldom wait for each other, and small enough for a processor's cache.
_TEXT = 1 << 18
_PIECES_WAITING = 8


def gzip_reader() -> type[GzipFile]:
    """Class that reads gzip files: isal's, which is faster, where it is installed."""
    with suppress(ImportError):  # some platforms have no wheel of it
        from isal.igzip import IGzipFile

        return IGzipFile
    return GzipFile


class FileCheck:
    """
    Checks a file whose bytes come in order, in constant memory. Ends with :meth:`finish` or :meth:`close`.

        check = FileCheck()
        for piece in pieces:
            check.feed(piece)
        check.finish()
        check.size, check.records, check.sha256
    """

    def __init__(self) -> None:
        self.size = 0
        self.records = 0
        self._head = b""
        self._digest = hashlib.sha256()
        self._is_open = True
        self._workers = (_Worker(self._hash), _Worker(self._inflate))

    @property
    def sha256(self) -> str:
        """Hexadecimal SHA-256 of the compressed file, available once it is finished."""
        return self._digest.hexdigest()

    @property
    def account_sid(self) -> str | None:
        """Account that the first record names, available once the file is finished."""
        return account_of(self._head)

    def feed(self, piece: bytes) -> None:
        """
        Check the next bytes.

        :raises BulkExportsResponseError: if the bytes so far are not a gzip file.
        """
        self._raise_error()
        for worker in self._workers:
            worker.pieces.put(piece)
        self.size += len(piece)

    def finish(self) -> None:
        """
        Wait for the result of the complete file.

        :raises BulkExportsResponseError: if it is not a complete gzip file.
        """
        self._end()
        self._raise_error()

    def close(self) -> None:
        """Stop, whether or not the file is complete, without inflating the rest."""
        self._is_open = False
        self._end()

    def _end(self) -> None:
        for worker in self._workers:
            worker.end()

    def _raise_error(self) -> None:
        for worker in self._workers:
            if isinstance(worker.error, EOFError):
                raise BulkExportsResponseError("the gzip file is incomplete") from worker.error
            if worker.error is not None:
                raise BulkExportsResponseError(f"the file is damaged: {worker.error}") from worker.error

    def _hash(self, pieces: Iterator[bytes]) -> None:
        for piece in pieces:
            self._digest.update(piece)

    def _inflate(self, pieces: Iterator[bytes]) -> None:
        # After a member, another one may follow, or zeros that fill a block (RFC 1952); the reader handles both.
        with io.BufferedReader(_Joined(pieces), _TEXT) as source, gzip_reader()(fileobj=source, mode="rb") as file:
            line_is_open = False
            while self._is_open and (text := file.read1(_TEXT)):
                if len(self._head) < HEAD_BYTES and not self.records:
                    self._head += text[:HEAD_BYTES]
                # Faster than count(), which reads byte by byte before Python 3.13.
                lines = io.BytesIO(text).readlines()
                blank = lines.count(b"\n") - (line_is_open and lines[0] == b"\n")
                self.records += len(lines) - blank - line_is_open
                line_is_open = not text.endswith(b"\n")


class _Worker(threading.Thread):
    """
    A thread that passes pieces of a file to a function.

    :param work: Reads the pieces up to the last one.
    """

    def __init__(self, work: Callable[[Iterator[bytes]], None]) -> None:
        super().__init__(name="bulkexports-check", daemon=True)
        self.pieces: queue.Queue[bytes | None] = queue.Queue(_PIECES_WAITING)
        self.error: Exception | None = None
        self._work = work
        self.start()

    def end(self) -> None:
        """End the pieces, and wait until the last one is processed."""
        if self.is_alive():
            self.pieces.put(None)
            self.join()

    def run(self) -> None:
        pieces = iter(self.pieces.get, None)
        try:
            self._work(pieces)
        except Exception as error:  # noqa: BLE001  # raised again with the next piece, or at the end
            self.error = error
        for _ in pieces:  # drain, so that no producer blocks on a full queue
            pass


class _Joined(io.RawIOBase):
    """A readable file made of pieces."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, target: WriteableBuffer) -> int:
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._left = memoryview(piece)
        room = memoryview(target)
        part, self._left = self._left[: len(room)], self._left[len(room) :]
        room[: len(part)] = part
        return len(part)
