"""Create a job and wait for it in the triggerer; the run's conf says what."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_provider_bulkexports.operators.bulkexports import CreateExportCustomJobOperator
from airflow_provider_bulkexports.sensors.bulkexports import ExportCustomJobSensor

with DAG(
    "export_days",
    schedule=None,
    params={"resource_type": "Messages", "start_day": "2026-01-01", "end_day": "2026-01-03"},
):
    create = CreateExportCustomJobOperator(
        task_id="create",
        resource_type="{{ params.resource_type }}",
        start_day="{{ params.start_day }}",
        end_day="{{ params.end_day }}",
        deferrable=True,
    )
    ExportCustomJobSensor(task_id="wait", job_sid=create.output, deferrable=True)
