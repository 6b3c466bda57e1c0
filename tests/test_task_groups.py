"""export_to_object_storage is the three tasks that one would write oneself, for one range or many."""

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


def test_it_submits_waits_and_stores_in_this_order() -> None:
    dag = group(group_id="calls", start_day="2026-01-01", end_day="2026-01-31", layout="{year}/{day}.gz")

    assert sorted(dag.task_ids) == ["calls.store", "calls.submit", "calls.wait"]
    assert dag.get_task("calls.wait").upstream_task_ids == {"calls.submit"}
    assert dag.get_task("calls.store").upstream_task_ids == {"calls.wait"}
    assert dag.get_task("calls.store").layout == "{year}/{day}.gz"


def test_it_maps_over_ranges() -> None:
    dag = group(
        ranges=[
            {"start_day": "2026-01-01", "end_day": "2026-01-31"},
            {"start_day": "2026-02-01", "end_day": "2026-02-28"},
        ]
    )

    submit = dag.get_task("export_to_object_storage.submit")
    assert submit.start_day is not None
    assert submit.get_closest_mapped_task_group() is not None


def test_bad_input_is_refused_when_the_dag_is_parsed() -> None:
    with pytest.raises(ValueError, match="write 'Calls'"), DAG("exports", schedule=None):
        export_to_object_storage(resource_type="calls", destination="s3://bucket/twilio")


def test_failed_days_are_left_to_the_task_that_stores_the_others() -> None:
    assert group().get_task("export_to_object_storage.wait").failed_days == "store"
    assert group(failed_days="ignore").get_task("export_to_object_storage.wait").failed_days == "ignore"


def test_the_destination_is_checked_before_the_submission_unless_that_is_turned_off() -> None:
    options = {"ServerSideEncryption": "aws:kms"}
    dag = group(object_storage_conn_id="aws", upload_options=options)

    for task_id in ("submit", "store"):
        task = dag.get_task(f"export_to_object_storage.{task_id}")
        assert task.destination == "s3://bucket/twilio"
        assert (task.object_storage_conn_id, task.upload_options) == ("aws", options)
    assert group(check_destination=False).get_task("export_to_object_storage.submit").destination is None


@pytest.mark.parametrize("destination", ["my-bucket/twilio", "~/twilio", "s3://", "s4://bucket"])
def test_a_destination_that_cannot_be_right_is_refused_when_the_dag_is_parsed(destination: str) -> None:
    with pytest.raises(ValueError, match="destination"), DAG("exports", schedule=None):
        export_to_object_storage(resource_type="Calls", destination=destination)
