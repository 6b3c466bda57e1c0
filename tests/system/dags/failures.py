"""One DAG for each way to fail that a person must understand at once; it fails, or waits, in its last task."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_provider_bulkexports.operators.bulkexports import CreateExportCustomJobOperator
from airflow_provider_bulkexports.sensors.bulkexports import ExportCustomJobSensor
from airflow_provider_bulkexports.transfers.bulkexports import BulkExportsToObjectStorageOperator

MESSAGES = {"resource_type": "Messages"}
DAYS = {"start_day": "2026-01-01", "end_day": "2026-01-03"}

with DAG("fails_for_its_token", schedule=None):
    CreateExportCustomJobOperator(task_id="submit", twilio_conn_id="twilio_refused_token", **DAYS, **MESSAGES)

with DAG("fails_for_a_day", schedule=None):
    submit = CreateExportCustomJobOperator(task_id="submit", **DAYS, **MESSAGES)
    ExportCustomJobSensor(task_id="wait", job_sid=submit.output, deferrable=True, **MESSAGES)

with DAG("waits_for_quota", schedule=None):
    CreateExportCustomJobOperator(task_id="submit", deferrable=True, **DAYS, **MESSAGES)

with DAG("fails_without_a_date", schedule="@daily", catchup=False, is_paused_upon_creation=True):
    CreateExportCustomJobOperator(task_id="submit", **MESSAGES)

with DAG("fails_without_its_extra", schedule=None, params={"destination": "gs://my-bucket/twilio"}):
    CreateExportCustomJobOperator(task_id="submit", destination="{{ params.destination }}", **DAYS, **MESSAGES)

with DAG("fails_for_an_expired_file", schedule=None):
    BulkExportsToObjectStorageOperator(
        task_id="store",
        days=["2026-01-01"],
        destination="{{ var.value.twilio_exports }}",
        missing_timeout=1,
        **MESSAGES,
    )

with DAG("fails_after_its_timeout", schedule=None):
    submit = CreateExportCustomJobOperator(task_id="submit", **DAYS, **MESSAGES)
    ExportCustomJobSensor(task_id="wait", job_sid=submit.output, timeout=3, deferrable=True, **MESSAGES)
