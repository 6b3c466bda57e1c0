"""A task that stores exported days: its simulator, its runs, and the files it leaves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.constants import quick
from support.s3 import proxy, s3

from airflow_provider_bulkexports import BulkExportsToObjectStorageOperator
from airflow_provider_bulkexports.simulator import Simulator

__all__ = ["proxy", "s3"]

Store = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries and missing files do not wait."""
    monkeypatch.setattr("airflow_provider_bulkexports.hooks.connection.RetryPolicy", quick)
    monkeypatch.setattr("airflow_provider_bulkexports.object_storage.day_fetcher.MISSING_INTERVAL", 0.001)


@pytest.fixture
def simulated(sim: Simulator, impatient: None) -> Simulator:
    """A simulator whose jobs complete immediately."""
    sim.knobs.queue_seconds = sim.knobs.seconds_per_day_run = sim.knobs.error_pause_seconds = 0
    return sim


@pytest.fixture
def store_as(simulated: Simulator, context: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Store in ``tmp_path`` over a connection that is given as JSON."""

    def run(connection: str, **arguments: Any) -> list[dict[str, Any]]:
        monkeypatch.setenv("AIRFLOW_CONN_TWILIO_OF_TEST", connection)
        arguments = {
            "resource_type": "Messages",
            "days": ["2026-01-01"],
            "destination": f"file://{tmp_path}",
            "twilio_conn_id": "twilio_of_test",
            "missing_timeout": 0,
        } | arguments
        return BulkExportsToObjectStorageOperator(task_id="store", **arguments).execute(context)

    return run


@pytest.fixture
def store(store_as: Store, simulated: Simulator) -> Store:
    """Store in ``tmp_path`` from the main account."""
    return lambda **arguments: store_as(simulated.connection_json(), **arguments)
