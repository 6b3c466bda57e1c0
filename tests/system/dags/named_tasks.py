"""Mapped tasks of months, of types and of jobs, and a transfer of a watched asset that is triggered by hand."""

from __future__ import annotations

from airflow.sdk import DAG, Asset

from airflow_provider_bulkexports import (
    BulkExportsToObjectStorageOperator,
    CreateExportCustomJobOperator,
    ExportCustomJobSensor,
    asset_for,
    export_to_object_storage,
    split_months,
)

MONTHS = split_months("2024-09-01", "2024-11-15")

with DAG("named_group", schedule=None):
    export_to_object_storage(
        resource_type="Messages",
        ranges=MONTHS,
        destination="{{ var.value.twilio_exports }}",
        group_id="export",
        deferrable=True,
    )

with DAG("named_operators", schedule=None):
    submit = CreateExportCustomJobOperator.partial(task_id="submit", **MONTHS[0], deferrable=True).expand(
        resource_type=["Calls", "Messages"]
    )
    ExportCustomJobSensor.partial(task_id="wait", deferrable=True).expand(job_sid=submit.output)

with DAG("named_by_events", schedule=[Asset("named_files"), asset_for("Messages", "AC49" + "0" * 30)]):
    BulkExportsToObjectStorageOperator(
        task_id="store", resource_type="Messages", destination="{{ var.value.twilio_exports }}"
    )
