"""
Fetch every day that Twilio exports by itself, soon after it is there and long before it is gone.

With *automatic daily export* switched on (in Twilio's console, or ``client.update_configuration("Messages",
enabled=True)``), Twilio makes the file of each day after it is over, without any job, and removes it after seven days.
A watcher looks at the list of files every five minutes. New files start a run, which stores them.

The files that are there when the watcher looks for the first time count as new, so that none is missed. Airflow 3.3
remembers what was announced. Before it, a restarted triggerer announces them all again; that costs a run, which skips
whatever is stored already.

A run that you trigger by hand has no new files, so the trigger form asks for its days. That is how to fetch a file
again that was announced before.

Airflow 2 has no watchers: there a run a day waits for the file of its day.

To run it: besides the connection to Twilio (see ``example_bulkexports_daily.py``), set the Airflow variable
``twilio_exports`` to a folder, such as ``s3://my-bucket/twilio``.
"""

from __future__ import annotations

import pendulum

from airflow_provider_bulkexports import BulkExportsToObjectStorageOperator, ExportDayEventTrigger, ExportDaySensor

try:
    from airflow.sdk import DAG, Asset, AssetWatcher
except ImportError:  # Airflow 2
    from airflow import DAG

    has_watchers, schedule = False, "@daily"
else:
    new_file = ExportDayEventTrigger(resource_type="Messages", announce_existing=True)
    # Airflow knows assets and watchers by their names: two DAG files with one name switch each other's watcher off.
    watcher = AssetWatcher(name="example_bulkexports_new_message_file", trigger=new_file)
    new_files = Asset("example_bulkexports_message_files", watchers=[watcher])
    has_watchers, schedule = True, [new_files]

# The days of the files that started the run; of a run that was triggered by hand, those that its form asked for.
NEW_DAYS = (
    "{{ triggering_asset_events.values() | sum(start=[]) | map(attribute='extra.payload.days', default=[]) "
    "| sum(start=[]) | join(',') or params.days }}"
)

with DAG(
    dag_id="example_bulkexports_automatic_exports",
    schedule=schedule,
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    params={"days": ""},  # for a run that is triggered by hand, such as 2026-01-01,2026-01-02
    doc_md=__doc__,
    tags=["example", "twilio"],
) as fetch_new_files:
    if has_watchers:
        days = NEW_DAYS
    else:
        days = ExportDaySensor(task_id="wait", resource_type="Messages", deferrable=True).output

    BulkExportsToObjectStorageOperator(
        task_id="store",
        resource_type="Messages",
        days=days,
        destination="{{ var.value.twilio_exports }}",
    )
