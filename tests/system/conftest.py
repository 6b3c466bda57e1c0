"""
Fixtures of the system tests: one Airflow for all of them, one simulator of Twilio's side for each.

Airflow's start takes about a minute of CPU time: 60 to 130 s on two busy cores. A run of two tasks takes 10 to 15 s.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support.harness import Airflow, MissingPostgresError, Postgres
from support.harness.deadlines import free_port
from support.scripted_server import ScriptedServer

from airflow_provider_bulkexports.compat import AIRFLOW_VERSION
from airflow_provider_bulkexports.hooks.bulkexports import BulkExportsHook
from airflow_provider_bulkexports.simulator import SimulatedClock, Simulator

HERE = Path(__file__).parent
EXAMPLES = HERE.parent.parent / "example_dags"

#: Seconds for one test, including Airflow's start.
_TEST_TIMEOUT = 600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder. Their timeout raises, since ending the process would leave Airflow running."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.system)
            item.add_marker(pytest.mark.timeout(_TEST_TIMEOUT, method="signal"))


@pytest.fixture(scope="session")
def twilio_ports() -> dict[str, int]:
    """Ports of every simulator in turn, so that Airflow's connection stays the same."""
    return {"api_port": free_port(), "storage_port": free_port()}


@pytest.fixture(scope="session")
def scripted_port() -> int:
    """Port of the scripted server, for the connection ``twilio_scripted``."""
    return free_port()


@pytest.fixture(scope="session")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder in which the examples store files."""
    return tmp_path_factory.mktemp("exports")


@pytest.fixture(scope="session")
def airflow_environment(twilio_ports: dict[str, int], scripted_port: int, exports: Path) -> dict[str, str]:
    """Environment variables of all Airflow's processes, besides the harness's settings."""
    twilio = Simulator(**twilio_ports)
    return {
        f"AIRFLOW_CONN_{BulkExportsHook.default_conn_name.upper()}": twilio.connection_json(),
        "AIRFLOW_CONN_TWILIO_SCRIPTED": _connection_to(f"http://127.0.0.1:{scripted_port}"),
        "AIRFLOW_VAR_TWILIO_EXPORTS": f"file://{exports}",
        "TWILIO_ACCOUNT_SID": twilio.account_sid,
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
    }


@pytest.fixture(scope="session")
def airflow(airflow_environment: dict[str, str]) -> Iterator[Airflow]:
    """A running Airflow; a test may kill parts of it without restarting them."""
    if not AIRFLOW_VERSION.startswith("3.3"):
        pytest.skip("this test is for Airflow 3.3")
    try:
        postgres = Postgres()
    except MissingPostgresError as error:
        pytest.skip(str(error))
    previous = signal.signal(signal.SIGTERM, _interrupt)
    try:
        postgres.start()
        airflow = Airflow(postgres, dags=[HERE / "dags", EXAMPLES], environment=airflow_environment)
        try:
            airflow.start()
            yield airflow
        finally:
            airflow.stop()
    finally:
        postgres.stop()
        signal.signal(signal.SIGTERM, previous)


@pytest.fixture
def scripted(airflow: Airflow, scripted_port: int) -> Iterator[ScriptedServer]:
    """A server with scripted responses, which Airflow reaches by the connection ``twilio_scripted``."""
    with ExitStack() as stack:
        yield ScriptedServer(stack, scripted_port)
        airflow.settle()


@pytest.fixture
def simulator(airflow: Airflow, twilio_ports: dict[str, int]) -> Iterator[Simulator]:
    """
    A fresh simulator, which Airflow reaches by the default connection; Airflow is restored for the next test.

    Its clock stands still: ``finish_jobs()`` moves it to the end of every job, ``clock.speed`` starts it.
    """
    with Simulator(clock=SimulatedClock(speed=0), **twilio_ports) as simulator:
        yield simulator
        airflow.settle()


def _connection_to(host: str) -> str:
    fields = {"login": ScriptedServer.login, "password": ScriptedServer.password, "host": host}
    return json.dumps({"conn_type": BulkExportsHook.conn_type, **fields})


def _interrupt(*_: Any) -> None:
    """End as after Ctrl-C, so that the fixtures stop what they started."""
    raise KeyboardInterrupt
