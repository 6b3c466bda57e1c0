"""The link to a day's file: where it is in Twilio's answer, which links are used, and what is shown of one."""

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
#: What RFC 3986 lets into a URL; the backslash is where programs disagree on the host.
_CHARACTERS = re.compile(r"[!-\[\]-~]+")
_LONGEST_SHOWN = 300


@dataclass(frozen=True, slots=True)
class SignedLink:
    """
    Where a day's file can be fetched once, within some four minutes, without credentials.

    Whoever holds the URL can read the file: it is kept out of ``repr()`` and ``str()``, and neither copied nor pickled.
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
                f"{redact_url(response.url)} answered HTTP {response.status_code} without a link: ask again"
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
        raise TypeError("A SignedLink is a secret for one use and cannot be pickled: ask for a new one instead")


def check_link(link: SignedLink) -> None:
    """
    Refuse a link that may lead elsewhere than it seems, or where no day's file is.

    Decided on the host that is connected to, as the libraries that connect read it; they have to agree.

    :raises BulkExportsResponseError: without a word of the link but its host; asking again does not help.
    """
    # No variable here holds the link: some tracebacks show them.
    scheme, host = _origin(link.url)
    if not host:
        raise _refused("that is not a proper URL: it could lead to another host than it seems to")
    if is_link_local(host) or is_odd_address(host):
        raise _refused(f"to {_shown(host)}, where no file of Twilio is")
    if scheme != "https" and not is_loopback(host):
        raise _refused(f"without https (to {_shown(host)}), which would carry the file in clear")


def host_of(url: str) -> str:
    """Host of a URL from outside, to be named in a message; a description if it has none."""
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
        f"Twilio named a link {reason}. It was not used. Check that the connection's host is Twilio's BulkExports API "
        "and that no proxy changes its answers.",
        is_transient=False,
    )
