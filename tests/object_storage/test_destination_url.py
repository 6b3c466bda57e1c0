"""A destination is an absolute folder or a bucket's URL; anything else is refused with the remedy."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.object_storage.destination_url import check_destination_url


@pytest.mark.parametrize(
    ("url", "scheme"),
    [
        ("s3://bucket/twilio", "s3"),
        ("s3://bucket", "s3"),
        ("S3://bucket", "s3"),
        ("s3://aws_default@bucket/twilio", "s3"),
        ("gs://bucket/twilio/", "gs"),
        ("abfs://container/twilio", "abfs"),
        ("file:///data/twilio", "file"),
        ("/data/twilio", ""),
    ],
)
def test_absolute_folders_and_buckets_are_accepted(url: str, scheme: str) -> None:
    assert check_destination_url(url) == scheme


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("my-bucket/twilio", "write 's3://my-bucket/twilio'"),
        ("twilio", "write 's3://twilio'"),
        ("./twilio", "has no scheme"),
        ("../twilio", "has no scheme"),
        ("s3:/bucket/twilio", "write 's3://bucket/twilio'"),
        ("file:data", "write 'file:///data'"),
        ("~/exports", "'~' is a different folder on every worker"),
        ("file:///~/exports", "'~' is a different folder"),
        ("file://~/exports", "is relative"),
        ("file://data/twilio", "write the absolute path, file:///data/twilio"),
        ("file://", "is relative"),
        ("s3://", "has no bucket: write s3://<bucket>/twilio"),
        ("s3:///twilio", "has no bucket: write s3://<bucket>/twilio"),
        ("s3://aws_default@/twilio", "has no bucket"),
        ("://bucket", "has no scheme"),
        ("/data/../etc", "without '..'"),
        ("s3://bucket/twilio\n", "control characters, or begins or ends with blanks"),
        (" s3://bucket", "control characters, or begins or ends with blanks"),
        ("s3://buc\u202eket", "control characters, or begins or ends with blanks"),
        ("s3://[bucket", "is not a URL"),
        ("", "destination is empty"),
        ("  ", "destination is empty"),
        (None, "write a folder's URL"),
        (7, "write a folder's URL"),
    ],
)
def test_destination_that_cannot_be_right_is_refused(url: Any, sentence: str) -> None:
    with pytest.raises(BulkExportsInputError) as refused:
        check_destination_url(url)

    assert sentence in str(refused.value)
    assert str(refused.value).isprintable()
