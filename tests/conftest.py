"""What every test needs: an Airflow home of its own, a simulator of Twilio's side, and a connection to it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

# Before anything imports Airflow: it reads its configuration once.
os.environ.update(
    {
        "AIRFLOW_HOME": tempfile.mkdtemp(prefix="bulkexports-airflow-"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(Path(__file__).parent.parent / "example_dags"),
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
    }
)

from collections.abc import Iterator
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.api.retry import RetryPolicy
from airflow_provider_bulkexports.hooks.bulkexports import BulkExportsHook
from airflow_provider_bulkexports.simulator import SimulatedClock, Simulator

#: Noon of a day on which the days of January 2026 have long been exportable.
NOON = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)

#: Retries without waits, so that faults are exercised and nobody sleeps.
QUICK = RetryPolicy(max_retries=3, backoff_factor=0.0, max_wait=0.0)


@pytest.fixture
def sim() -> Iterator[Simulator]:
    """A simulator whose clock stands still until the test advances it."""
    with Simulator(clock=SimulatedClock(start=NOON, speed=0)) as simulator:
        yield simulator


@pytest.fixture
def client(sim: Simulator) -> Iterator[BulkExportsClient]:
    """A client of the simulator's main account."""
    client = BulkExportsClient(
        sim.account_sid, sim.auth_token, base_url=sim.base_url, retry=QUICK, today=lambda: sim.clock.now().date()
    )
    yield client
    client.close()


@pytest.fixture
def connection(sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> str:
    """The default Airflow connection, to the simulator's main account; retries wait no time."""
    conn_id = BulkExportsHook.default_conn_name
    monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", sim.connection_json())
    monkeypatch.setattr("airflow_provider_bulkexports.hooks.bulkexports.RetryPolicy", lambda **_: QUICK)
    return conn_id


@pytest.fixture
def context() -> dict[str, Any]:
    """The context of a manual run that means no day."""
    run = SimpleNamespace(run_id="manual__1")
    return {"dag_run": run, "run_id": run.run_id, "ti": SimpleNamespace(run_id=run.run_id, try_number=1, map_index=-1)}


@pytest.fixture(scope="session")
def airflow_db() -> None:
    """Airflow's own tables, for tests that run a whole DAG."""
    from airflow.utils.db import initdb

    initdb()
