"""
Export a range of days from Twilio by hand and store their files: trigger it with the days you want.

One job can hold up to 366 days, which is also what a Twilio account, with all its subaccounts, may ask for in one UTC
day; every job costs its days from that quota when it is submitted, and Twilio mails the account's owners about it. So
the range goes into one job, and running the task again finds that job instead of submitting another.

To run it: add a connection ``twilio_bulkexports_default`` of type "Twilio BulkExports" with the Account SID as login
and the Auth Token as password, or start ``bulkexports simulate`` and use the connection that it prints. ``bulkexports
demo`` runs this file.
"""

from __future__ import annotations

import pendulum

from airflow_provider_bulkexports import (
    BulkExportsToObjectStorageOperator,
    CreateExportCustomJobOperator,
    ExportCustomJobSensor,
)

try:
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow import DAG

with DAG(
    dag_id="example_bulkexports_range",
    schedule=None,
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    # What the trigger form asks for. Days are UTC days, and both are included.
    params={
        "resource_type": "Messages",
        "start_day": "2026-01-01",
        "end_day": "2026-01-07",
        "destination": "file:///tmp/twilio",  # or s3://bucket/folder, gs://bucket/folder, abfs://container/folder
    },
    doc_md=__doc__,
    tags=["example", "twilio"],
):
    submit = CreateExportCustomJobOperator(
        task_id="submit",
        resource_type="{{ params.resource_type }}",
        start_day="{{ params.start_day }}",
        end_day="{{ params.end_day }}",
        friendly_name="range export",  # shown in Twilio's console and mails
        deferrable=True,
    )

    # Returns the days by their end: {"completed": ["2026-01-01", ...], "empty": [...], "failed": [...], ...}.
    # failed_days="store": if days fail at Twilio, the others are stored all the same, and then "store" fails and names
    # them. By default "wait" would fail, and nothing be stored. "ignore" would only list them.
    wait = ExportCustomJobSensor(
        task_id="wait",
        job_sid=submit.output,
        failed_days="store",
        deferrable=True,
    )

    # One verified .json.gz file a day, under resource_type=Messages/day=2026-01-01/; what is there already is skipped.
    store = BulkExportsToObjectStorageOperator(
        task_id="store",
        resource_type="{{ params.resource_type }}",
        days=wait.output,
        destination="{{ params.destination }}",
    )
