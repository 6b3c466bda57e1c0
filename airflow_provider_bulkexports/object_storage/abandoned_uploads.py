"""Abort multipart uploads that killed tasks left in S3: they are invisible, and billed until somebody aborts them."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import datetime, timedelta, timezone
from typing import Any

from airflow_provider_bulkexports.model.plain import counted

__all__ = ["ABANDONED_AFTER", "abort_abandoned"]

#: No upload of a day's file takes this long.
ABANDONED_AFTER = timedelta(days=1)

log = logging.getLogger(__name__)


def abort_abandoned(fs: Any, paths: Collection[str], *, now: datetime | None = None) -> int:
    """
    Abort the old multipart uploads of these objects.

    Never fails: an error, for example a missing permission, only ends the cleanup.

    :param fs: s3fs' file system.
    :param paths: ``bucket/key`` of the objects that the task may write, all in one bucket.
    :param now: For tests; the current time by default.
    :return: Number of aborted uploads.
    """
    if not paths:
        return 0
    aborted = 0
    try:
        bucket = min(paths).partition("/")[0]
        keys = {path.partition("/")[2] for path in paths}
        oldest = (now or datetime.now(timezone.utc)) - ABANDONED_AFTER
        response = fs.call_s3("list_multipart_uploads", Bucket=bucket, Prefix=_common_prefix(keys))
        for upload in response.get("Uploads") or []:
            if upload["Key"] in keys and upload["Initiated"] < oldest:
                fs.call_s3("abort_multipart_upload", Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
                aborted += 1
    except Exception as error:  # noqa: BLE001  # see above
        log.debug("Skipped the cleanup of abandoned uploads: %s", type(error).__name__)
    if aborted:
        log.info("Aborted %s left by killed tasks", counted(aborted, "multipart upload"))
    return aborted


def _common_prefix(keys: Collection[str]) -> str:
    first, last = min(keys), max(keys)
    length = next((at for at, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), None)
    return first if length is None else first[:length]
