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
    from airflow.sdk import DAG, Param
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.models.param import Param

with DAG(
    dag_id="example_bulkexports_range",
    schedule=None,
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    # The fields of the trigger form.
    params={
        "resource_type": Param(
            "Messages",
            type="string",
            enum=["Messages", "Calls", "Conferences", "Participants"],
            title="Resource type",
            description="What to export.",
        ),
        "start_day": Param(
            "2026-01-01", type="string", format="date", title="First day", description="UTC day, inclusive."
        ),
        "end_day": Param(
            "2026-01-07",
            type="string",
            format="date",
            title="Last day",
            description="UTC day, inclusive. Twilio exports a day two UTC days later; at most 366 days a job.",
        ),
        "destination": Param(
            "file:///tmp/twilio",
            type="string",
            title="Destination",
            description="Folder for the files: s3://bucket/folder, gs://bucket/folder, abfs://container/folder, or "
            "file:///folder on the worker.",
        ),
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
