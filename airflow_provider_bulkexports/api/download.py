"""A day's file: the link to it, which is a secret and good for one use."""

from __future__ import annotations

from dataclasses import dataclass, field

import requests

from airflow_provider_bulkexports.api.redact import redact_url
from airflow_provider_bulkexports.exceptions import BulkExportsResponseError

__all__ = ["SignedLink", "link_from"]


@dataclass(frozen=True, slots=True)
class SignedLink:
    """
    Where a day's file can be fetched once, within some four minutes, without credentials.

    Whoever holds the URL can read the file: it is kept out of ``repr()`` and ``str()``.
    """

    url: str = field(repr=False)

    def __str__(self) -> str:
        return redact_url(self.url)


def link_from(response: requests.Response) -> SignedLink:
    """
    Read the link out of an answer of ``FetchDay``: from its body, or else from its ``Location``.

    :raises BulkExportsResponseError: if the answer has neither.
    """
    try:
        body = response.json()
    except ValueError:
        body = None
    url = body.get("redirect_to") if isinstance(body, dict) else None
    url = url or response.headers.get("Location")
    if isinstance(url, str) and url.startswith(("https://", "http://")):
        return SignedLink(url)
    raise BulkExportsResponseError(
        f"{redact_url(response.url)} answered HTTP {response.status_code} without a link: ask again"
    )
