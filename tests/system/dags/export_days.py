"""Create a job and wait for it, in the triggerer or on a worker; the run's conf says what."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from airflow_provider_bulkexports.operators.bulkexports import CreateExportCustomJobOperator
from airflow_provider_bulkexports.sensors.bulkexports import ExportCustomJobSensor

PARAMS = {"resource_type": "Messages", "start_day": "2026-01-01", "end_day": "2026-01-03"}
RETRIES = {"retries": 2, "retry_delay": timedelta(seconds=1)}

for dag_id, deferrable in {"export_days": True, "export_days_on_worker": False}.items():
    with DAG(dag_id, schedule=None, params=PARAMS, default_args=RETRIES):
        create = CreateExportCustomJobOperator(
            task_id="create",
            resource_type="{{ params.resource_type }}",
            start_day="{{ params.start_day }}",
            end_day="{{ params.end_day }}",
            deferrable=deferrable,
        )
        ExportCustomJobSensor(task_id="wait", job_sid=create.output, deferrable=deferrable)
