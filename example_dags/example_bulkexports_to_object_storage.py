"""
Export each day's calls from Twilio and store the file in an object store.

Twilio removes a day's file after seven days, and each link to it works once, within four minutes. So the file is
fetched as soon as it exists, verified, and published in one step: the destination has the whole file or none. A
manifest beside it has its size and SHA-256, so that a task that runs again fetches only what is missing.

To run it: besides the connection to Twilio (see ``example_bulkexports_daily.py``), set the Airflow variable
``twilio_exports`` to a folder such as ``s3://my-bucket/twilio``, and install the store's extra, such as
``airflow-provider-bulkexports[s3]``. Files land under ``resource_type=Calls/day=2026-01-31/part-0.json.gz``.
"""

from __future__ import annotations

import pendulum

from airflow_provider_bulkexports import export_to_object_storage

try:
    from airflow.sdk import DAG, task
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.decorators import task

with DAG(
    dag_id="example_bulkexports_to_object_storage",
    schedule="@daily",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    doc_md=__doc__,
    tags=["example", "twilio"],
):
    # Submits the run's day, waits until Twilio has exported it, and stores its file.
    stored = export_to_object_storage(
        resource_type="Calls",
        destination="{{ var.value.twilio_exports }}",
        object_storage_conn_id="aws_default",
        deferrable=True,
    )

    @task
    def report(files: list) -> str:
        """Replace this with the task that reads the files."""
        return ", ".join(f"{file['records']} records in {file['uri']}" for file in files)

    report(stored)
