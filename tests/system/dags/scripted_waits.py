"""Deferred sensors for the jobs of the run's conf, and a watcher, both on the scripted server's connection."""

from __future__ import annotations

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Asset, AssetWatcher

from airflow_provider_bulkexports import ExportDayEventTrigger
from airflow_provider_bulkexports.sensors.bulkexports import ExportCustomJobSensor

CONNECTION = "twilio_scripted"


with DAG("scripted_waits", schedule=None, params={"job_sids": [""] * 5}):
    for number in range(5):
        ExportCustomJobSensor(
            task_id=f"wait_{number}",
            job_sid=f"{{{{ params.job_sids[{number}] }}}}",
            resource_type="Messages",
            twilio_conn_id=CONNECTION,
            poke_interval=2,
            max_poll_interval=0,
            timeout=600,
            deferrable=True,
        )

new_file = ExportDayEventTrigger("Calls", twilio_conn_id=CONNECTION, poll_interval=2)
files = Asset("scripted_files", watchers=[AssetWatcher(name="scripted_files_watcher", trigger=new_file)])

with DAG("scripted_files_seen", schedule=[files], is_paused_upon_creation=True):
    EmptyOperator(task_id="seen")
