"""
Export a range of days from Twilio and store their files: trigger it with the days you want.

A job can have up to 366 days, which is also the quota of a Twilio account, with all its subaccounts, for one UTC day. A
job's days count when it is submitted, and Twilio emails the account's owners about it. So the whole range is one job,
and a task that runs again adopts it.

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
    # The fields of the trigger form. Days are UTC days, and both are inclusive.
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
        friendly_name="range export",  # shown in Twilio's console and e-mails
        deferrable=True,
    )

    # Returns the days by state: {"completed": ["2026-01-01", ...], "empty": [...], "failed": [...], ...}.
    # failed_days="store": if days fail at Twilio, task "store" stores the others, and then fails and names the failed
    # days. By default, task "wait" fails and nothing is stored. With "ignore" they are only listed.
    wait = ExportCustomJobSensor(
        task_id="wait",
        job_sid=submit.output,
        failed_days="store",
        deferrable=True,
    )

    # One verified .json.gz file a day, under resource_type=Messages/day=2026-01-01/; stored files are skipped.
    store = BulkExportsToObjectStorageOperator(
        task_id="store",
        resource_type="{{ params.resource_type }}",
        days=wait.output,
        destination="{{ params.destination }}",
    )
