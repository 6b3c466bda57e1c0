"""Multipart uploads of S3 that killed tasks left: invisible, and paid for until somebody aborts them."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import datetime, timedelta, timezone
from typing import Any

__all__ = ["ABANDONED_AFTER", "abort_abandoned"]

#: No upload of a day's file takes as long.
ABANDONED_AFTER = timedelta(days=1)

log = logging.getLogger(__name__)


def abort_abandoned(fs: Any, paths: Collection[str], *, now: datetime | None = None) -> int:
    """
    Abort the old multipart uploads of these objects, and return how many those were.

    It is a courtesy: whatever stands in its way, such as a missing permission, is no reason to fail.

    :param fs: s3fs' file system.
    :param paths: ``bucket/key`` of the objects that the task may write.
    :param now: The present, if not now.
    """
    if not paths:
        return 0
    aborted = 0
    try:
        bucket = min(paths).partition("/")[0]
        keys = {path.partition("/")[2] for path in paths}
        oldest = (now or datetime.now(timezone.utc)) - ABANDONED_AFTER
        answer = fs.call_s3("list_multipart_uploads", Bucket=bucket, Prefix=_common_prefix(keys))
        for upload in answer.get("Uploads") or []:
            if upload["Key"] in keys and upload["Initiated"] < oldest:
                fs.call_s3("abort_multipart_upload", Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
                aborted += 1
    except Exception as error:  # noqa: BLE001  # see above
        log.debug("Did not look for abandoned uploads: %s", type(error).__name__)
    if aborted:
        log.info("Aborted %d multipart uploads that killed tasks had left", aborted)
    return aborted


def _common_prefix(keys: Collection[str]) -> str:
    first, last = min(keys), max(keys)
    length = next((at for at, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), None)
    return first if length is None else first[:length]
