"""Ten assets, each with a watcher for new files of messages, start one DAG together."""

from __future__ import annotations

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Asset, AssetWatcher

from airflow_provider_bulkexports import ExportDayEventTrigger


def watcher(number: int) -> AssetWatcher:
    """Airflow merges equal triggers: five remain, each for two assets, at nearly the same interval."""
    return AssetWatcher(name="new", trigger=ExportDayEventTrigger("Messages", poll_interval=2 + number % 5 / 100))


assets = [Asset(f"message_files_{number}", watchers=[watcher(number)]) for number in range(10)]

with DAG("many_watchers", schedule=assets, is_paused_upon_creation=True):
    EmptyOperator(task_id="started")
