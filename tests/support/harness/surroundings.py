"""Environment variables of Airflow's processes."""

from __future__ import annotations

import os
from collections.abc import Mapping

__all__ = ["SHARED_OPTIONS", "as_environment", "inherited_environment"]

#: Airflow's settings in every version: few processes, short intervals.
SHARED_OPTIONS = {
    # Estimate-based polling is off: the simulator's clock stands still.
    "bulkexports.max_poll_interval": "0",
    "bulkexports.poll_interval": "1",
    "core.dags_are_paused_at_creation": "False",
    "core.load_examples": "False",
    "database.load_default_connections": "False",
    "scheduler.enable_health_check": "False",
    "scheduler.job_heartbeat_sec": "1",
    "scheduler.scheduler_heartbeat_sec": "1",
    "scheduler.scheduler_idle_sleep_time": "0.2",
    "triggerer.job_heartbeat_sec": "1",
    # Seconds after which the next triggerer takes over a killed one's triggers.
    "triggerer.triggerer_health_check_threshold": "10",
    "usage_data_collection.enabled": "False",
}


def inherited_environment() -> dict[str, str]:
    """This process's environment without its Airflow settings, and without proxies between the components."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    return inherited | {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}


def as_environment(options: Mapping[str, str]) -> dict[str, str]:
    """Airflow options, ``section.name``, as environment variables."""
    return {f"AIRFLOW__{name.replace('.', '__').upper()}": value for name, value in options.items()}
