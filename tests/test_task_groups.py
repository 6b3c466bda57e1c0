"""export_to_object_storage makes three tasks, for one range or many."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_bulkexports import export_to_object_storage

try:
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow import DAG


def group(**arguments: Any) -> Any:
    with DAG("exports", schedule=None) as dag:
        export_to_object_storage(resource_type="Calls", destination="s3://bucket/twilio", **arguments)
    return dag


def test_group_submits_waits_and_stores() -> None:
    dag = group(group_id="calls", start_day="2026-01-01", end_day="2026-01-31", layout="{year}/{day}.gz")

    assert sorted(dag.task_ids) == ["calls.store", "calls.submit", "calls.wait"]
    assert dag.get_task("calls.wait").upstream_task_ids == {"calls.submit"}
    assert dag.get_task("calls.store").upstream_task_ids == {"calls.wait"}
    assert dag.get_task("calls.store").layout == "{year}/{day}.gz"


def test_group_is_mapped_over_ranges() -> None:
    dag = group(
        ranges=[
            {"start_day": "2026-01-01", "end_day": "2026-01-31"},
            {"start_day": "2026-02-01", "end_day": "2026-02-28"},
        ]
    )

    submit = dag.get_task("export_to_object_storage.submit")
    assert submit.start_day is not None
    assert submit.get_closest_mapped_task_group() is not None


def test_invalid_input_is_rejected_at_parse_time() -> None:
    with pytest.raises(ValueError, match="write 'Calls'"), DAG("exports", schedule=None):
        export_to_object_storage(resource_type="calls", destination="s3://bucket/twilio")


def test_other_days_are_stored_by_default_if_one_fails() -> None:
    assert group().get_task("export_to_object_storage.wait").failed_days == "store"
    assert group(failed_days="ignore").get_task("export_to_object_storage.wait").failed_days == "ignore"


def test_destination_is_checked_before_submission_by_default() -> None:
    options = {"ServerSideEncryption": "aws:kms"}
    dag = group(object_storage_conn_id="aws", upload_options=options)

    for task_id in ("submit", "store"):
        task = dag.get_task(f"export_to_object_storage.{task_id}")
        assert task.destination == "s3://bucket/twilio"
        assert (task.object_storage_conn_id, task.upload_options) == ("aws", options)
    assert group(check_destination=False).get_task("export_to_object_storage.submit").destination is None


@pytest.mark.parametrize("destination", ["my-bucket/twilio", "~/twilio", "s3://", "s4://bucket"])
def test_invalid_destination_is_rejected_at_parse_time(destination: str) -> None:
    with pytest.raises(ValueError, match="destination"), DAG("exports", schedule=None):
        export_to_object_storage(resource_type="Calls", destination=destination)
