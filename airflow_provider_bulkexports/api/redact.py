"""
Take secrets out of any text before it is logged or raised.

A day's signed link opens the file for whoever reads it, and `requests` and `urllib3` put URLs into their messages.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

__all__ = ["redact", "redact_url", "unlogged_queries"]

REDACTED = "***"

_URL = re.compile(r"(?i)https?://[^\s'\"<>\\]+")
_QUERY_OF_PATH = re.compile(r"(?<=with url: )(\S+?)\?\S+")
_SIGNATURE = re.compile(r"(?i)\b(X-Amz-[A-Za-z-]+|Signature|Policy|Key-Pair-Id|AWSAccessKeyId|sig)=[^\s&'\"<>]+")
_AUTHORIZATION = re.compile(r"(?i)\b(Basic|Bearer)\s+[A-Za-z0-9+/=_.~-]{8,}")


def redact_url(url: str) -> str:
    """Keep scheme, host and path of a URL; replace its user information and its query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return REDACTED
    shown = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    return f"{shown}?{REDACTED}" if parts.query else shown


def redact(text: object, *secrets: str | None) -> str:
    """
    Return the text without queries of URLs, signatures, authorization values and the given secrets.

    :param secrets: Credentials that must not appear whatever their surroundings.
    """
    clean = _URL.sub(lambda match: redact_url(match.group()), str(text))
    clean = _QUERY_OF_PATH.sub(rf"\1?{REDACTED}", clean)
    clean = _SIGNATURE.sub(rf"\1={REDACTED}", clean)
    clean = _AUTHORIZATION.sub(rf"\1 {REDACTED}", clean)
    for secret in secrets:
        if secret:
            clean = clean.replace(secret, REDACTED)
    return clean


@contextmanager
def unlogged_queries() -> Iterator[None]:
    """Keep the queries of what this thread requests in the block out of urllib3's debug lines."""
    _secrecy.depth = getattr(_secrecy, "depth", 0) + 1
    try:
        yield
    finally:
        _secrecy.depth -= 1


_secrecy = threading.local()


def _hide_queries(record: logging.LogRecord) -> bool:
    if getattr(_secrecy, "depth", 0) and isinstance(record.args, tuple):
        record.args = tuple(_hide_query(value) if isinstance(value, str) else value for value in record.args)
    return True


def _hide_query(text: str) -> str:
    path, mark, _ = text.partition("?")
    return f"{path}?{REDACTED}" if mark else text


for _name in ("urllib3.connectionpool", "urllib3.poolmanager", "urllib3.util.retry"):
    logging.getLogger(_name).addFilter(_hide_queries)
