"""Publishing in S3: large files, failed uploads, and what killed tasks left."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.s3 import CONN_ID, keys
from support.s3_policies import PolicyProxy, Refusal

from airflow_provider_bulkexports.exceptions import BulkExportsStorageError
from airflow_provider_bulkexports.object_storage.abandoned_uploads import abort_abandoned
from airflow_provider_bulkexports.object_storage.destination import Destination

DENIED = Refusal(403, "AccessDenied")
KMS = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "alias/exports"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "day.json.gz"
    file.write_bytes(b"0123456789")
    return file


@pytest.fixture
def large_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of more than one part, with the smallest parts that S3 allows."""
    monkeypatch.setattr("airflow_provider_bulkexports.object_storage.upload_options._PART", 5 << 20)
    file = tmp_path / "large.json.gz"
    file.write_bytes(random.Random(1).randbytes((10 << 20) + 1))
    return file


def destination(**arguments: Any) -> Destination:
    return Destination("s3://bucket/twilio", CONN_ID, **arguments)


def operations(proxy: PolicyProxy) -> list[str]:
    return [asked.operation for asked in proxy.asked if asked.operation not in ("head", "list")]


@pytest.mark.parametrize("only_new", [True, False])
def test_large_file_becomes_one_object(s3: Any, proxy: PolicyProxy, large_file: Path, only_new: bool) -> None:
    assert destination(upload_options=KMS).publish(large_file, "a.gz", only_new=only_new)

    assert sorted(operations(proxy)) == ["complete", "create", "part", "part", "part"]
    stored = s3.get_object(Bucket="bucket", Key="twilio/a.gz")
    assert stored["Body"].read() == large_file.read_bytes()
    assert stored["ServerSideEncryption"] == "aws:kms"
    assert s3.list_multipart_uploads(Bucket="bucket").get("Uploads", []) == []


def test_failed_part_leaves_no_object_and_no_upload(s3: Any, proxy: PolicyProxy, large_file: Path) -> None:
    proxy.policy = lambda asked: DENIED if asked.operation == "part" else None

    with pytest.raises(BulkExportsStorageError, match="s3:PutObject"):
        destination().publish(large_file, "a.gz")
    assert keys(s3) == []
    assert s3.list_multipart_uploads(Bucket="bucket").get("Uploads", []) == []


def test_write_only_role_publishes_a_large_file(
    s3: Any, proxy: PolicyProxy, large_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    proxy.policy = lambda asked: None if asked.operation in ("create", "part", "complete", "put") else DENIED

    assert destination().publish(large_file, "a.gz", only_new=True)
    assert s3.head_object(Bucket="bucket", Key="twilio/a.gz")["ContentLength"] == large_file.stat().st_size
    assert "Cannot read s3://bucket/twilio/a.gz to check its size" in caplog.text


def test_store_without_conditional_writes_takes_new_files(s3: Any, proxy: PolicyProxy, file: Path) -> None:
    """Some stores with S3's API answer 501 to the header that protects an existing file."""
    unsupported = Refusal(501, "NotImplemented", "A header you provided implies functionality that is not implemented")
    proxy.policy = lambda asked: unsupported if "if-none-match" in asked.headers else None

    assert destination().publish(file, "a.gz", only_new=True)
    assert keys(s3) == ["twilio/a.gz"]


class ShortDestination(Destination):
    """Its store keeps less than it was sent."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fs, put = self._fs, self._fs.put_file

        class Cut:
            def put_file(self, local: str, remote: str, **arguments: Any) -> None:
                short = Path(local).with_name("short")
                short.write_bytes(Path(local).read_bytes()[:-5])
                arguments.pop("ContentMD5", None)
                put(str(short), remote, **arguments)

            def __getattr__(self, name: str) -> Any:
                return getattr(fs, name)

        self._fs = Cut()


def test_incomplete_object_is_removed(s3: Any, file: Path) -> None:
    with pytest.raises(
        BulkExportsStorageError,
        match=r"not stored completely \(10 bytes\): the uploaded object has 5 bytes\. The incomplete object was remo",
    ):
        ShortDestination("s3://bucket/twilio", CONN_ID).publish(file, "a.gz")
    assert keys(s3) == []


def test_incomplete_object_that_cannot_be_removed_is_named(s3: Any, proxy: PolicyProxy, file: Path) -> None:
    proxy.policy = lambda asked: DENIED if asked.operation == "delete" else None

    with pytest.raises(
        BulkExportsStorageError, match=r"Remove the incomplete object by hand \(Could not remove s3://bucket"
    ):
        ShortDestination("s3://bucket/twilio", CONN_ID).publish(file, "a.gz")
    assert keys(s3) == ["twilio/a.gz"]


def test_existing_file_survives_a_failed_upload(s3: Any, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    s3.put_object(Bucket="bucket", Key="twilio/a.gz", Body=b"the good one")
    place = destination()
    monkeypatch.setattr(place._fs, "put_file", lambda *_, **__: None)

    with pytest.raises(BulkExportsStorageError, match="The existing file is unchanged"):
        place.publish(file, "a.gz")
    assert s3.get_object(Bucket="bucket", Key="twilio/a.gz")["Body"].read() == b"the good one"


def test_only_old_uploads_of_the_same_objects_are_aborted(s3: Any, proxy: PolicyProxy) -> None:
    for key in ("twilio/a.gz", "twilio/a.gz.other", "elsewhere"):
        s3.create_multipart_upload(Bucket="bucket", Key=key)
    fs = destination()._fs
    begun = s3.list_multipart_uploads(Bucket="bucket")["Uploads"][0]["Initiated"]
    tomorrow = begun + timedelta(days=1, minutes=1)

    assert abort_abandoned(fs, ["bucket/twilio/a.gz"], now=begun + timedelta(hours=23)) == 0, "it may be in progress"
    assert abort_abandoned(fs, ["bucket/twilio/a.gz", "bucket/twilio/x"], now=tomorrow) == 1
    left = [upload["Key"] for upload in s3.list_multipart_uploads(Bucket="bucket")["Uploads"]]
    assert sorted(left) == ["elsewhere", "twilio/a.gz.other"]


def test_uploads_stay_without_the_right_to_abort_them(s3: Any, proxy: PolicyProxy) -> None:
    s3.create_multipart_upload(Bucket="bucket", Key="twilio/a.gz")
    begun = s3.list_multipart_uploads(Bucket="bucket")["Uploads"][0]["Initiated"]
    proxy.policy = lambda asked: DENIED if asked.operation in ("uploads", "abort") else None

    assert abort_abandoned(destination()._fs, ["bucket/twilio/a.gz"], now=begun + timedelta(days=2)) == 0
