"""Upload arguments for each store: to limit memory, to replace a file or not, and those of ``upload_options``."""

from __future__ import annotations

import hashlib
import inspect
from base64 import b64encode
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.object_storage.schemes import AZURE, GCS, LOCAL, S3

__all__ = ["check_supported", "check_upload_options", "pipe_arguments", "put_arguments"]

#: Bytes of a part. By default s3fs holds ten parts of 50 MiB in memory.
_PART = 8 << 20

_GCS_OPTIONS = ("metadata", "content_type", "fixed_key_metadata", "consistency")


def check_upload_options(options: object) -> Mapping[str, Any]:
    """
    Check the argument ``upload_options``.

    :raises BulkExportsInputError: unless it is a dict with names as keys.
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
    Refuse options that the store's library would silently drop.

    :raises BulkExportsInputError: for the first of them; lists the supported ones.
    """
    allowed = _allowed(fs, protocol) if options else None
    unknown = [] if allowed is None else [name for name in options if name not in allowed]
    if not unknown:
        return
    supported = ", ".join(sorted(allowed or ())[:40]) or "none"
    raise BulkExportsInputError(
        f"upload_options: {protocol} does not support {unknown[0]!r} for an upload; it supports {supported}"
    )


def put_arguments(fs: Any, protocol: str, options: Mapping[str, Any], *, file: Path, only_new: bool) -> dict[str, Any]:
    """
    Arguments for ``put_file``.

    :param file: The file to upload.
    :param only_new: Do not replace an existing file, if the store can guarantee that.
    """
    arguments: dict[str, Any] = {}
    if protocol in S3:
        arguments = {"chunksize": _PART, "max_concurrency": 2}
        if file.stat().st_size < 2 * _PART:  # one request, whose checksum S3 verifies
            arguments["ContentMD5"] = _md5(file)
    elif protocol in GCS:
        arguments = {"chunksize": _PART}
    elif protocol in AZURE:
        # Before 2024, adlfs does not replace a file by default.
        arguments = {"overwrite": not only_new}
    if only_new and protocol in (*S3, *GCS) and _takes_mode(fs):
        arguments["mode"] = "create"
    return arguments | dict(options)


def pipe_arguments(protocol: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments for ``pipe_file``, which always replaces."""
    return ({"overwrite": True} if protocol in AZURE else {}) | dict(options)


def _allowed(fs: Any, protocol: str) -> set[str] | None:
    """Options that an upload supports; ``None`` if unknown."""
    if protocol in (*LOCAL, ""):
        return set()
    if protocol in GCS:
        return set(_GCS_OPTIONS)
    if protocol in AZURE and "kwargws" in _parameters(fs):  # before 2024, adlfs accepts any and drops them
        return {"max_concurrency"}
    if protocol in S3:
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
