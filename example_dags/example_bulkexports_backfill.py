"""
Store three years of messages, or of another type, in an object store, month by month: trigger it once.

Three years are 1096 days, and a Twilio account, with all its subaccounts, may request 366 in a UTC day. Months beyond
the quota wait until the next 00:00 UTC, without occupying a worker. So this run takes three UTC days, or four if the
order of the months fits badly; you need not plan anything. ``plan_quota`` shows what is possible:

    >>> {day: len(months) for day, months in plan_quota(MONTHS, today="2026-11-24").items()}
    {'2026-11-24': 12, '2026-11-25': 12, '2026-11-26': 12}

Each month is one job, one e-mail to the account's owners, and one copy of the three tasks (submit, wait, store). Its
files are stored as soon as its job is done, because Twilio removes a file after seven days. One job a day instead would
be 1096 mapped copies, more than Airflow's ``max_map_length`` of 1024, and 1096 e-mails. If a month fails, clear its
tasks only: they submit the failed days again.

To run it: besides the connection to Twilio (see ``example_bulkexports_daily.py``), set the Airflow variable
``twilio_exports`` to a folder such as ``s3://my-bucket/twilio``, and make a pool that keeps the exports from taking
every worker: ``airflow pools set twilio 4 "Twilio exports"``.
"""

from __future__ import annotations

import pendulum

from airflow_provider_bulkexports import export_to_object_storage, split_months

try:
    from airflow.sdk import DAG, Param
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.models.param import Param

# [{"start_day": "2023-01-01", "end_day": "2023-01-31"}, ...]: 36 months.
MONTHS = split_months("2023-01-01", "2025-12-31")

with DAG(
    dag_id="example_bulkexports_backfill",
    schedule=None,
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    default_args={
        "pool": "twilio",
        "retries": 3,
        "retry_delay": pendulum.duration(minutes=5),
    },
    # The field of the trigger form.
    params={
        "resource_type": Param(
            "Messages",
            type="string",
            enum=["Messages", "Calls", "Conferences", "Participants"],
            title="Resource type",
            description="What to export. Each type has its own jobs, and all of them share the account's quota.",
        )
    },
    doc_md=__doc__,
    tags=["example", "twilio"],
):
    # Mapped over the months: 36 copies of each of the three tasks, named 2023-01, 2023-02, ...
    stored = export_to_object_storage(
        resource_type="{{ params.resource_type }}",
        ranges=MONTHS,
        destination="{{ var.value.twilio_exports }}",
        object_storage_conn_id="aws_default",
        deferrable=True,
    )
