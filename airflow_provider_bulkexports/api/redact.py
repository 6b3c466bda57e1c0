"""
Take secrets out of any text before it is logged or raised.

A day's signed link opens the file for whoever reads it, and `requests` and `urllib3` put URLs into their messages.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

__all__ = ["REDACTED", "redact", "redact_url"]

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
