"""One GET from the storage behind a signed link: no credentials, piece by piece, never slower than a minimum."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NoReturn
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from airflow_provider_bulkexports.api import fields
from airflow_provider_bulkexports.api.redact import redact, redact_url, unlogged_queries
from airflow_provider_bulkexports.api.transport import is_loopback
from airflow_provider_bulkexports.exceptions import BulkExportsConnectionError, BulkExportsResponseError

__all__ = ["SignedLink", "Storage", "StoredObject"]

_PIECE = 1 << 18
#: The word in the XML with which S3 refuses; of the text around it nothing is repeated.
_ERROR_CODE = re.compile(r"<Code>(\w+)</Code>")
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


@dataclass(frozen=True, slots=True)
class SignedLink:
    """
    Where a day's file can be fetched once, within some four minutes, without credentials.

    Whoever holds the URL can read the file: it is kept out of ``repr()`` and ``str()``.
    """

    url: str = field(repr=False)

    def __str__(self) -> str:
        return redact_url(self.url)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a signed link is not pickled: ask for a new one where it is needed")


@dataclass(frozen=True, slots=True)
class StoredObject:
    """
    What the storage says it sends.

    :param start: Offset of the first byte that follows.
    :param size: Bytes of the whole file; ``None`` if the storage does not say.
    :param etag: Strong validator of this very file; ``None`` if there is none.
    :param pieces: The bytes from ``start`` on.
    """

    start: int
    size: int | None
    etag: str | None
    pieces: Iterator[bytes]


class Storage:
    """
    A session to whatever host the links name. It has no credentials to lose, and follows the environment's proxies.

    :param timeouts: Seconds to wait for a connection, and for the next bytes.
    :param least_rate: Bytes a second below which a transfer counts as stalled.
    :param patience: Seconds over which the rate is measured.
    :param clock: Monotonic seconds.
    """

    def __init__(
        self,
        timeouts: tuple[float, float],
        *,
        least_rate: float = 1024.0,
        patience: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._timeouts = timeouts
        self._least_rate = least_rate
        self._patience = patience
        self._clock = clock
        self._session = requests.Session()
        # An entry for the host in a .netrc file would add the header that S3 refuses beside a signature.
        self._session.auth = lambda request: request
        self._session.headers["Accept-Encoding"] = "identity"
        # A link works once: what is tried again needs a new one.
        adapter = HTTPAdapter(max_retries=urllib3.Retry(total=0, read=False))
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    @contextmanager
    def open(self, link: SignedLink, *, start: int = 0, etag: str | None = None) -> Iterator[StoredObject]:
        """
        Use a link.

        :param start: Offset to go on from; the storage may answer from the beginning all the same.
        :param etag: The file that ``start`` belongs to; another one is sent from its beginning.
        :raises BulkExportsConnectionError: if no or no complete answer arrives, also while pieces are read.
        :raises BulkExportsResponseError: for an error answer, such as an expired link.
        """
        _check_scheme(link)
        headers = {"Range": f"bytes={start}-", "If-Range": etag} if start and etag else {}
        with self._answer(link, headers) as response:
            yield _described(link, response, self._pieces(link, response))

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()

    def _answer(self, link: SignedLink, headers: Mapping[str, str]) -> requests.Response:
        try:
            with unlogged_queries():
                return self._session.get(link.url, headers=headers, stream=True, timeout=self._timeouts)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            broken = _broken_off(link, error)
        raise broken

    def _pieces(self, link: SignedLink, response: requests.Response) -> Iterator[bytes]:
        """Yield what arrives when it arrives, so that a trickle is noticed."""
        since, received = self._clock(), 0
        while piece := _next_piece(link, response):
            yield piece
            received += len(piece)
            now = self._clock()
            if now - since >= self._patience:
                if received < self._least_rate * (now - since):
                    raise BulkExportsConnectionError(
                        f"{link}: the transfer stalled: {received} bytes in {now - since:.0f} seconds"
                    )
                since, received = now, 0


def _next_piece(link: SignedLink, response: requests.Response) -> bytes:
    try:
        return bytes(response.raw.read1(_PIECE, decode_content=False))
    except (urllib3.exceptions.HTTPError, OSError) as error:
        broken = _broken_off(link, error)
    raise broken


def _broken_off(link: SignedLink, error: Exception) -> BulkExportsConnectionError:
    """Make the error; to be raised behind the handler: the original, whose text holds the URL, must not hang on."""
    return BulkExportsConnectionError(f"{link}: the transfer broke off: {redact(error)}")


def _described(link: SignedLink, response: requests.Response, pieces: Iterator[bytes]) -> StoredObject:
    etag = response.headers.get("ETag")
    if etag is not None and not etag.startswith('"'):
        etag = None  # a weak one does not promise the same bytes
    if response.status_code == 200:
        return StoredObject(0, fields.integer(response.headers.get("Content-Length")), etag, pieces)
    span = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if response.status_code == 206 and span:
        return StoredObject(int(span[1]), int(span[3]), etag, pieces)
    code = _ERROR_CODE.search(next(pieces, b"")[:4096].decode("utf-8", "replace"))
    raise BulkExportsResponseError(
        f"{link}: the storage answered HTTP {response.status_code} ({code[1] if code else 'no reason given'})"
    )


def _check_scheme(link: SignedLink) -> None:
    parts = urlsplit(link.url)
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise BulkExportsResponseError(
            f"{link}: Twilio named a link without https, which would carry the file in clear", is_transient=False
        )
