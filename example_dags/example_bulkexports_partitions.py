"""
Start other DAGs with the days they need: one run for each stored day, one for each complete month.

The first DAG stores each day's messages and emits the day as a *partition* of an asset, with the day as its key. The
second DAG runs once for each day. The third runs once a month, as soon as the last missing day of the month is stored,
in any order: day by day, or many at once in a backfill.

Emitting partitions needs Airflow 3.3. Earlier versions add plain events to the asset (on Airflow 2: the dataset), which
list their days: the second DAG then starts with every event, and the third does not exist.

To run it: besides the connection to Twilio (see ``example_bulkexports_daily.py``), set the environment variable
``TWILIO_ACCOUNT_SID``, which names the asset, and the Airflow variable ``twilio_exports`` to a folder.
"""

from __future__ import annotations

import os

import pendulum

from airflow_provider_bulkexports import asset_for, export_to_object_storage

try:
    from airflow.sdk import DAG, task
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.decorators import task

# The asset "Twilio Messages (AC…)", twilio-bulkexports://AC…/Messages
messages = asset_for("Messages", os.environ.get("TWILIO_ACCOUNT_SID", "AC0123456789abcdef0123456789abcdef"))

try:
    from airflow.sdk import MonthWindow, PartitionedAssetTimetable, RollupMapper, StartOfMonthMapper
except ImportError:  # before Airflow 3.3
    each_day, each_month = [messages], None
else:
    each_day = PartitionedAssetTimetable(assets=messages)
    # The keys are days; a month waits for all of its days.
    whole_month = RollupMapper(upstream_mapper=StartOfMonthMapper(input_format="%Y-%m-%d"), window=MonthWindow())
    each_month = PartitionedAssetTimetable(assets=messages, default_partition_mapper=whole_month)

START = pendulum.datetime(2026, 1, 1, tz="UTC")

with DAG(
    dag_id="example_bulkexports_partitions",
    schedule="@daily",
    start_date=START,
    catchup=False,
    doc_md=__doc__,
    tags=["example", "twilio"],
) as store_days:
    export_to_object_storage(
        resource_type="Messages",
        destination="{{ var.value.twilio_exports }}",
        deferrable=True,
        outlets=[messages],
        emit_partitions=True,
    )

with DAG(
    dag_id="example_bulkexports_each_day",
    schedule=each_day,
    start_date=START,
    catchup=False,
    tags=["example", "twilio"],
) as read_each_day:

    @task
    def days_to_read(**context) -> list[str]:
        """Replace this with the task that reads the day."""
        if context.get("partition_key"):
            return [context["partition_key"]]
        before_airflow_3 = "triggering_dataset_events"
        events = context.get("triggering_asset_events") or context[before_airflow_3]
        return sorted({day for of_asset in events.values() for event in of_asset for day in event.extra["days"]})

    days_to_read()

if each_month:
    with DAG(
        dag_id="example_bulkexports_each_month",
        schedule=each_month,
        start_date=START,
        catchup=False,
        tags=["example", "twilio"],
    ) as close_each_month:

        @task
        def month_to_close(**context) -> str:
            """Replace this with the task that needs the whole month; the key is for example 2026-01."""
            return context["partition_key"]

        month_to_close()
