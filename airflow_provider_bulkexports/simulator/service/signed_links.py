"""Signed links, by which the storage serves day files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, unquote, urlencode

from airflow_provider_bulkexports.simulator.knobs import Knobs
from airflow_provider_bulkexports.simulator.service.accounts import hex_digits
from airflow_provider_bulkexports.simulator.service.day_files import DayFile

__all__ = ["Links", "StorageRefusedError"]


class StorageRefusedError(Exception):
    """The storage rejects a request, in XML as S3 does."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


@dataclass
class _Link:
    file: DayFile
    query: dict[str, str]
    expires_at: datetime
    is_used: bool = False


class Links:
    """
    Signed links to day files: each works once, within ``link_seconds``.

    :ivar base_url: Origin of the storage, without a slash at the end.
    """

    def __init__(self, seed: int) -> None:
        self.base_url = ""
        self._seed = seed
        self._links: dict[str, _Link] = {}

    def issue(self, file: DayFile, now: datetime, knobs: Knobs) -> str:
        """Return a new link to a file."""
        signature = hex_digits(self._seed, "link", len(self._links), length=64)
        query = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"AKIASIMULATOR/{now:%Y%m%d}/us-east-1/s3/aws4_request",
            "X-Amz-Date": f"{now:%Y%m%dT%H%M%SZ}",
            "X-Amz-Expires": str(knobs.link_seconds),
            "X-Amz-SignedHeaders": "host",
            "X-Amz-Security-Token": hex_digits(self._seed, "session", length=40),
            "X-Amz-Signature": signature,
        }
        expires_at = now + timedelta(seconds=knobs.link_seconds)
        self._links[signature] = _Link(file, query, expires_at)
        return f"{self.base_url}{file.path}?{urlencode(query)}"

    def redeem(self, path: str, query_string: str, now: datetime, knobs: Knobs) -> DayFile:
        """
        Use a link and return its file.

        :param path: Decoded path of the request.
        :raises StorageRefusedError: if the link is unknown, changed, expired or used, or its file is gone.
        """
        query = dict(parse_qsl(query_string, keep_blank_values=True))
        link = self._links.get(query.get("X-Amz-Signature", ""))
        if link is None:
            raise StorageRefusedError(403, "AccessDenied", "Access Denied")
        if (path, query) != (unquote(link.file.path), link.query):
            raise StorageRefusedError(
                403, "SignatureDoesNotMatch", "The request signature we calculated does not match the one you provided."
            )
        if now >= link.expires_at:
            raise StorageRefusedError(403, "AccessDenied", "Request has expired")
        if link.is_used and not knobs.link_reusable:
            raise StorageRefusedError(403, "AccessDenied", "Access Denied")
        if not link.file.is_available(now, knobs):
            raise StorageRefusedError(404, "NoSuchKey", "The specified key does not exist.")
        link.is_used = True
        return link.file
