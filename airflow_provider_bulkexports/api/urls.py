"""Find the origin of a URL. Every library must read the same one, or a request goes to a host that nobody checked."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

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
