"""One sensor for each job of the run's conf, all deferred at the same time."""

from __future__ import annotations

from airflow.sdk import DAG, get_current_context, task

from airflow_provider_bulkexports.sensors.bulkexports import ExportCustomJobSensor


@task
def job_sids() -> list[str]:
    """Return the sids of the conf."""
    return get_current_context()["params"]["job_sids"]


with DAG("many_waits", schedule=None, params={"job_sids": []}, max_active_tasks=1000):
    # Estimate-based polling is off: every wait is polled every five seconds.
    ExportCustomJobSensor.partial(task_id="wait", poke_interval=5, max_poll_interval=0, deferrable=True).expand(
        job_sid=job_sids()
    )
