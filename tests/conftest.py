"""Every test gets an Airflow home of its own, a simulator of Twilio's side, and a connection to it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

# Airflow reads its configuration once, when it is first imported.
os.environ.update(
    {
        "AIRFLOW_HOME": tempfile.mkdtemp(prefix="bulkexports-airflow-"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(Path(__file__).parent.parent / "example_dags"),
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
    }
)
import asyncio
import atexit
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

# Fixtures import what they need: the process that hands tests to the others needs none of it, nor waits for Airflow.
if TYPE_CHECKING:
    from support.task_runner import TaskEnd, Timeline

    from airflow_provider_bulkexports.api.client import BulkExportsClient
    from airflow_provider_bulkexports.simulator import Simulator

# Tests talk to servers on this machine, some through clients that would use a proxy.
for variable in [name for name in os.environ if name.lower().endswith("_proxy")]:
    del os.environ[variable]

hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.register_profile("quick", deadline=None, max_examples=20)  # poe quick
hypothesis.settings.load_profile("any machine")

atexit.register(shutil.rmtree, os.environ["AIRFLOW_HOME"], ignore_errors=True)


#: Cases of one test that the inner loop runs, unless the test's marker ``sample`` says another number.
SAMPLE = 8


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Of every test with many cases, mark those beyond an evenly spread sample as ``surplus``."""
    cases: dict[str, list[pytest.Item]] = {}
    for item in items:
        cases.setdefault(item.nodeid.partition("[")[0], []).append(item)
    for of_test in cases.values():
        marker = of_test[0].get_closest_marker("sample")
        size = marker.args[0] if marker else SAMPLE
        kept = {number * len(of_test) // size for number in range(size)}
        for number, item in enumerate(of_test):
            if number not in kept and len(of_test) > size:
                item.add_marker(pytest.mark.surplus)


@pytest.fixture
def sim() -> Iterator[Simulator]:
    """A simulator whose clock stands still until the test advances it."""
    from support.constants import NOON

    from airflow_provider_bulkexports.simulator import SimulatedClock, Simulator

    with Simulator(clock=SimulatedClock(start=NOON, speed=0)) as simulator:
        yield simulator


@pytest.fixture
def client(sim: Simulator) -> Iterator[BulkExportsClient]:
    """A client of the simulator's main account."""
    from support.constants import QUICK

    from airflow_provider_bulkexports.api.client import BulkExportsClient

    client = BulkExportsClient(
        sim.account_sid, sim.auth_token, base_url=sim.base_url, retry=QUICK, today=lambda: sim.clock.now().date()
    )
    yield client
    client.close()


@pytest.fixture
def connection(sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> str:
    """The default Airflow connection, to the simulator's main account; retries do not wait."""
    from support.constants import quick

    from airflow_provider_bulkexports.hooks.bulkexports import BulkExportsHook

    conn_id = BulkExportsHook.default_conn_name
    monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", sim.connection_json())
    monkeypatch.setattr("airflow_provider_bulkexports.hooks.connection.RetryPolicy", quick)
    return conn_id


@pytest.fixture
def context() -> dict[str, Any]:
    """The context of a manual run that covers no day."""
    run = SimpleNamespace(run_id="manual__1")
    task_instance = SimpleNamespace(
        dag_id="exports",
        task_id="task",
        run_id=run.run_id,
        try_number=1,
        max_tries=0,
        map_index=-1,
        first_rescheduled_at=None,
    )
    task_instance.xcoms = {}
    task_instance.xcom_push = lambda key, value: task_instance.xcoms.update({key: value})
    task_instance.get_first_reschedule_date = lambda _: task_instance.first_rescheduled_at
    return {"dag_run": run, "run_id": run.run_id, "ti": task_instance}


@pytest.fixture
def timeline(sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Timeline]:
    """Move time by sleeping, in this thread only: the simulator's own thread keeps the real time."""
    import time_machine
    from support.task_runner import Timeline

    this_thread = threading.get_ident()
    sleep, async_sleep, monotonic = time.sleep, asyncio.sleep, time.monotonic
    with time_machine.travel(sim.clock.now(), tick=False) as traveller:
        timeline, began = Timeline(sim.clock, traveller), monotonic()

        async def sleep_in_loop(seconds: float, *args: Any) -> Any:
            if threading.get_ident() != this_thread:
                return await async_sleep(seconds, *args)
            timeline.sleep(seconds)
            return await async_sleep(0, *args)

        def sleep_in_thread(seconds: float) -> None:
            (timeline.sleep if threading.get_ident() == this_thread else sleep)(seconds)

        def moved_monotonic() -> float:
            return began + timeline.exactly_passed if threading.get_ident() == this_thread else monotonic()

        monkeypatch.setattr(asyncio, "sleep", sleep_in_loop)
        monkeypatch.setattr(time, "sleep", sleep_in_thread)
        monkeypatch.setattr(time, "monotonic", moved_monotonic)
        yield timeline


@pytest.fixture
def run_task(
    timeline: Timeline, context: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[], Any]], TaskEnd]:
    """Run a task to its end as Airflow does; see ``support.task_runner``."""
    from support.task_runner import run_to_end

    from airflow_provider_bulkexports.compat import AIRFLOW_VERSION

    if AIRFLOW_VERSION.startswith("2."):  # it reads from its database when a rescheduled sensor began
        monkeypatch.setattr("airflow.sensors.base._orig_start_date", lambda **_: context["ti"].first_rescheduled_at)

    return lambda make_task: run_to_end(make_task, context, timeline)


@pytest.fixture(scope="session")
def airflow_db() -> None:
    """Airflow's own tables, for tests that run a whole DAG."""
    from airflow.utils.db import initdb

    initdb()
