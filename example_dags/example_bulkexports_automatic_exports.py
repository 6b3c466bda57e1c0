"""
Store every day that Twilio exports automatically, long before Twilio removes its file.

With *automatic daily export* switched on (in Twilio's console, or ``client.update_configuration("Messages",
enabled=True)``), Twilio makes each day's file without a job, and removes it after seven days. A watcher polls the list
of files every five minutes. New files start a run, which stores them.

Files that exist at the watcher's first poll count as new, so that none is missed. Airflow 3.3 remembers which files it
announced. Earlier versions announce all files again when the triggerer restarts; the run then skips stored files.

The storing task takes the days of the new files from the events that started its run. A run that you trigger by hand
has none, so its form asks for the days: use it to fetch a file again.

Airflow 2 has no watchers: there a daily run waits for the file of its day.

To run it: besides the connection to Twilio (see ``example_bulkexports_daily.py``), set the Airflow variable
``twilio_exports`` to a folder, such as ``s3://my-bucket/twilio``.
"""

from __future__ import annotations

import pendulum

from airflow_provider_bulkexports import BulkExportsToObjectStorageOperator, ExportDayEventTrigger, ExportDaySensor

try:
    from airflow.sdk import DAG, Asset, AssetWatcher, Param
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.models.param import Param

    has_watchers, schedule = False, "@daily"
else:
    # The watcher's name is also the trigger's argument, for the log.
    new_file = ExportDayEventTrigger(
        resource_type="Messages", announce_existing=True, watcher="example_bulkexports_new_message_file"
    )
    # Airflow identifies assets and watchers by name: two DAG files with the same name turn each other's watcher off.
    watcher = AssetWatcher(name="example_bulkexports_new_message_file", trigger=new_file)
    new_files = Asset("example_bulkexports_message_files", watchers=[watcher])
    has_watchers, schedule = True, [new_files]

with DAG(
    dag_id="example_bulkexports_automatic_exports",
    schedule=schedule,
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    params={
        "days": Param(
            "",
            type="string",
            title="Days",
            description="UTC days to fetch again, with commas between, such as 2026-01-01, 2026-01-02. "
            "Runs that new files start have their days from these files.",
        )
    },
    doc_md=__doc__,
    tags=["example", "twilio"],
) as fetch_new_files:
    days = None  # those of the events that started the run, or of the form
    if not has_watchers:
        days = ExportDaySensor(task_id="wait", resource_type="Messages", deferrable=True).output

    BulkExportsToObjectStorageOperator(
        task_id="store",
        resource_type="Messages",
        days=days,
        destination="{{ var.value.twilio_exports }}",
    )
