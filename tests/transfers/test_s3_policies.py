"""Buckets as people have them: without the right to list, to read or to delete, with encryption demanded, or wrong."""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from support.s3_policies import Asked, PolicyProxy, Refusal

from airflow_provider_bulkexports import BulkExportsToObjectStorageOperator, CreateExportCustomJobOperator
from airflow_provider_bulkexports.compat import AirflowException, AirflowFailException
from airflow_provider_bulkexports.object_storage.abandoned_uploads import abort_abandoned
from airflow_provider_bulkexports.object_storage.destination import Destination
from airflow_provider_bulkexports.simulator import Simulator

pytest.importorskip("s3fs", reason="the extra s3 is not installed")
moto_server = pytest.importorskip("moto.server", reason="moto is not installed")
boto3 = pytest.importorskip("boto3")

KEY = "twilio/resource_type=Messages/day=2026-01-01/part-0.json.gz"
DENIED = Refusal(403, "AccessDenied")
KMS = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "alias/exports"}


@pytest.fixture(scope="module")
def proxy() -> Iterator[PolicyProxy]:
    """One for all tests, since Airflow keeps a store's file system for as long as the process lives."""
    server = moto_server.ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    proxy = PolicyProxy(f"http://{host}:{port}")
    yield proxy
    proxy.stop()
    server.stop()


@pytest.fixture
def s3(proxy: PolicyProxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client with every right, past the proxy; the bucket is empty before and after."""
    connection = {
        "conn_type": "aws",
        "login": "key",
        "password": "secret",
        "extra": {
            "endpoint_url": proxy.url,
            "region_name": "us-east-1",
            "config_kwargs": {"retries": {"max_attempts": 1}, "s3": {"addressing_style": "path"}},
        },
    }
    monkeypatch.setenv("AIRFLOW_CONN_AWS_POLICIES", json.dumps(connection))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    client = boto3.client(
        "s3",
        endpoint_url=proxy.upstream,
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    )
    client.create_bucket(Bucket="bucket")
    yield client
    proxy.reset()
    requests.post(f"{proxy.upstream}/moto-api/reset", timeout=10)


@pytest.fixture
def store(
    s3: Any, simulated: Simulator, connection: str, context: dict[str, Any]
) -> Callable[..., list[dict[str, Any]]]:
    simulated.create_job("Messages", "2026-01-01", "2026-01-01")

    def run(**arguments: Any) -> list[dict[str, Any]]:
        arguments = {
            "resource_type": "Messages",
            "days": "2026-01-01",
            "destination": "s3://bucket/twilio",
            "object_storage_conn_id": "aws_policies",
        } | arguments
        return BulkExportsToObjectStorageOperator(task_id="store", **arguments).execute(context)

    return run


def destination(url: str = "s3://bucket/twilio", **arguments: Any) -> Destination:
    return Destination(url, "aws_policies", **arguments)


def keys(s3: Any) -> list[str]:
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket="bucket").get("Contents", [])]


def records_of(s3: Any) -> int:
    return len(gzip.decompress(s3.get_object(Bucket="bucket", Key=KEY)["Body"].read()).splitlines())


def no_list(s3: Any) -> Callable[[Asked], Refusal | None]:
    """Without ``s3:ListBucket`` a missing key answers 403, not 404."""

    def policy(asked: Asked) -> Refusal | None:
        if asked.operation in ("list", "uploads"):
            return DENIED
        return DENIED if asked.operation in ("head", "get") and asked.key not in keys(s3) else None

    return policy


def write_only(asked: Asked) -> Refusal | None:
    return None if asked.operation in ("put", "part", "create", "complete", "abort") else DENIED


def demands_kms(asked: Asked) -> Refusal | None:
    if asked.operation in ("put", "create") and asked.headers.get("x-amz-server-side-encryption") != "aws:kms":
        return DENIED
    return None


def test_without_list_bucket_days_are_stored_and_skipped_the_next_time(store: Any, s3: Any, proxy: PolicyProxy) -> None:
    proxy.policy = no_list(s3)

    assert [entry["status"] for entry in store()] == ["stored"]
    assert records_of(s3) == 50
    assert [entry["status"] for entry in store()] == ["skipped"]
    assert [entry["status"] for entry in store(if_exists="overwrite")] == ["stored"]


@pytest.mark.parametrize("size", [None, 40 << 20])
def test_a_write_only_role_stores_and_the_log_says_what_counts(
    store: Any,
    s3: Any,
    proxy: PolicyProxy,
    simulated: Simulator,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    size: int | None,
) -> None:
    simulated.knobs.bytes_per_day = size
    proxy.policy = write_only
    caplog.set_level(logging.INFO)

    (entry,) = store()
    (again,) = store()

    assert (entry["status"], again["status"]) == ("stored", "stored")
    assert s3.head_object(Bucket="bucket", Key=KEY)["ContentLength"] == entry["bytes"]
    assert "to check its size; relying on the store's own check of the upload" in caplog.text
    said = caplog.text + capsys.readouterr().out  # a task's own log is not logging's in Airflow 3
    assert "which this task may not read. If several accounts store here, put {account_sid}" in said
    if size is None:
        puts = [asked for asked in proxy.asked if asked.operation == "put" and asked.key == KEY]
        assert puts and all("content-md5" in asked.headers for asked in puts), "what the store checks it by"


def test_a_write_only_role_does_not_replace_a_file_that_must_not_be(store: Any, s3: Any, proxy: PolicyProxy) -> None:
    s3.put_object(Bucket="bucket", Key=KEY, Body=b"somebody's")
    proxy.policy = write_only

    with pytest.raises(AirflowFailException, match="exists: remove it"):
        store(if_exists="fail")

    assert s3.get_object(Bucket="bucket", Key=KEY)["Body"].read() == b"somebody's"


@pytest.mark.parametrize("size", [None, 40 << 20])
def test_a_bucket_that_demands_encryption_is_used_with_upload_options(
    store: Any, s3: Any, proxy: PolicyProxy, simulated: Simulator, size: int | None
) -> None:
    simulated.knobs.bytes_per_day = size
    proxy.policy = demands_kms

    (entry,) = store(upload_options=KMS | {"StorageClass": "STANDARD_IA"}, write_manifest=True)

    assert len(keys(s3)) == 3, "the day, its manifest, and that of the call"
    for key in keys(s3):
        head = s3.head_object(Bucket="bucket", Key=key)
        assert head["ServerSideEncryption"] == "aws:kms"
        assert head["StorageClass"] == "STANDARD_IA"
    assert s3.head_object(Bucket="bucket", Key=KEY)["ContentLength"] == entry["bytes"]


def test_a_bucket_that_demands_encryption_says_so_without_them(store: Any, s3: Any, proxy: PolicyProxy) -> None:
    proxy.policy = demands_kms

    with pytest.raises(AirflowFailException) as refused:
        store()

    assert f"Could not write s3://bucket/{KEY}: AccessDenied: Access Denied. Allow the role s3:PutObject on it" in str(
        refused.value
    )
    assert "upload_options={'ServerSideEncryption': 'aws:kms'}" in str(refused.value)
    assert keys(s3) == []


def test_options_that_the_store_does_not_know_are_refused(store: Any) -> None:
    with pytest.raises(AirflowFailException, match=r"s3 does not support 'ServerSideEncrypton' for an upload"):
        store(upload_options={"ServerSideEncrypton": "aws:kms"})


@pytest.mark.parametrize(
    ("refusal", "sentence"),
    [
        (Refusal(404, "NoSuchBucket", "The specified bucket does not exist"), "Create the bucket, or correct dest"),
        (Refusal(403, "InvalidAccessKeyId", "The key does not exist in our records"), "Check the credentials"),
        (Refusal(403, "SignatureDoesNotMatch", "The signature does not match"), "Check the credentials"),
        (Refusal(400, "KMS.DisabledException", "arn:aws:kms:x is disabled"), "Enable the KMS key"),
        (
            Refusal(301, "PermanentRedirect", "Use the right endpoint", {"x-amz-bucket-region": "eu-west-1"}),
            "bucket's own region as region_name",
        ),
        (
            Refusal(400, "AuthorizationHeaderMalformed", "the region 'us-east-1' is wrong; expecting 'eu-west-1'"),
            "bucket's own region as region_name",
        ),
    ],
)
@pytest.mark.parametrize("step", ["store", "submit"])
def test_a_wrong_bucket_is_one_sentence_and_known_before_the_quota_is_spent(
    store: Any,
    s3: Any,
    proxy: PolicyProxy,
    simulated: Simulator,
    context: dict[str, Any],
    refusal: Refusal,
    sentence: str,
    step: str,
) -> None:
    proxy.policy = lambda asked: refusal if asked.operation != "head" or refusal.status != 400 else DENIED
    before = len(simulated.state.jobs)

    with pytest.raises(AirflowFailException) as refused:
        store() if step == "store" else submit(context)

    text = str(refused.value)
    assert "s3://bucket/twilio/" in text and sentence in text
    assert text.isprintable() and len(text) <= 2000
    assert len(simulated.state.jobs) == before


def submit(context: dict[str, Any], **arguments: Any) -> Any:
    return CreateExportCustomJobOperator(
        task_id="submit",
        resource_type="Messages",
        start_day="2026-01-02",
        end_day="2026-01-02",
        destination="s3://bucket/twilio",
        object_storage_conn_id="aws_policies",
        **arguments,
    ).execute(context)


def test_a_bucket_that_is_not_there_is_known_before_the_quota_is_spent(
    s3: Any, simulated: Simulator, connection: str, context: dict[str, Any]
) -> None:
    s3.delete_bucket(Bucket="bucket")

    with pytest.raises(AirflowFailException, match=r"s3://bucket/twilio/_bulkexports_check: NoSuchBucket: .* Create"):
        submit(context)
    assert simulated.state.jobs == {}


@pytest.mark.parametrize("policy", [write_only, lambda asked: DENIED if asked.operation == "delete" else None])
def test_the_check_leaves_a_hidden_object_where_nothing_may_be_deleted(
    s3: Any,
    proxy: PolicyProxy,
    simulated: Simulator,
    connection: str,
    context: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    policy: Any,
) -> None:
    proxy.policy = policy

    assert submit(context).startswith("JS")

    assert keys(s3) == ["twilio/_bulkexports_check"]
    assert "could not remove its test object s3://bucket/twilio/_bulkexports_check" in caplog.text


def test_the_check_leaves_nothing_and_uses_the_upload_options(
    s3: Any, proxy: PolicyProxy, simulated: Simulator, connection: str, context: dict[str, Any]
) -> None:
    proxy.policy = demands_kms

    assert submit(context, upload_options=KMS).startswith("JS")
    assert keys(s3) == []


def test_a_store_that_is_down_for_the_moment_does_not_hold_the_submission(
    s3: Any, proxy: PolicyProxy, simulated: Simulator, connection: str, context: dict[str, Any]
) -> None:
    proxy.policy = lambda _: Refusal(500, "InternalError", "Please try again")

    assert submit(context).startswith("JS")


def test_an_overload_of_the_store_is_retried_by_airflow(store: Any, proxy: PolicyProxy) -> None:
    proxy.policy = lambda asked: Refusal(500, "InternalError", "try again") if asked.operation == "put" else None

    with pytest.raises(AirflowException, match=r"Could not write .*InternalError: try again\. Run the task") as failed:
        store()
    assert not isinstance(failed.value, AirflowFailException)


class Short(Destination):
    """A store that keeps less than it was sent."""

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


def test_what_fails_the_check_after_the_upload_is_taken_away_again(s3: Any, tmp_path: Path, proxy: PolicyProxy) -> None:
    file = tmp_path / "day.json.gz"
    file.write_bytes(b"0123456789")

    with pytest.raises(
        Exception,
        match=r"not stored completely \(10 bytes\): the uploaded object has 5 bytes\. The incomplete object was removed",
    ):
        Short("s3://bucket/twilio", "aws_policies").publish(file, "a.gz")
    assert keys(s3) == []

    proxy.policy = lambda asked: DENIED if asked.operation == "delete" else None
    with pytest.raises(Exception, match=r"Remove the incomplete object by hand \(Could not remove s3://bucket"):
        Short("s3://bucket/twilio", "aws_policies").publish(file, "a.gz")
    assert keys(s3) == ["twilio/a.gz"]


def test_a_good_file_that_was_not_replaced_is_not_taken_away(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.put_object(Bucket="bucket", Key="twilio/a.gz", Body=b"the good one")
    file = tmp_path / "day.json.gz"
    file.write_bytes(b"0123456789")
    place = destination()
    monkeypatch.setattr(place._fs, "put_file", lambda *_, **__: None)

    with pytest.raises(Exception, match="The existing file is unchanged"):
        place.publish(file, "a.gz")
    assert s3.get_object(Bucket="bucket", Key="twilio/a.gz")["Body"].read() == b"the good one"


def test_old_uploads_of_the_same_objects_are_aborted_and_no_others(s3: Any, proxy: PolicyProxy) -> None:
    for key in (KEY, KEY + ".other", "elsewhere"):
        s3.create_multipart_upload(Bucket="bucket", Key=key)
    fs = destination()._fs
    begun = s3.list_multipart_uploads(Bucket="bucket")["Uploads"][0]["Initiated"]
    tomorrow = begun + timedelta(days=1, minutes=1)

    assert abort_abandoned(fs, [f"bucket/{KEY}"], now=begun + timedelta(hours=23)) == 0, "it may be on its way"
    assert abort_abandoned(fs, [f"bucket/{KEY}", "bucket/twilio/x"], now=tomorrow) == 1
    left = [upload["Key"] for upload in s3.list_multipart_uploads(Bucket="bucket")["Uploads"]]
    assert sorted(left) == sorted([KEY + ".other", "elsewhere"])

    proxy.policy = lambda asked: DENIED if asked.operation in ("uploads", "abort") else None
    assert abort_abandoned(fs, ["bucket/elsewhere"], now=tomorrow) == 0, "without the right it is left"
