"""
Download a day's file, complete and verified, or not at all.

A link is requested and used at once. An interrupted transfer gets a new link and resumes if the storage confirms the
same file (ETag); otherwise it starts over. The bytes are checked as they arrive, and get their final name in one step.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import BinaryIO

from airflow_provider_bulkexports.api.file_check import EMPTY_FILE, FileCheck
from airflow_provider_bulkexports.api.signed_link import SignedLink
from airflow_provider_bulkexports.api.storage_host import Storage, StoredObject
from airflow_provider_bulkexports.api.temporary_files import spooled
from airflow_provider_bulkexports.exceptions import (
    BulkExportsConnectionError,
    BulkExportsDownloadError,
    BulkExportsError,
    BulkExportsResponseError,
)
from airflow_provider_bulkexports.model.plain import counted

__all__ = ["DownloadedDay", "download"]

#: Least bytes between two failures that count as progress.
_PROGRESS = 1 << 16

#: Consecutive failures without progress that end a download.
_MAX_FAILURES = 6


@dataclass(frozen=True, slots=True)
class DownloadedDay:
    """
    A verified file.

    :param day: UTC day of the records.
    :param path: Path of the file.
    :param size: Bytes of the compressed file; if Twilio lists several files of the day, it says which one this is.
    :param records: Number of records, which are lines that are not empty.
    :param sha256: Hexadecimal SHA-256 of the compressed file.
    :param account_sid: Account that the first record names; ``None`` without records.
    """

    day: date
    path: Path
    size: int
    records: int
    sha256: str
    account_sid: str | None = None


def download(
    day: date,
    target: Path,
    *,
    request_link: Callable[[], SignedLink],
    storage: Storage,
    expected_sizes: Collection[int] = (),
    may_be_empty: bool | Callable[[], bool] = False,
    backoff: Callable[[int], float],
) -> DownloadedDay:
    """
    Download a day's file. ``target`` is replaced once the file is complete and verified, and untouched before.

    :param request_link: Requests a fresh link. Its errors are raised at once unless they are transient.
    :param expected_sizes: Bytes of each file of the day that Twilio lists. The file must have one of these sizes, and
        nothing beyond the largest is read. A size of 0 is Twilio's default and means unknown.
    :param may_be_empty: Whether zero bytes are the file of this day, because its job calls it empty; or a function that
        finds out, called if no bytes arrive.
    :param backoff: Seconds to wait after this many consecutive failures.
    :raises BulkExportsDownloadError: when no attempts are left, or the file cannot be written; it names the day.
    """
    try:
        with spooled(target) as file, closing(_Transfer(file, expected_sizes, may_be_empty)) as transfer:
            _download_until_complete(day, transfer, request_link, storage, backoff)
            return transfer.result(day, target)
    except OSError as error:
        raise BulkExportsDownloadError(
            f"The file for {day} could not be written to {target.parent}: {error.strerror or error}",
            remedy="Make room there, or correct the folder, and run the task again.",
            day=day,
        ) from error


def _download_until_complete(
    day: date,
    transfer: _Transfer,
    request_link: Callable[[], SignedLink],
    storage: Storage,
    backoff: Callable[[int], float],
) -> None:
    failures = furthest = 0
    while True:
        try:
            with storage.open(request_link(), start=transfer.offset, etag=transfer.etag) as stored:
                transfer.receive(stored)
            return
        except BulkExportsError as error:
            if not error.is_transient:
                if isinstance(error, (BulkExportsConnectionError, BulkExportsResponseError)):
                    raise _permanent_error(day, error) from error
                raise
            failures = 1 if transfer.offset >= furthest + _PROGRESS else failures + 1
            furthest = max(furthest, transfer.offset)
            if failures == _MAX_FAILURES // 2:
                transfer.start_over()  # resuming does not help: the storage may no longer have this file
            if failures >= _MAX_FAILURES:
                raise BulkExportsDownloadError(
                    f"Downloading the file for {day} failed {failures} times in a row. Last error: {error.what}",
                    remedy=f"Run the task again; Twilio keeps a file for seven days. {error.remedy}".strip(),
                    details=error.details,
                    day=day,
                ) from error
        time.sleep(backoff(failures))


def _permanent_error(day: date, error: BulkExportsError) -> BulkExportsDownloadError:
    """Name the day in an error that a retry does not remove; errors of Twilio's API name it already."""
    named = BulkExportsDownloadError(
        f"Cannot download the file for {day}: {error.what}", remedy=error.remedy, details=error.details, day=day
    )
    named.is_transient = False
    return named


class _Transfer:
    """
    The part of a file that has arrived, and its check.

    :param file: Temporary file for the bytes, empty.
    """

    def __init__(
        self, file: BinaryIO, expected_sizes: Collection[int], may_be_empty: bool | Callable[[], bool]
    ) -> None:
        self.offset = 0
        self.etag: str | None = None
        self._file = file
        self._sizes = sorted({size for size in expected_sizes if size > 0})
        self._may_be_empty = may_be_empty
        self._check = FileCheck()

    def receive(self, stored: StoredObject) -> None:
        """
        Receive what the storage sends, until the file is complete and verified.

        :raises BulkExportsConnectionError: if it was interrupted. The bytes are kept if the file has an ETag.
        :raises BulkExportsResponseError: if the file is not as expected; no bytes are kept.
        """
        if not (self.offset and stored.start == self.offset and stored.etag == self.etag):
            self.start_over()
        if stored.start != self.offset:
            raise BulkExportsResponseError(f"the storage resumed at byte {stored.start} instead of {self.offset}")
        self.etag = stored.etag
        try:
            if stored.size is not None:
                self._require_listed(stored.size)
            for piece in stored.pieces:
                self._require_room(len(piece), stored)
                self._check.feed(piece)
                self._file.write(piece)
                self.offset += len(piece)
            self._require_all_of(stored)
        except BulkExportsConnectionError:
            if self.etag is None:
                self.start_over()
            raise
        except BulkExportsResponseError:
            self.start_over()
            raise

    def result(self, day: date, target: Path) -> DownloadedDay:
        """Describe the complete file; zero bytes of an empty day become a valid gzip file without records."""
        if not self.offset:
            self._file.write(EMPTY_FILE)
            self._check = FileCheck()
            self._check.feed(EMPTY_FILE)
            self._check.finish()
        check = self._check
        return DownloadedDay(day, target, check.size, check.records, check.sha256, check.account_sid)

    def start_over(self) -> None:
        """Discard what has arrived."""
        self.offset, self.etag = 0, None
        self._file.seek(0)
        self._file.truncate()
        self._check.close()
        self._check = FileCheck()

    def close(self) -> None:
        """End the check, complete or not."""
        self._check.close()

    def _require_room(self, more: int, stored: StoredObject) -> None:
        """Stop where the file should have ended, since a longer one may be endless."""
        if self._sizes and self.offset + more > self._sizes[-1]:
            raise BulkExportsResponseError(f"the file is longer than the {self._listed} bytes that Twilio lists")
        if stored.size is not None and self.offset + more > stored.size:
            raise BulkExportsResponseError(f"the storage sent more than the {stored.size} bytes that it announced")

    def _require_all_of(self, stored: StoredObject) -> None:
        if stored.size is not None and self.offset < stored.size:
            raise BulkExportsConnectionError(f"the storage sent {self.offset} of {counted(stored.size, 'byte')}")
        self._require_listed(self.offset)
        if not self.offset and not self._is_known_empty():
            raise BulkExportsResponseError(
                "the storage sent no bytes, and neither the day's job nor a sensor's result says that the day is empty",
                remedy="Check the day's status in its job's details, and whether a proxy empties responses.",
            )
        self._check.finish()

    def _require_listed(self, size: int) -> None:
        if self._sizes and size not in self._sizes:
            raise BulkExportsResponseError(f"the file has {counted(size, 'byte')}, and Twilio lists {self._listed}")

    @property
    def _listed(self) -> str:
        return " or ".join(map(str, self._sizes[-5:]))

    def _is_known_empty(self) -> bool:
        return self._may_be_empty if isinstance(self._may_be_empty, bool) else self._may_be_empty()
