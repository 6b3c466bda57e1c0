"""
Every week, export the days again whose prices came late, and replace their files.

Twilio fills in the price of a message within a day or so. A day that was exported before that lacks some prices, and
its total is too small. ``days_to_refresh`` reads the manifests of the days that are 4 to 13 days old and returns those
that lack more than one price in a thousand. Only these are exported again, one job for each range of days; each day
counts towards the quota like any other. In most weeks there is none, and the tasks are skipped.

The log of the storing task says what each day's new file changed, for example::

    2026-01-05 was exported again: no records gained, 41 prices filled in, price total from -3.21000000 to -4.05000000

It works on days that another DAG has stored as Parquet, or as JSON with columns dropped or hashed: only converted files
are counted. Give this DAG the same arguments for its files as that one has.

To run it: besides the connection to Twilio (see ``example_bulkexports_daily.py``), set the Airflow variable
``twilio_exports`` to a folder such as ``s3://my-bucket/twilio``, and install the extras, such as
``airflow-provider-bulkexports[parquet,s3]``.
"""

from __future__ import annotations

import pendulum

from airflow_provider_bulkexports import days_to_refresh, export_to_object_storage

try:
    from airflow.sdk import DAG, task
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.decorators import task

DESTINATION = "{{ var.value.twilio_exports }}"

with DAG(
    dag_id="example_bulkexports_refresh_prices",
    schedule="@weekly",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    doc_md=__doc__,
    tags=["example", "twilio"],
):

    @task
    def late_days(destination: str) -> list:
        """Return ranges of days, such as ``[{"start_day": "2026-01-05", "end_day": "2026-01-06"}]``."""
        return days_to_refresh(destination, "Messages", object_storage_conn_id="aws_default")

    # Mapped over the ranges: none, usually. The files are replaced as each range is exported.
    refreshed = export_to_object_storage(
        resource_type="Messages",
        ranges=late_days(DESTINATION),
        if_exists="submit",
        destination=DESTINATION,
        object_storage_conn_id="aws_default",
        file_format="parquet",
        drop_columns=["body"],
        deferrable=True,
    )
