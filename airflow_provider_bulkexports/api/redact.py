"""
Remove secrets from a text before it is logged or raised.

A day's signed link opens the file for anyone who reads it, and `requests` and `urllib3` put URLs into their messages.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

from airflow_provider_bulkexports.exceptions import text_of

__all__ = ["REDACTED", "redact", "redact_url"]

REDACTED = "***"

#: Most characters of a text that are redacted; the rest is dropped. Errors quote far less of a server's text.
LONGEST = 1 << 14

#: Notations of a character of a URL: as it is, percent-encoded (also repeatedly), escaped in JSON or HTML, and
#: quoted-printable as in mails.
_COLON, _SLASH, _MARK, _HASH, _EQUALS, _AT = (
    rf"(?:{re.escape(character)}|[%=](?:25){{0,5}}{ord(character):02x}|\\{{1,8}}[ux](?:00)?{ord(character):02x}"
    rf"|&(?:\#(?:0{{0,4}}{ord(character)}|x0{{0,4}}{ord(character):x})|{entity});?)"
    for character, entity in zip(":/?#=@", ("colon", "sol", "quest", "num", "equals", "commat"), strict=True)
)
#: JSON may escape its slashes with backslashes. It ends at white space and quotes only.
_URL = re.compile(rf"(?i)https?{_COLON}(?:\\{{0,4}}{_SLASH}){{2}}[^\s'\"<>]+")
_QUERY = re.compile(rf"(?i){_MARK}|{_HASH}")
_ANY_AT = re.compile(rf"(?i){_AT}")
_AUTHORITY = re.compile(rf"(?i)^https?{_COLON}(?:\\{{0,4}}{_SLASH}){{2}}")
_PATH = re.compile(rf"(?i)\\{{0,4}}{_SLASH}")
_QUERY_OF_PATH = re.compile(r"(?<=with url: )([^\s?]{0,4000})\?\S+")
_SIGNATURE = re.compile(
    r"(?i)(?<![a-z])(X-(?:Amz|Goog|Ms)-[a-z-]{1,40}|Signature|Policy|Key-Pair-Id|AWSAccessKeyId|GoogleAccessId|sig)"
    rf"([\"']?\s{{0,4}}(?:{_EQUALS}|[:>])[\s\[(]{{0,4}}[\"']?)[^\s&'\"<>]+"
)
#: User information of any other scheme, such as a proxy's; `_URL` finds http and https in every notation.
_USER = re.compile(r"(?i)(?<=://)[^\s/@'\"<>]{1,4000}@")
_AUTHORIZATION = re.compile(r"(?i)(?<![a-z])(Basic|Bearer)((?:\s|%20|\+){1,8})[A-Za-z0-9+/=_.~%-]{8,}")


def redact_url(url: str) -> str:
    """Keep scheme, host and path of a URL; remove its user information, query and fragment in every notation."""
    url = url[:LONGEST]
    try:
        parts = urlsplit(url)
    except ValueError:
        return REDACTED
    is_url = bool(parts.scheme and parts.netloc)
    shown = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", "")) if is_url else url
    found = _QUERY.search(shown)
    return shown[: found.start()] if found else shown


def redact(text: object, *secrets: str | None) -> str:
    """
    Remove queries of URLs, signatures, authorization values and the given secrets from a text.

    Only the beginning of a very long text is kept, which bounds the work.

    :param secrets: Credentials to remove wherever they appear.
    """
    clean = _beginning(text_of(text), secrets)
    clean = _URL.sub(lambda match: _shown(match.group()), clean)
    clean = _USER.sub("", clean)
    clean = _QUERY_OF_PATH.sub(r"\1", clean)
    clean = _SIGNATURE.sub(rf"\1\2{REDACTED}", clean)
    clean = _AUTHORIZATION.sub(rf"\1\2{REDACTED}", clean)
    for secret in secrets:
        if secret:
            clean = clean.replace(secret, REDACTED)
    return clean


def _beginning(text: str, secrets: tuple[str | None, ...]) -> str:
    """The beginning of a text, without the part of a secret that the cut could leave at its end."""
    if len(text) <= LONGEST:
        return text
    text = text[:LONGEST]
    for secret in filter(None, secrets):
        for size in range(len(secret) - 1, 0, -1):
            if text.endswith(secret[:size]):
                text = text[:-size]
                break
    return text


def _shown(url: str) -> str:
    """What :func:`redact_url` keeps of a URL, in any notation."""
    start = _AUTHORITY.match(url)
    end = start.end() if start else 0
    query = _QUERY.search(url, end)
    body = url[end : query.start()] if query else url[end:]
    path = _PATH.search(body)
    authority, rest = (body[: path.start()], body[path.start() :]) if path else (body, "")
    for found in _ANY_AT.finditer(authority):
        authority = body[found.end() : path.start() if path else None]
    return f"{url[:end].lower() if url.startswith(('HTTP', 'http')) else url[:end]}{authority}{rest}"
