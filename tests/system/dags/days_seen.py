"""One run for each day that the partitions example stores, without a worker: shows what the scheduler saw."""

from __future__ import annotations

import os

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, PartitionedAssetTimetable

from airflow_provider_bulkexports import asset_for

messages = asset_for("Messages", os.environ["TWILIO_ACCOUNT_SID"])

with DAG("days_seen", schedule=PartitionedAssetTimetable(assets=messages)):
    EmptyOperator(task_id="seen")
