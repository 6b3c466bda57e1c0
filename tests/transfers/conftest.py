"""Days that are exported, and a task that stores them in a local folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_bulkexports import BulkExportsToObjectStorageOperator
from airflow_provider_bulkexports.simulator import Simulator

Store = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits."""
    monkeypatch.setattr("airflow_provider_bulkexports.object_storage.fetch_day.MISSING_INTERVAL", 0.001)


@pytest.fixture
def simulated(sim: Simulator, impatient: None) -> Simulator:
    """A simulator whose jobs are done at once."""
    sim.knobs.queue_seconds = sim.knobs.seconds_per_day_run = sim.knobs.error_pause_seconds = 0
    return sim


@pytest.fixture
def store_as(
    simulated: Simulator, context: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., list[dict[str, Any]]]:
    """Run a transfer to ``tmp_path`` over a connection that is given as JSON."""

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
