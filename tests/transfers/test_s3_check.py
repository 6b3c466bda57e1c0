"""The submitting task checks the bucket before it spends quota."""

from __future__ import annotations

from typing import Any

import pytest
from support.s3 import CONN_ID, keys
from support.s3_policies import UNUSABLE, PolicyProxy, Refusal, requires_kms, unusable, write_only

from airflow_provider_bulkexports import CreateExportCustomJobOperator
from airflow_provider_bulkexports.compat import AirflowFailException
from airflow_provider_bulkexports.simulator import Simulator

DENIED = Refusal(403, "AccessDenied")
KMS = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "alias/exports"}


def submit(context: dict[str, Any], **arguments: Any) -> Any:
    return CreateExportCustomJobOperator(
        task_id="submit",
        resource_type="Messages",
        start_day="2026-01-02",
        end_day="2026-01-02",
        destination="s3://bucket/twilio",
        object_storage_conn_id=CONN_ID,
        **arguments,
    ).execute(context)


def test_missing_bucket_fails_before_quota_is_spent(
    s3: Any, simulated: Simulator, connection: str, context: dict[str, Any]
) -> None:
    s3.delete_bucket(Bucket="bucket")

    with pytest.raises(AirflowFailException, match=r"s3://bucket/twilio/_bulkexports_check: NoSuchBucket: .* Create"):
        submit(context)
    assert simulated.state.jobs == {}


@pytest.mark.parametrize("policy", [write_only, lambda asked: DENIED if asked.operation == "delete" else None])
def test_check_leaves_a_hidden_object_without_delete_permission(
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


def test_check_uses_the_upload_options_and_leaves_nothing(
    s3: Any, proxy: PolicyProxy, simulated: Simulator, connection: str, context: dict[str, Any]
) -> None:
    proxy.policy = requires_kms

    assert submit(context, upload_options=KMS).startswith("JS")
    assert keys(s3) == []


def test_outage_of_the_store_does_not_stop_the_submission(
    s3: Any, proxy: PolicyProxy, simulated: Simulator, connection: str, context: dict[str, Any]
) -> None:
    proxy.policy = lambda _: Refusal(500, "InternalError", "Please try again")

    assert submit(context).startswith("JS")


@pytest.mark.parametrize(("refusal", "sentence"), UNUSABLE)
def test_unusable_bucket_fails_before_quota_is_spent(
    s3: Any,
    proxy: PolicyProxy,
    simulated: Simulator,
    connection: str,
    context: dict[str, Any],
    refusal: Refusal,
    sentence: str,
) -> None:
    proxy.policy = unusable(refusal)

    with pytest.raises(AirflowFailException) as refused:
        submit(context)

    assert "s3://bucket/twilio/" in str(refused.value) and sentence in str(refused.value)
    assert simulated.state.jobs == {}
