"""Find the origin of a URL. Every library must read the same one, or a request goes to a host that nobody checked."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from airflow_provider_bulkexports.api.hosts import is_loopback

__all__ = ["Origin", "is_loopback_url", "is_twilio", "is_unambiguous", "origin_of"]

_DEFAULT_PORTS = {"http": 80, "https": 443}

#: Longer than any page link or signed link; servers and proxies refuse such URLs.
_LONGEST = 16_384


class Origin(NamedTuple):
    """The server that a URL connects to; the host is in lower case, an IPv6 address without brackets."""

    scheme: str
    host: str
    port: int


def origin_of(url: object, *, may_have_user: bool = False) -> Origin | None:
    r"""
    Return the origin that a request for an absolute URL goes to; ``None`` if no request should be sent.

    Refused are other schemes than ``http`` and ``https``, a missing host, an invalid port, user information,
    backslashes, white space, control characters, and URLs that parsers read differently: `requests` uses `urllib3` and
    the standard library, which read two different hosts in ``http://evil\@127.0.0.1/``.

    :param may_have_user: Accept user information, for URLs that somebody else calls.
    """
    if not isinstance(url, str) or len(url) > _LONGEST or not is_unambiguous(url):
        return None
    try:
        read, parts = parse_url(url), urlsplit(url)
        port = parts.port
    except (LocationParseError, UnicodeError, ValueError):
        return None
    hosts = {(host or "").lower().strip("[]") for host in (read.host, parts.hostname)}
    if parts.scheme not in _DEFAULT_PORTS or read.scheme != parts.scheme or read.port != port or len(hosts) != 1:
        return None
    host = hosts.pop()
    if not host or port == 0 or ("@" in parts.netloc and not may_have_user):
        return None
    return Origin(parts.scheme, host, port or _DEFAULT_PORTS[parts.scheme])


def is_unambiguous(url: str) -> bool:
    """Whether a URL has no character that parsers drop, replace, or treat as the end of a line."""
    return url.isprintable() and not any(character.isspace() or character == "\\" for character in url)


def is_loopback_url(url: str) -> bool:
    """Whether a request for an absolute URL stays on this machine."""
    origin = origin_of(url)
    return origin is not None and is_loopback(origin.host)


def is_twilio(url: str) -> bool:
    """Whether a URL is on one of Twilio's own hosts."""
    origin = origin_of(url)
    return origin is not None and f".{origin.host}".endswith(".twilio.com")
