"""What a destination may be: an absolute folder, or a bucket's URL. Anything else would store into the wrong place."""

from __future__ import annotations

from pathlib import PurePosixPath
from urllib.parse import urlsplit

from airflow_provider_bulkexports.exceptions import BulkExportsInputError

__all__ = ["EXTRAS", "LOCAL_SCHEMES", "check_destination"]

LOCAL_SCHEMES = ("file", "local")

#: The extra of this package that brings each scheme.
EXTRAS = {
    **dict.fromkeys(("s3", "s3a", "s3n"), "s3"),
    **dict.fromkeys(("gs", "gcs"), "gcs"),
    **dict.fromkeys(("abfs", "abfss", "adl"), "azure"),
}

_EXAMPLE = "'s3://bucket/twilio' or 'file:///data/twilio'"


def check_destination(url: object) -> str:
    """
    Return the scheme of a destination, in lower case; empty for an absolute local path.

    :raises BulkExportsInputError: for what cannot be meant, saying what to write instead.
    """
    if not isinstance(url, str):
        raise BulkExportsInputError(f"destination {url!r}: write a folder's URL, such as {_EXAMPLE}")
    if not url.strip():
        raise BulkExportsInputError(f"destination is empty: write a folder, such as {_EXAMPLE}")
    if url != url.strip() or not url.isprintable():
        raise BulkExportsInputError(
            f"destination {url!r} has blanks or control characters around or in it: remove them"
        )
    if "://" not in url:
        _check_path(url)
        return ""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise BulkExportsInputError(f"destination {url!r} is not a URL: {error}") from error
    if not parts.scheme:
        raise BulkExportsInputError(f"destination {url!r} has no scheme: write it like {_EXAMPLE}")
    if parts.scheme in LOCAL_SCHEMES:
        if parts.netloc or not parts.path.startswith("/"):
            raise BulkExportsInputError(
                f"destination {url!r} is relative: write the absolute path, "
                f"{parts.scheme}:///{parts.netloc}{parts.path}"
            )
        _check_path(parts.path)
    elif not parts.netloc.rpartition("@")[2]:
        raise BulkExportsInputError(
            f"destination {url!r} names no bucket: write {parts.scheme}://<bucket>/{parts.path.strip('/') or 'twilio'}"
        )
    _check_azure(url)
    return parts.scheme


def _check_path(path: str) -> None:
    if path.startswith(("~", "/~/")):
        raise BulkExportsInputError(
            f"destination {path!r}: '~' is another folder on every worker; write the absolute path, such as "
            "'file:///data/twilio'"
        )
    if not path.startswith("/"):
        first, _, rest = path.partition(":")
        bucket = rest.lstrip("/") if rest and first.isalnum() else path
        scheme = first if rest and first.isalnum() else "s3"
        absolute = f"/{bucket}" if scheme in LOCAL_SCHEMES else f"//{bucket}"
        raise BulkExportsInputError(
            f"destination {path!r} has no scheme, so it would be a folder in the worker's current one: write "
            f"'{scheme}:{'//' if scheme in LOCAL_SCHEMES else ''}{absolute}' (or gs://, abfs://), or an absolute path "
            f"such as '/data/twilio' for a folder of the worker"
        )
    if ".." in PurePosixPath(path).parts:
        raise BulkExportsInputError(f"destination {path!r}: write the path without '..'")


def _check_azure(url: str) -> None:
    """Refuse Azure's own way to write addresses: what stands before ``@`` names a connection in Airflow."""
    parts = urlsplit(url)
    container, _, account = parts.netloc.rpartition("@")
    if container and ".dfs." in account:
        raise BulkExportsInputError(
            f"destination {url!r}: Airflow takes {container!r} for a connection. Write "
            f"{parts.scheme}://{container}{parts.path} and name the connection of {account} in object_storage_conn_id"
        )
