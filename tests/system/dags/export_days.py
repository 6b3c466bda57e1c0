"""Create a job and wait for it: in two tasks or one, in the triggerer or on a worker. The run's conf has the days."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG

from airflow_provider_bulkexports.operators.bulkexports import CreateExportCustomJobOperator
from airflow_provider_bulkexports.sensors.bulkexports import ExportCustomJobSensor

PARAMS = {"resource_type": "Messages", "start_day": "2026-01-01", "end_day": "2026-01-03"}
RETRIES = {"retries": 2, "retry_delay": timedelta(seconds=1)}


def create_job(**arguments: Any) -> CreateExportCustomJobOperator:
    """Create the job of the conf."""
    return CreateExportCustomJobOperator(
        task_id="create", **{name: f"{{{{ params.{name} }}}}" for name in PARAMS}, **arguments
    )


for dag_id, deferrable in {"export_days": True, "export_days_on_worker": False}.items():
    with DAG(dag_id, schedule=None, params=PARAMS, default_args=RETRIES):
        create = create_job(deferrable=deferrable)
        ExportCustomJobSensor(task_id="wait", job_sid=create.output, deferrable=deferrable)

IN_ONE_TASK: dict[str, dict[str, bool]] = {
    "export_in_one_task": {"deferrable": True},
    "export_in_one_task_or_cancel": {"deferrable": True, "cancel_on_kill": True},
    "export_in_one_task_on_worker": {"deferrable": False},
    "export_in_one_task_on_worker_or_cancel": {"deferrable": False, "cancel_on_kill": True},
}
for dag_id, arguments in IN_ONE_TASK.items():
    with DAG(dag_id, schedule=None, params=PARAMS, default_args=RETRIES):
        create_job(wait_for_completion=True, **arguments)

with DAG("export_the_same_days_at_once", schedule=None, params=PARAMS, default_args=RETRIES):
    CreateExportCustomJobOperator.partial(
        task_id="create", resource_type="{{ params.resource_type }}", deferrable=False
    ).expand_kwargs([{name: PARAMS[name] for name in ("start_day", "end_day")}] * 4)
