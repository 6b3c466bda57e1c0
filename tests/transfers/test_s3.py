"""Storing in S3 as buckets are: without permission to list or read, with required encryption, or unusable."""

from __future__ import annotations

import gzip
import logging
from collections.abc import Callable
from typing import Any

import pytest
from support.s3 import CONN_ID, keys
from support.s3_policies import UNUSABLE, Asked, PolicyProxy, Refusal, requires_kms, unusable, write_only

from airflow_provider_bulkexports.compat import AirflowException, AirflowFailException
from airflow_provider_bulkexports.simulator import Simulator

KEY = "twilio/resource_type=Messages/day=2026-01-01/part-0.json.gz"
DENIED = Refusal(403, "AccessDenied")
KMS = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "alias/exports"}

Store = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def store(store: Store, s3: Any, simulated: Simulator) -> Store:
    """Store in the bucket."""
    simulated.create_job("Messages", "2026-01-01", "2026-01-03")
    target = {"destination": "s3://bucket/twilio", "object_storage_conn_id": CONN_ID}
    return lambda **arguments: store(**target | arguments)


def records_of(s3: Any) -> int:
    return len(gzip.decompress(s3.get_object(Bucket="bucket", Key=KEY)["Body"].read()).splitlines())


def no_list(s3: Any) -> Callable[[Asked], Refusal | None]:
    """Without ``s3:ListBucket`` a missing key answers 403, not 404."""

    def policy(asked: Asked) -> Refusal | None:
        if asked.operation in ("list", "uploads"):
            return DENIED
        return DENIED if asked.operation in ("head", "get") and asked.key not in keys(s3) else None

    return policy


def test_storing_and_skipping_need_no_list_permission(store: Store, s3: Any, proxy: PolicyProxy) -> None:
    proxy.policy = no_list(s3)

    assert [entry["status"] for entry in store()] == ["stored"]
    assert records_of(s3) == 50
    assert [entry["status"] for entry in store()] == ["skipped"]
    assert [entry["status"] for entry in store(if_exists="overwrite")] == ["stored"]


def test_write_only_role_stores_and_logs_what_it_cannot_check(
    store: Store,
    s3: Any,
    proxy: PolicyProxy,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    proxy.policy = write_only
    caplog.set_level(logging.INFO)

    (entry,) = store()
    (again,) = store()

    assert (entry["status"], again["status"]) == ("stored", "stored")
    assert s3.head_object(Bucket="bucket", Key=KEY)["ContentLength"] == entry["bytes"]
    assert "to check its size; relying on the store's own check of the upload" in caplog.text
    said = caplog.text + capsys.readouterr().out  # a task's own log is not logging's in Airflow 3
    assert "which this task has no permission to read. If several accounts store here, put {account_sid}" in said
    puts = [asked for asked in proxy.asked if asked.operation == "put" and asked.key == KEY]
    assert puts and all("content-md5" in asked.headers for asked in puts), "S3 verifies the upload by it"


def test_write_only_role_replaces_nothing_with_if_exists_fail(store: Store, s3: Any, proxy: PolicyProxy) -> None:
    s3.put_object(Bucket="bucket", Key=KEY, Body=b"another file")
    proxy.policy = write_only

    with pytest.raises(AirflowFailException, match="exists: remove it"):
        store(if_exists="fail")

    assert s3.get_object(Bucket="bucket", Key=KEY)["Body"].read() == b"another file"


def test_upload_options_apply_to_files_and_manifests(store: Store, s3: Any, proxy: PolicyProxy) -> None:
    proxy.policy = requires_kms

    (entry,) = store(upload_options=KMS | {"StorageClass": "STANDARD_IA"}, write_manifest=True)

    assert len(keys(s3)) == 3, "the file, its manifest, and the manifest of the task"
    for key in keys(s3):
        head = s3.head_object(Bucket="bucket", Key=key)
        assert head["ServerSideEncryption"] == "aws:kms"
        assert head["StorageClass"] == "STANDARD_IA"
    assert s3.head_object(Bucket="bucket", Key=KEY)["ContentLength"] == entry["bytes"]


def test_required_encryption_is_named_in_the_error(store: Store, s3: Any, proxy: PolicyProxy) -> None:
    proxy.policy = requires_kms

    with pytest.raises(AirflowFailException) as refused:
        store()

    assert f"Could not write s3://bucket/{KEY}: AccessDenied: Access Denied. Grant the role s3:PutObject on it" in str(
        refused.value
    )
    assert "upload_options={'ServerSideEncryption': 'aws:kms'}" in str(refused.value)
    assert keys(s3) == []


def test_unknown_upload_options_are_refused(store: Store) -> None:
    with pytest.raises(AirflowFailException, match=r"s3 does not support 'ServerSideEncrypton' for an upload"):
        store(upload_options={"ServerSideEncrypton": "aws:kms"})


@pytest.mark.parametrize(("refusal", "sentence"), UNUSABLE)
def test_unusable_bucket_fails_with_the_remedy(
    store: Store, proxy: PolicyProxy, refusal: Refusal, sentence: str
) -> None:
    proxy.policy = unusable(refusal)

    with pytest.raises(AirflowFailException) as refused:
        store()

    text = str(refused.value)
    assert "s3://bucket/twilio/" in text and sentence in text
    assert text.isprintable() and len(text) <= 2000


def test_overloaded_store_is_retried(store: Store, proxy: PolicyProxy) -> None:
    proxy.policy = lambda asked: Refusal(500, "InternalError", "try again") if asked.operation == "put" else None

    with pytest.raises(AirflowException, match=r"Could not write .*InternalError: try again\. Run the task") as failed:
        store()
    assert not isinstance(failed.value, AirflowFailException)


def test_stored_days_are_skipped_the_next_time(store: Store, s3: Any, sim: Simulator) -> None:
    days = ["2026-01-01", "2026-01-02", "2026-01-03"]

    entries = store(days=days)

    for entry in entries:
        key = KEY.replace("2026-01-01", entry["day"])
        body = s3.get_object(Bucket="bucket", Key=key)["Body"].read()
        assert len(gzip.decompress(body).splitlines()) == entry["records"] == 50
        assert entry["uri"] == f"s3://bucket/{key}"
    assert len(keys(s3)) == 6

    before = len(sim.requests.matching(origin="storage"))
    assert [entry["status"] for entry in store(days=days)] == ["skipped"] * 3
    assert len(sim.requests.matching(origin="storage")) == before
