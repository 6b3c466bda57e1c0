"""The link to a day's file: read from Twilio's response, checked, and kept secret."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NoReturn

import requests

from airflow_provider_bulkexports.api.hosts import is_link_local, is_loopback, is_odd_address
from airflow_provider_bulkexports.api.json_body import Body, read_json_object
from airflow_provider_bulkexports.api.redact import redact_url
from airflow_provider_bulkexports.api.urls import origin_of
from airflow_provider_bulkexports.exceptions import BulkExportsResponseError

__all__ = ["SignedLink", "check_link", "host_of"]

_WEB = re.compile(r"(?i)https?://")
#: Characters that RFC 3986 allows in a URL. Programs disagree on the host of a URL with a backslash.
_CHARACTERS = re.compile(r"[!-\[\]-~]+")
_LONGEST_SHOWN = 300


@dataclass(frozen=True, slots=True)
class SignedLink:
    """
    A link that downloads a day's file once, within about four minutes, without credentials.

    Anyone with the URL can read the file. ``repr()`` and ``str()`` hide it, and it can be neither copied nor pickled.
    """

    url: str = field(repr=False)

    @classmethod
    def from_response(cls, response: requests.Response) -> SignedLink:
        """
        Read the link from a response to ``FetchDay``: from its body, or else from its ``Location`` header.

        :raises BulkExportsResponseError: if it has no link, or one that must not be used.
        """
        link = _named_by(response)
        if link is None:
            raise BulkExportsResponseError(
                f"The response (HTTP {response.status_code}) has no link to the file",
                remedy="Retry.",
                details={"request": f"GET {redact_url(response.url)}"},
            )
        try:
            check_link(link)
        except BulkExportsResponseError as refusal:
            # A redirect with an HTML page is a login or captive portal, which is transient here as elsewhere.
            refusal.is_transient = bool(response.content) and read_json_object(response) is None
            raise
        return link

    def __str__(self) -> str:
        shown = redact_url(self.url)
        return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}…"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A SignedLink is a secret for one use and cannot be pickled: request a new one instead")


def check_link(link: SignedLink) -> None:
    """
    Refuse a link that may lead to another host than it seems, or to one without day files.

    Its host is the one that the HTTP libraries connect to; all of them must read the same one.

    :raises BulkExportsResponseError: not transient; it quotes nothing of the link but its host.
    """
    # No variable here contains the link, since some tracebacks show variables.
    scheme, host = _origin(link.url)
    if not host:
        raise _refused("it is not a proper URL, and could lead to another host than it seems to")
    if is_link_local(host) or is_odd_address(host):
        raise _refused(f"it leads to {_shown(host)}, where Twilio keeps no files")
    if scheme != "https" and not is_loopback(host):
        raise _refused(f"it leads to {_shown(host)} without https, which would send the file unencrypted")


def host_of(url: str) -> str:
    """Host of a URL from outside, for a message; a description if it has none."""
    host = _origin(url)[1]
    return _shown(host) if host else "another address"


def _named_by(response: requests.Response) -> SignedLink | None:
    body = read_json_object(response) or Body()
    url = body.get("redirect_to") or response.headers.get("Location")
    return SignedLink(url) if isinstance(url, str) and _WEB.match(url) else None


def _origin(url: str) -> tuple[str, str]:
    """Scheme and host; both empty unless every program reads the same ones."""
    origin = origin_of(url) if _CHARACTERS.fullmatch(url) else None
    return (origin.scheme, origin.host) if origin and "%" not in origin.host else ("", "")


def _shown(host: str) -> str:
    return host if len(host) <= _LONGEST_SHOWN else f"{host[:_LONGEST_SHOWN]}…"


def _refused(reason: str) -> BulkExportsResponseError:
    return BulkExportsResponseError(
        f"Twilio's link was not used: {reason}",
        remedy="Check that the connection's host is Twilio's BulkExports API and that no proxy changes its responses.",
        is_transient=False,
    )
