"""
Export each day's messages from Twilio, and start the tasks that need them.

Twilio BulkExports writes all records of one type and one UTC day (here: messages) into one file. A request for it
creates an export *job*, which waits in Twilio's queue and then runs for minutes to hours; after that, Twilio keeps the
file for seven days. A day is exportable from 00:00 UTC two days later, so a run first waits until then, without
occupying a worker.

Each run exports the day of its partition key, data interval or logical date. A cleared run adopts the job that it
submitted before; another job would cost quota again.

To run it: add a connection ``twilio_bulkexports_default`` of type "Twilio BulkExports" with the Account SID as login
and the Auth Token as password, or start ``bulkexports simulate`` and use the connection that it prints.
"""

from __future__ import annotations

import pendulum

from airflow_provider_bulkexports import CreateExportCustomJobOperator, ExportCustomJobSensor

try:
    from airflow.sdk import DAG, task
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.decorators import task

with DAG(
    dag_id="example_bulkexports_daily",
    schedule="@daily",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    doc_md=__doc__,
    tags=["example", "twilio"],
):
    # Submits one job for the run's day and returns its sid.
    submit = CreateExportCustomJobOperator(
        task_id="submit",
        resource_type="Messages",  # or Calls, Conferences, Participants
        deferrable=True,
    )

    # Waits in the triggerer until Twilio has exported the day; fails if Twilio could not.
    wait = ExportCustomJobSensor(
        task_id="wait",
        job_sid=submit.output,
        deferrable=True,
    )

    # The sensor's result says which days have records ("completed"), have none ("empty"), or failed.
    @task
    def report(result: dict) -> str:
        """Replace this with the task that needs the day."""
        return f"{len(result['completed'])} day(s) with records, {len(result['empty'])} without"

    report(wait.output)
