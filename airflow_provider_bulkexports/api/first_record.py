"""Read the account of a day's file from its first record, without reading the rest."""

from __future__ import annotations

import json
import zlib

from airflow_provider_bulkexports.model.resources import is_account_sid

__all__ = ["HEAD_BYTES", "account_of", "account_of_gzip"]

#: Bytes of a file, or of its text, that are sure to contain the first record.
HEAD_BYTES = 1 << 16


def account_of(text: bytes) -> str | None:
    """
    Return the ``account_sid`` of the first record; ``None`` if there is no record, or it names no account.

    :param text: The beginning of a file's text.
    """
    line = text.lstrip().partition(b"\n")[0]
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    sid = record.get("account_sid") if isinstance(record, dict) else None
    return sid if isinstance(sid, str) and is_account_sid(sid) else None


def account_of_gzip(head: bytes) -> str | None:
    """
    Return the same for the beginning of a gzip file.

    :param head: The beginning of the file.
    """
    try:
        return account_of(zlib.decompressobj(wbits=31).decompress(head, HEAD_BYTES))
    except zlib.error:
        return None
