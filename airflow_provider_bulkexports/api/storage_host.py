"""Read a file from the storage host of a signed link: without credentials, in pieces, at a minimum rate."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import requests
import urllib3

from airflow_provider_bulkexports.api.failure_causes import cause_of
from airflow_provider_bulkexports.api.http_logging import guard_http_logs, unlogged_queries
from airflow_provider_bulkexports.api.private_session import PrivateSession
from airflow_provider_bulkexports.api.redact import redact
from airflow_provider_bulkexports.api.signed_link import SignedLink, check_link, host_of
from airflow_provider_bulkexports.api.storage_connection import Patience, StorageAdapter
from airflow_provider_bulkexports.exceptions import (
    BulkExportsConnectionError,
    BulkExportsError,
    BulkExportsResponseError,
    text_of,
)
from airflow_provider_bulkexports.model.plain import counted

__all__ = ["Storage", "StoredObject"]

_PIECE = 1 << 18

#: Bytes a second below which a transfer counts as stalled.
_MIN_RATE = 1024.0

_LONGEST_QUOTE = 500
#: The code in S3's error responses; nothing else of them is quoted.
_ERROR_CODE = re.compile(r"<Code>(\w+)</Code>")
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")
_LENGTH = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class StoredObject:
    """
    What the storage sends, according to its headers.

    :param start: Offset of the first byte of ``pieces``.
    :param size: Bytes of the whole file; ``None`` if unknown.
    :param etag: Strong validator of the file; ``None`` if it has none.
    :param pieces: The bytes from ``start`` on.
    """

    start: int
    size: int | None
    etag: str | None
    pieces: Iterator[bytes]


class Storage:
    """
    A session to the hosts that links name. It has no credentials, and uses the environment's proxies.

    It uses no redirect, no ``.netrc`` and no cookie.

    :param timeouts: Seconds to wait for a connection, and for the next bytes.
    :param stall_timeout: Seconds to wait for the first byte of the file, and over which the rate is measured.
    """

    def __init__(self, timeouts: tuple[float, float], *, stall_timeout: float = 60.0) -> None:
        self._timeouts = timeouts
        self._stall_timeout = stall_timeout
        self._patience = Patience(stall_timeout)
        # A link works once: another attempt needs a new one.
        adapter = StorageAdapter(self._patience, max_retries=urllib3.Retry(total=0, read=False))
        self._session = PrivateSession(adapter)
        # S3 refuses a signature together with the header that an entry in .netrc would add.
        self._session.auth = lambda request: request
        self._session.headers["Accept-Encoding"] = "identity"

    @contextmanager
    def open(self, link: SignedLink, *, start: int = 0, etag: str | None = None) -> Iterator[StoredObject]:
        """
        Use a link.

        :param start: Offset to resume from; the storage may start from the beginning all the same.
        :param etag: Validator of the file that ``start`` belongs to; another file is sent from its beginning.
        :raises BulkExportsConnectionError: without a complete response, also while pieces are read.
        :raises BulkExportsResponseError: for an error response, such as for an expired link; for a redirect, which is
            not followed; for a link that must not be used.
        """
        check_link(link)
        guard_http_logs()
        headers = {"Range": f"bytes={start}-", "If-Range": etag} if start and etag else {}
        with unlogged_queries(), self._request(link, headers) as response:
            yield _described(link, response, self._pieces(link, response))

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()

    def _request(self, link: SignedLink, headers: Mapping[str, str]) -> requests.Response:
        self._patience.renew()
        try:
            return self._session.get(
                link.url, headers=headers, stream=True, timeout=self._timeouts, allow_redirects=False
            )
        except Exception as error:  # noqa: BLE001  # any exception of the libraries becomes an error of ours
            broken = _interrupted(link, error)
            broken.is_transient = broken.is_transient and cause_of(error).is_transient
        raise broken

    def _pieces(self, link: SignedLink, response: requests.Response) -> Iterator[bytes]:
        """Yield bytes as they arrive, so that a slow transfer is noticed."""
        since, received = time.monotonic(), 0
        while piece := self._next_piece(link, response):
            yield piece
            received += len(piece)
            now = time.monotonic()
            if now - since >= self._stall_timeout:
                if received < _MIN_RATE * (now - since):
                    raise BulkExportsConnectionError(
                        f"the transfer stalled: {counted(received, 'byte')} in {counted(now - since, 'second')}",
                        details={"file": str(link)},
                    )
                since, received = now, 0

    def _next_piece(self, link: SignedLink, response: requests.Response) -> bytes:
        self._patience.renew()
        try:
            return bytes(response.raw.read1(_PIECE, decode_content=False))
        except Exception as error:  # noqa: BLE001  # as above
            broken = _interrupted(link, error)
        raise broken


def _interrupted(link: SignedLink, error: Exception) -> BulkExportsError:
    """Make the error. Raise it outside ``except``, so that the original, which contains the URL, is not chained."""
    if isinstance(error, BulkExportsResponseError):
        return BulkExportsResponseError(error.what, is_transient=error.is_transient, details={"file": str(link)})
    cause = redact(text_of(error)[: 4 * _LONGEST_QUOTE])[:_LONGEST_QUOTE] or type(error).__name__
    return BulkExportsConnectionError(f"the transfer was interrupted: {cause}", details={"file": str(link)})


def _described(link: SignedLink, response: requests.Response, pieces: Iterator[bytes]) -> StoredObject:
    etag = response.headers.get("ETag")
    if etag is not None and not etag.startswith('"'):
        etag = None  # a weak one does not guarantee the same bytes
    if response.status_code == 200:
        return StoredObject(0, _length(response), etag, pieces)
    span = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if response.status_code == 206 and span:
        return StoredObject(int(span[1]), int(span[3]), etag, pieces)
    if 300 <= response.status_code < 400:
        raise BulkExportsResponseError(
            f"the storage answered HTTP {response.status_code}, a redirect to "
            f"{host_of(response.headers.get('Location', ''))}, which is not followed",
            details={"file": str(link)},
        )
    code = _ERROR_CODE.search(next(pieces, b"")[:4096].decode("utf-8", "replace"))
    raise BulkExportsResponseError(
        f"the storage answered HTTP {response.status_code} ({code[1][:100] if code else 'no reason given'})",
        details={"file": str(link)},
    )


def _length(response: requests.Response) -> int | None:
    """Bytes of the body by its header; ``None`` if it comes in chunks, which mark their own end."""
    length = response.headers.get("Content-Length", "").strip()
    if "Transfer-Encoding" in response.headers or not _LENGTH.fullmatch(length):
        return None
    return int(length)
