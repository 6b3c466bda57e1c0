"""
The URIs of assets: ``twilio-bulkexports://<Account SID>/<resource type>``, all exported days of one type.

A day is a partition of its asset, with the day as its key; it has no URI of its own.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.resources import ResourceType

__all__ = ["SCHEME", "AssetName", "asset_uri", "read_asset_uri", "sanitize_uri"]

SCHEME = "twilio-bulkexports"

_ACCOUNT_SID = re.compile(r"AC[0-9a-fA-F]{32}")


class AssetName(NamedTuple):
    """What a URI names."""

    account_sid: str
    resource_type: ResourceType


def asset_uri(resource_type: object, account_sid: object) -> str:
    """
    Make the URI of an account's exports.

    :raises BulkExportsInputError: saying what to write instead.
    """
    kind = ResourceType.parse(resource_type)
    return f"{SCHEME}://{_checked_account(account_sid)}/{kind.value}"


def read_asset_uri(uri: str) -> AssetName:
    """
    Read a URI.

    :raises BulkExportsInputError: if it is none of ours, saying what to write instead.
    """
    parts = urlsplit(uri)
    if parts.scheme != SCHEME:
        raise BulkExportsInputError(f"{parts.scheme}://… is no URI of exports: write {_pattern()}")
    sanitize_uri(parts)
    return AssetName(parts.netloc, ResourceType.parse(parts.path.strip("/")))


def sanitize_uri(uri: SplitResult) -> SplitResult:
    """
    Check a URI of the scheme, as Airflow does with every asset.

    :raises BulkExportsInputError: a ValueError, saying what to write instead.
    """
    if "@" in uri.netloc:
        raise BulkExportsInputError(f"An asset's URI holds no credentials: write {_pattern()}")
    _checked_account(uri.netloc)
    kind = ResourceType.parse(uri.path.strip("/"))
    if uri.query or uri.fragment:
        raise BulkExportsInputError(
            f"{uri.geturl()!r} has more than an account and a resource type: write {_pattern()}"
        )
    return uri._replace(path=f"/{kind.value}")


def _checked_account(account_sid: object) -> str:
    if isinstance(account_sid, str) and _ACCOUNT_SID.fullmatch(account_sid):
        return account_sid
    raise BulkExportsInputError(
        f"account {account_sid!r} is not an Account SID: write 'AC' and 32 hexadecimal digits, as in {_pattern()}"
    )


def _pattern() -> str:
    return f"{SCHEME}://AC0123456789abcdef0123456789abcdef/Messages"


def openlineage_name(uri: str) -> tuple[str, str]:
    """Namespace and name by OpenLineage's naming rules; a local file's namespace has no slashes."""
    parts = urlsplit(uri)
    if parts.scheme == "file":
        return f"file://{parts.netloc}" if parts.netloc else "file", parts.path or "/"
    return f"{parts.scheme}://{parts.netloc}", parts.path.strip("/") or "/"
