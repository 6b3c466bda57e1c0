"""Arguments of an upload, by store: what bounds its memory, what replaces a file or refuses to, what the user adds."""

from __future__ import annotations

import hashlib
import inspect
from base64 import b64encode
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from airflow_provider_bulkexports.exceptions import BulkExportsInputError

__all__ = ["check_supported", "check_upload_options", "pipe_arguments", "put_arguments"]

#: s3fs would hold ten parts of 50 MiB.
_PART = 8 << 20

_S3 = ("s3", "s3a", "s3n")
_GCS = ("gs", "gcs")
_AZURE = ("abfs", "abfss", "adl")

_GCS_OPTIONS = ("metadata", "content_type", "fixed_key_metadata", "consistency")


def check_upload_options(options: object) -> Mapping[str, Any]:
    """
    Take the argument ``upload_options``.

    :raises BulkExportsInputError: unless it is a dict of names and values.
    """
    if options is None:
        return {}
    if isinstance(options, Mapping) and all(isinstance(name, str) for name in options):
        return options
    raise BulkExportsInputError(
        f"upload_options {options!r}: write a dict of the store's own names, such as "
        "{'ServerSideEncryption': 'aws:kms', 'SSEKMSKeyId': '…', 'StorageClass': 'STANDARD_IA'} for S3"
    )


def check_supported(fs: Any, protocol: str, options: Mapping[str, Any]) -> None:
    """
    Refuse options that the store's library would drop without a word.

    :raises BulkExportsInputError: naming the first of them.
    """
    allowed = _allowed(fs, protocol) if options else None
    unknown = [] if allowed is None else [name for name in options if name not in allowed]
    if not unknown:
        return
    known = ", ".join(sorted(allowed or ())[:40]) or "none"
    raise BulkExportsInputError(f"upload_options: {protocol} knows no {unknown[0]!r} for an upload; it knows {known}")


def put_arguments(fs: Any, protocol: str, options: Mapping[str, Any], *, file: Path, only_new: bool) -> dict[str, Any]:
    """
    Arguments for ``put_file``.

    :param file: What is uploaded.
    :param only_new: Whether a file that is there must not be replaced, where the store can promise that.
    """
    arguments: dict[str, Any] = {}
    if protocol in _S3:
        arguments = {"chunksize": _PART, "max_concurrency": 2}
        if file.stat().st_size < 2 * _PART:  # one request, of which the store checks this itself
            arguments["ContentMD5"] = _md5(file)
    elif protocol in _GCS:
        arguments = {"chunksize": _PART}
    elif protocol in _AZURE:
        # Before 2024 adlfs refuses to replace a file unless it is told to.
        arguments = {"overwrite": not only_new}
    if only_new and protocol in (*_S3, *_GCS) and _takes_mode(fs):
        arguments["mode"] = "create"
    return arguments | dict(options)


def pipe_arguments(protocol: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments for ``pipe_file``, which always replaces."""
    return ({"overwrite": True} if protocol in _AZURE else {}) | dict(options)


def _allowed(fs: Any, protocol: str) -> set[str] | None:
    """Names that an upload takes; ``None`` if that cannot be said."""
    if protocol in ("file", "local", ""):
        return set()
    if protocol in _GCS:
        return set(_GCS_OPTIONS)
    if protocol in _AZURE and "kwargws" in _parameters(fs):  # before 2024 adlfs takes any, and drops them
        return {"max_concurrency"}
    if protocol in _S3:
        model = import_module("botocore.session").get_session().get_service_model("s3")
        keys = set(model.operation_model("PutObject").input_shape.members)
        return keys - {"Bucket", "Key", "Body"}
    return None


def _takes_mode(fs: Any) -> bool:
    return "mode" in _parameters(fs)


def _parameters(fs: Any) -> Mapping[str, Any]:
    method = getattr(fs, "_put_file", None) or fs.put_file
    return inspect.signature(method).parameters


def _md5(file: Path) -> str:
    return b64encode(hashlib.md5(file.read_bytes(), usedforsecurity=False).digest()).decode()
