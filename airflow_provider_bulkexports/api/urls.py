"""Where a URL leads, as the libraries that connect read it: two that disagree connect to what nobody checked."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from airflow_provider_bulkexports.api.hosts import is_loopback

__all__ = ["Origin", "is_loopback", "is_loopback_url", "is_twilio", "is_unambiguous", "origin_of"]

_DEFAULT_PORTS = {"http": 80, "https": 443}

#: Longer URLs are refused by servers and proxies on the way.
_LONGEST = 8_000


class Origin(NamedTuple):
    """What a URL connects to; the host in lower case, an IPv6 address without brackets."""

    scheme: str
    host: str
    port: int


def origin_of(url: object, *, may_have_user: bool = False) -> Origin | None:
    r"""
    Where a request for an absolute URL goes; ``None`` for what no request should be sent to.

    That is everything but ``http`` and ``https``, a URL without a host or with a port that is none, with user
    information, with backslashes, white space or control characters, or one that parsers read differently: `requests`
    asks `urllib3` and the standard library, and ``http://evil\@127.0.0.1/`` is two hosts to them.

    :param may_have_user: Accept user information, for URLs that others are asked to call; only their libraries count.
    """
    if not isinstance(url, str) or len(url) > _LONGEST or not is_unambiguous(url):
        return None
    try:
        parts = urlsplit(url)
        origin = (parts.scheme, _without_brackets(parts.hostname), parts.port)
    except ValueError:
        return None
    scheme, host, port = origin
    if scheme not in _DEFAULT_PORTS or (not may_have_user and _as_urllib3_reads(url) != origin):
        return None
    if not host or not host.isascii() or port == 0 or ("@" in parts.netloc and not may_have_user):
        return None
    return Origin(scheme, host, port or _DEFAULT_PORTS[scheme])


def _as_urllib3_reads(url: str) -> tuple[str | None, str, int | None] | None:
    """Scheme, host and port; imported here, as DAG files are parsed with a webhook's URL and without HTTP."""
    from urllib3.exceptions import LocationParseError
    from urllib3.util import parse_url

    try:
        read = parse_url(url)
    except (LocationParseError, UnicodeError, ValueError):
        return None
    return read.scheme, _without_brackets(read.host), read.port


def _without_brackets(host: str | None) -> str:
    return (host or "").lower().strip("[]")


def is_unambiguous(url: str) -> bool:
    """Whether a URL has none of the characters that parsers drop, turn into others, or end a line at."""
    return url.isprintable() and not any(character.isspace() or character == "\\" for character in url)


def is_loopback_url(url: str) -> bool:
    """Whether a request for an absolute URL stays on this machine."""
    origin = origin_of(url)
    return origin is not None and is_loopback(origin.host)


def is_twilio(url: str) -> bool:
    """Whether a URL is on one of Twilio's own hosts."""
    origin = origin_of(url)
    return origin is not None and f".{origin.host}".endswith(".twilio.com")
