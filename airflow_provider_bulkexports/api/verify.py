"""
Check a day's file while it passes: every gzip member's own checksum and length, every line, and a SHA-256 of it all.

Inflating and counting are done on a thread beside the transfer, so that a slow network hides them.
"""

from __future__ import annotations

import hashlib
import queue
import threading
import zlib
from contextlib import suppress
from types import ModuleType
from typing import Any

from airflow_provider_bulkexports.exceptions import BulkExportsResponseError

inflater: ModuleType = zlib
with suppress(ImportError):  # it has no wheel for some platforms
    from isal import isal_zlib as inflater

__all__ = ["EMPTY_FILE", "FileCheck"]

#: A valid gzip file of no records, always the same bytes.
EMPTY_FILE = bytes.fromhex("1f8b08000000000002ff03000000000000000000")

_GZIP = 16 + zlib.MAX_WBITS
_PIECE = 1 << 20
_PIECES_WAITING = 8


class FileCheck:
    """
    Takes a file's bytes in order; memory does not grow with them. Ends with :meth:`finish` or :meth:`close`.

        check = FileCheck()
        for piece in pieces:
            check.feed(piece)
        check.finish()
        check.size, check.records, check.sha256
    """

    def __init__(self) -> None:
        self.size = 0
        self.records = 0
        self._digest = hashlib.sha256()
        self._member: Any = None
        self._line_is_open = False
        self._error: Exception | None = None
        self._pieces: queue.Queue[bytes | None] = queue.Queue(_PIECES_WAITING)
        self._thread = threading.Thread(target=self._work, name="bulkexports-check", daemon=True)
        self._thread.start()

    @property
    def sha256(self) -> str:
        """Hexadecimal SHA-256 of the compressed file."""
        return self._digest.hexdigest()

    def feed(self, piece: bytes) -> None:
        """
        Take the next bytes.

        :raises BulkExportsResponseError: if what came so far is no gzip file.
        """
        self._raise_error()
        self._pieces.put(piece)
        # Here, while the other thread inflates: both let go of the interpreter.
        self._digest.update(piece)
        self.size += len(piece)

    def finish(self) -> None:
        """
        Declare the file complete, and wait for the verdict.

        :raises BulkExportsResponseError: if it is no whole gzip file.
        """
        self.close()
        self._raise_error()
        if self._member is not None and not self._member.eof:
            raise BulkExportsResponseError("the gzip stream ends in the middle")

    def close(self) -> None:
        """End the work, whether or not the file is complete."""
        if self._thread.is_alive():
            self._pieces.put(None)
            self._thread.join()

    def _raise_error(self) -> None:
        if self._error is not None:
            raise BulkExportsResponseError(f"the file is damaged: {self._error}") from self._error

    def _work(self) -> None:
        while (piece := self._pieces.get()) is not None:
            if self._error is not None:
                continue
            try:
                self._inflate(piece)
            except Exception as error:  # noqa: BLE001  # raised again where the next piece or the end is handed in
                self._error = error
        if self._line_is_open:
            self.records += 1

    def _inflate(self, piece: bytes) -> None:
        while piece:
            if self._member is None or self._member.eof:
                # Behind a member there may be another, or zeros that fill a block (RFC 1952; gzip ignores them too).
                piece = piece if self._member is None else piece.lstrip(b"\0")
                if not piece:
                    return
                self._member = inflater.decompressobj(wbits=_GZIP)
            text = self._member.decompress(piece, _PIECE)
            piece = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            self._count(text)

    def _count(self, text: bytes) -> None:
        """Count lines that hold something; one may go on in the next piece."""
        if not text:
            return
        first, *others = text.split(b"\n")
        if not others:
            self._line_is_open = self._line_is_open or bool(first)
            return
        last = others.pop()
        self.records += (self._line_is_open or bool(first)) + sum(map(bool, others))
        self._line_is_open = bool(last)
