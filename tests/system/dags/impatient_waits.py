"""Deferred sensors that time out long before their job finishes. The run's conf names the job."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG

from airflow_provider_bulkexports.sensors.bulkexports import ExportCustomJobSensor

LIMITS: dict[str, dict[str, Any]] = {
    "timeout": {"timeout": 10},
    "execution_timeout": {"execution_timeout": timedelta(seconds=10)},
}

with DAG("impatient_waits", schedule=None, params={"job_sid": ""}, default_args={"retries": 2}):
    for task_id, limit in LIMITS.items():
        ExportCustomJobSensor(task_id=task_id, job_sid="{{ params.job_sid }}", deferrable=True, **limit)
