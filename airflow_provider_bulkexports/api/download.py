"""
A day's file, whole and verified, or not at all.

Ask for a link, use it at once; if the transfer breaks off, ask for a new link and go on where it broke off, provided
that the storage confirms the same file (ETag), or else start over. The bytes are checked while they pass and go to
their final name in one step.
"""

from __future__ import annotations

import glob
import os
import platform
import random
import re
import threading
import time
from collections.abc import Callable, Collection
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import BinaryIO

import requests

from airflow_provider_bulkexports.api.bodies import json_object
from airflow_provider_bulkexports.api.redact import redact_url
from airflow_provider_bulkexports.api.storage import SignedLink, Storage, StoredObject
from airflow_provider_bulkexports.api.verify import EMPTY_FILE, FileCheck
from airflow_provider_bulkexports.exceptions import (
    BulkExportsConnectionError,
    BulkExportsDownloadError,
    BulkExportsError,
    BulkExportsResponseError,
)

__all__ = ["DownloadPolicy", "DownloadedDay", "SignedLink", "download", "link_from"]

_HOST = re.sub(r"\W", "-", platform.node()) or "host"

#: Bytes that have to be gained between two failures for the transfer to be getting anywhere.
_WORTHWHILE = 1 << 16


@dataclass(frozen=True, slots=True)
class DownloadedDay:
    """
    A verified file.

    :param day: UTC day of the records.
    :param path: Where it is.
    :param size: Bytes of the compressed file.
    :param records: Number of records: lines that hold something.
    :param sha256: Hexadecimal SHA-256 of the compressed file.
    :param account_sid: Account that the first record names; ``None`` without records.
    """

    day: date
    path: Path
    size: int
    records: int
    sha256: str
    account_sid: str | None = None


@dataclass(frozen=True, slots=True)
class DownloadPolicy:
    """
    How stubborn a download is.

    :param max_failures: Failures in a row, without a byte gained between them, that end it.
    :param backoff_factor: Seconds that the exponential wait between tries starts from.
    :param max_wait: Longest wait in seconds.
    """

    max_failures: int = 6
    backoff_factor: float = 0.5
    max_wait: float = 30.0

    def wait(self, failures: int) -> float:
        """Seconds before the next try, after so many failures in a row."""
        grown = self.backoff_factor * 2.0 ** (failures - 1)
        return min(grown + random.uniform(0, self.backoff_factor), self.max_wait)


def link_from(response: requests.Response) -> SignedLink:
    """
    Read the link out of an answer of ``FetchDay``: from its body, or else from its ``Location``.

    :raises BulkExportsResponseError: if the answer has neither.
    """
    url = (json_object(response) or {}).get("redirect_to") or response.headers.get("Location")
    if isinstance(url, str) and url.startswith(("https://", "http://")):
        return SignedLink(url)
    raise BulkExportsResponseError(
        f"{redact_url(response.url)} answered HTTP {response.status_code} without a link: ask again"
    )


def download(
    day: date,
    target: Path,
    *,
    ask_link: Callable[[], SignedLink],
    storage: Storage,
    expected_sizes: Collection[int] = (),
    may_be_empty: bool = False,
    policy: DownloadPolicy | None = None,
) -> DownloadedDay:
    """
    Fetch a day's file. ``target`` is replaced when the file is complete and verified, and untouched before.

    :param ask_link: Asks Twilio for a fresh link. Its errors are raised at once unless they are transient.
    :param expected_sizes: Bytes that Twilio's list gives for the day, one number a generation, if known.
    :param may_be_empty: Whether a file without a single byte is believed.
    :raises BulkExportsDownloadError: when the tries are used up, naming the day and the last failure.
    """
    _clear_leftovers(target)
    spool = target.with_name(f".{target.name}.{_HOST}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        with spool.open("w+b") as file, closing(_Transfer(file, expected_sizes, may_be_empty=may_be_empty)) as transfer:
            _try_until_complete(day, transfer, ask_link, storage, policy or DownloadPolicy())
            result = transfer.result(day, target)
        spool.replace(target)
    finally:
        spool.unlink(missing_ok=True)
    return result


def _clear_leftovers(target: Path) -> None:
    """Remove what killed processes of this machine left of the same file."""
    for spool in target.parent.glob(f".{glob.escape(target.name)}.{_HOST}.*.part"):
        pid = int(spool.name.split(".")[-3])
        if not _is_alive(pid):
            spool.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _try_until_complete(
    day: date, transfer: _Transfer, ask_link: Callable[[], SignedLink], storage: Storage, policy: DownloadPolicy
) -> None:
    failures = furthest = 0
    while True:
        try:
            with storage.open(ask_link(), start=transfer.offset, etag=transfer.etag) as stored:
                transfer.take(stored)
            return
        except BulkExportsError as error:
            if not error.is_transient:
                raise
            failures = 1 if transfer.offset >= furthest + _WORTHWHILE else failures + 1
            furthest = max(furthest, transfer.offset)
            if failures >= policy.max_failures:
                raise BulkExportsDownloadError(
                    f"The file of {day} could not be fetched whole, {failures} times in a row. The last time, {error}. "
                    "Run the task again; Twilio keeps the file for seven days after it was made.",
                    day=day,
                ) from error
        time.sleep(policy.wait(failures))


class _Transfer:
    """
    What has arrived of one file: its bytes in the spool, and their check.

    :param file: The spool, empty.
    """

    def __init__(self, file: BinaryIO, expected_sizes: Collection[int], *, may_be_empty: bool) -> None:
        self.offset = 0
        self.etag: str | None = None
        self._file = file
        self._expected_sizes = expected_sizes
        self._may_be_empty = may_be_empty
        self._check = FileCheck()

    def take(self, stored: StoredObject) -> None:
        """
        Take what the storage sends; return when that completes the file and all of it is verified.

        :raises BulkExportsConnectionError: if it broke off; what came is kept if the storage can tell the file again.
        :raises BulkExportsResponseError: if the file is not what it should be; nothing is kept.
        """
        if not (self.offset and stored.start == self.offset and stored.etag == self.etag):
            self._start_over()
        if stored.start != self.offset:
            raise BulkExportsResponseError(f"the storage went on at byte {stored.start}, not {self.offset}")
        self.etag = stored.etag
        try:
            for piece in stored.pieces:
                self._check.feed(piece)
                self._file.write(piece)
                self.offset += len(piece)
            self._require_all_of(stored)
        except BulkExportsConnectionError:
            if self.etag is None:
                self._start_over()
            raise
        except BulkExportsResponseError:
            self._start_over()
            raise

    def result(self, day: date, target: Path) -> DownloadedDay:
        """Describe the complete file; one without a single byte, as some empty days have, becomes a valid empty one."""
        if not self.offset:
            self._file.write(EMPTY_FILE)
            self._check = FileCheck()
            self._check.feed(EMPTY_FILE)
            self._check.finish()
        check = self._check
        return DownloadedDay(day, target, check.size, check.records, check.sha256, check.account_sid)

    def close(self) -> None:
        """End the check, however far it came."""
        self._check.close()

    def _require_all_of(self, stored: StoredObject) -> None:
        if stored.size is not None and self.offset < stored.size:
            raise BulkExportsConnectionError(f"the storage sent {self.offset} of {stored.size} bytes")
        if not self.offset and not self._may_be_empty:
            raise BulkExportsConnectionError("the storage sent no bytes for a day that is not known to be empty")
        if self._expected_sizes and self.offset not in self._expected_sizes:
            sizes = " or ".join(map(str, self._expected_sizes))
            raise BulkExportsResponseError(f"the file has {self.offset} bytes, and Twilio lists {sizes}")
        self._check.finish()

    def _start_over(self) -> None:
        self.offset, self.etag = 0, None
        self._file.seek(0)
        self._file.truncate()
        self._check.close()
        self._check = FileCheck()
