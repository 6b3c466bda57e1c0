"""
The URIs and names of assets: ``twilio-bulkexports://<Account SID>/<resource type>``, all exported days of one type.

A day is a partition of its asset, with the day as its key; it has no URI of its own.
"""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.resources import ResourceType, is_account_sid

__all__ = ["SCHEME", "account_of", "asset_name", "asset_uri", "openlineage_name", "sanitize_uri"]

SCHEME = "twilio-bulkexports"


def asset_uri(resource_type: object, account_sid: object) -> str:
    """
    Make the URI of an account's exports.

    :raises BulkExportsInputError: saying what to write instead.
    """
    kind = ResourceType.parse(resource_type)
    return f"{SCHEME}://{_checked_account(account_sid)}/{kind.value}"


def asset_name(resource_type: object, account_sid: object) -> str:
    """
    Make the name of the asset, ``Twilio Messages (AC…)``; each URI has its own.

    It has the whole Account SID, because Airflow turns off one of two assets with the same name. It is plain ASCII,
    which Airflow requires if its database is MySQL.

    :raises BulkExportsInputError: saying what to write instead.
    """
    kind = ResourceType.parse(resource_type)
    return f"Twilio {kind.value} ({_checked_account(account_sid)})"


def account_of(uri: str) -> str | None:
    """Return the Account SID of an asset's URI; ``None`` if the URI has another scheme."""
    parts = urlsplit(uri)
    return parts.netloc if parts.scheme == SCHEME else None


def sanitize_uri(uri: SplitResult) -> SplitResult:
    """
    Check a URI of the scheme; Airflow calls this for every asset.

    :raises BulkExportsInputError: a ValueError, saying what to write instead.
    """
    if "@" in uri.netloc:
        raise BulkExportsInputError(f"An asset's URI must not have credentials: write {_pattern()}")
    _checked_account(uri.netloc)
    kind = ResourceType.parse(uri.path.strip("/"))
    if uri.query or uri.fragment:
        raise BulkExportsInputError(
            f"{uri.geturl()!r} has more than an account and a resource type: write {_pattern()}"
        )
    return uri._replace(path=f"/{kind.value}")


def _checked_account(account_sid: object) -> str:
    if isinstance(account_sid, str) and is_account_sid(account_sid):
        return account_sid
    raise BulkExportsInputError(
        f"account {account_sid!r} is not an Account SID: write 'AC' and 32 hexadecimal digits, as in {_pattern()}"
    )


def _pattern() -> str:
    return f"{SCHEME}://AC0123456789abcdef0123456789abcdef/Messages"


def openlineage_name(uri: str) -> tuple[str, str]:
    """Return namespace and name by OpenLineage's naming rules; the namespace of a local file has no slashes."""
    parts = urlsplit(uri)
    if parts.scheme == "file":
        return f"file://{parts.netloc}" if parts.netloc else "file", parts.path or "/"
    return f"{parts.scheme}://{parts.netloc}", parts.path.strip("/") or "/"
