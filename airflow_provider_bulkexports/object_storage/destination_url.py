"""What a destination may be: an absolute folder or a bucket's URL. Anything else would store in the wrong place."""

from __future__ import annotations

from pathlib import PurePosixPath
from urllib.parse import urlsplit

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.object_storage.schemes import EXTRAS, LOCAL, has_file_system

__all__ = ["check_destination_url", "check_scheme"]

_EXAMPLE = "'s3://bucket/twilio' or 'file:///data/twilio'"


def check_scheme(url: object) -> str:
    """
    Return the scheme of a destination; refuse one that cannot be right, as far as that is visible without the store.

    :return: In lower case; empty for an absolute local path.
    :raises BulkExportsInputError: also for a scheme that neither Airflow nor an installed provider serves.
    """
    scheme = check_destination_url(url)
    if scheme in ("", *LOCAL) or has_file_system(scheme):
        return scheme
    if extra := EXTRAS.get(scheme):
        raise BulkExportsInputError(
            f"destination {url!r}: support for {scheme}:// is not installed, which is the extra {extra}",
            remedy=f"Run `pip install 'airflow-provider-bulkexports[{extra}]'` wherever the DAG is parsed and run.",
        )
    raise BulkExportsInputError(
        f"destination {url!r}: unknown scheme {scheme}://; write s3://, gs://, abfs:// or file:///, or install the "
        "Airflow provider that serves it"
    )


def check_destination_url(url: object) -> str:
    """
    Return the scheme of a destination, without asking whether anything serves it.

    :return: In lower case; empty for an absolute local path.
    :raises BulkExportsInputError: for a URL that cannot be right; says what to write instead.
    """
    if hasattr(url, "__fspath__") or hasattr(url, "as_uri"):
        raise BulkExportsInputError(f"destination {url!r} is a path object: write the text {str(url)!r}")
    if not isinstance(url, str):
        raise BulkExportsInputError(f"destination {url!r}: write a folder's URL, such as {_EXAMPLE}")
    if not url.strip():
        raise BulkExportsInputError(f"destination is empty: write a folder, such as {_EXAMPLE}")
    if url != url.strip() or not url.isprintable():
        raise BulkExportsInputError(
            f"destination {url!r} contains control characters, or begins or ends with blanks: remove them"
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
    if parts.scheme in LOCAL:
        if parts.netloc or not parts.path.startswith("/"):
            raise BulkExportsInputError(
                f"destination {url!r} is relative: write the absolute path, "
                f"{parts.scheme}:///{parts.netloc}{parts.path}"
            )
        _check_path(parts.path)
    elif not parts.netloc.rpartition("@")[2]:
        raise BulkExportsInputError(
            f"destination {url!r} has no bucket: write {parts.scheme}://<bucket>/{parts.path.strip('/') or 'twilio'}"
        )
    _check_azure(url)
    return parts.scheme


def _check_path(path: str) -> None:
    if path.startswith(("~", "/~/")):
        raise BulkExportsInputError(
            f"destination {path!r}: '~' is a different folder on every worker; write the absolute path, such as "
            "'file:///data/twilio'"
        )
    if not path.startswith("/"):
        first, _, rest = path.partition(":")
        bucket = rest.lstrip("/") if rest and first.isalnum() else path
        scheme = first if rest and first.isalnum() else "s3"
        absolute = f"/{bucket}" if scheme in LOCAL else f"//{bucket}"
        raise BulkExportsInputError(
            f"destination {path!r} has no scheme, so it would be relative to the worker's current folder: write "
            f"'{scheme}:{'//' if scheme in LOCAL else ''}{absolute}' (or gs://, abfs://), or an absolute path "
            f"such as '/data/twilio' for a folder of the worker"
        )
    if ".." in PurePosixPath(path).parts:
        raise BulkExportsInputError(f"destination {path!r}: write the path without '..'")


def _check_azure(url: str) -> None:
    """Refuse Azure's own form of a URL: in Airflow, the part before ``@`` names a connection."""
    parts = urlsplit(url)
    container, _, account = parts.netloc.rpartition("@")
    if container and ".dfs." in account:
        raise BulkExportsInputError(
            f"destination {url!r}: Airflow takes {container!r} for a connection. Write "
            f"{parts.scheme}://{container}{parts.path} and name the connection of {account} in object_storage_conn_id"
        )
