"""One sensor for each job that the run's conf names, all of them deferred at the same time."""

from __future__ import annotations

from airflow.sdk import DAG, get_current_context, task

from airflow_provider_bulkexports.sensors.bulkexports import ExportCustomJobSensor


@task
def job_sids() -> list[str]:
    """Hand on what the conf says."""
    return get_current_context()["params"]["job_sids"]


with DAG("many_waits", schedule=None, params={"job_sids": []}, max_active_tasks=1000):
    # Without the stretching by Twilio's estimate: every wait is looked at every five seconds.
    ExportCustomJobSensor.partial(task_id="wait", poke_interval=5, max_poll_interval=0, deferrable=True).expand(
        job_sid=job_sids()
    )
