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
import asyncio
import atexit
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import hypothesis
import pytest
import time_machine

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.api.retry import RetryPolicy
from airflow_provider_bulkexports.compat import (
    AIRFLOW_VERSION,
    AirflowException,
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSensorTimeout,
    AirflowSkipException,
    TaskDeferred,
)
from airflow_provider_bulkexports.hooks.bulkexports import BulkExportsHook
from airflow_provider_bulkexports.simulator import SimulatedClock, Simulator

# Tests talk to servers on this machine, also by clients that would go through a proxy.
for variable in [name for name in os.environ if name.lower().endswith("_proxy")]:
    del os.environ[variable]

hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")

atexit.register(shutil.rmtree, os.environ["AIRFLOW_HOME"], ignore_errors=True)

#: Noon of a day on which the days of January 2026 have long been exportable.
NOON = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)

#: Retries without waits, so that faults are exercised and nobody sleeps.
QUICK = RetryPolicy(max_retries=3, backoff_factor=0.0, max_wait=0.0)


def quick(max_retries: int = QUICK.max_retries) -> RetryPolicy:
    """A policy of at most so many retries, which do not wait."""
    return replace(QUICK, max_retries=min(max_retries, QUICK.max_retries))


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
    monkeypatch.setattr("airflow_provider_bulkexports.hooks.connection.RetryPolicy", quick)
    return conn_id


@pytest.fixture
def context() -> dict[str, Any]:
    """The context of a manual run that means no day."""
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


class Timeline:
    """The time of the test and of the simulator: it stands still, and sleeping moves it instead of waiting."""

    def __init__(self, clock: SimulatedClock, traveller: Any) -> None:
        self._clock = clock
        self._traveller = traveller
        self.exactly_passed = 0.0
        self.slept: list[float] = []
        self._agenda: list[tuple[float, Callable[[], Any]]] = []

    @property
    def now(self) -> datetime:
        return datetime.now(timezone.utc)

    @property
    def passed(self) -> float:
        """Seconds since the test began, without what differences of floats leave: 360, not 359.9999999999991."""
        return round(self.exactly_passed, 6)

    def after(self, seconds: float, action: Callable[[], Any]) -> None:
        """Do something once so much time has passed."""
        self._agenda.append((self.passed + seconds, action))

    def advance(self, seconds: float) -> None:
        self._clock.advance(seconds)
        self._traveller.shift(seconds)
        self.exactly_passed += seconds
        due = [entry for entry in self._agenda if entry[0] <= self.passed]
        for entry in due:
            self._agenda.remove(entry)
            entry[1]()

    def advance_to(self, moment: datetime) -> None:
        self.advance(max(0.0, (moment - self.now).total_seconds()))

    def put_clock_forward(self, seconds: float) -> None:
        """Let the test's clock run ahead of the simulator's."""
        self._traveller.shift(seconds)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.advance(seconds)


@pytest.fixture
def timeline(sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Timeline]:
    """Move time by sleeping, in this thread only: the simulator's own thread keeps the real time."""
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


@dataclass
class TaskEnd:
    """How a task ended, in the words of Airflow's task states: ``failed`` is for good, ``up_for_retry`` is not."""

    state: str
    value: Any = None
    error: BaseException | None = None
    deferrals: list[TaskDeferred] = field(default_factory=list)
    reschedules: list[datetime] = field(default_factory=list)


@pytest.fixture
def run_task(
    timeline: Timeline, context: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[], Any]], TaskEnd]:
    """
    Run a task to its end as Airflow does.

    Every reschedule and deferral is followed by a new task object; triggers and events are stored in between.
    """
    if AIRFLOW_VERSION.startswith("2."):  # it asks its database when a rescheduled sensor began
        monkeypatch.setattr("airflow.sensors.base._orig_start_date", lambda **_: context["ti"].first_rescheduled_at)

    def run(make_task: Callable[[], Any]) -> TaskEnd:
        end = TaskEnd("running")
        context["ti"].first_rescheduled_at = None
        method, kwargs = "", {}
        while end.state == "running":
            task = make_task()
            try:
                end.value = task.resume_execution(method, kwargs, context) if method else task.execute(context)
                end.state = "success"
            except TaskDeferred as deferred:
                end.deferrals.append(deferred)
                event = first_event_of(stored_trigger(deferred.trigger))
                method, kwargs = deferred.method_name, {**(deferred.kwargs or {}), "event": stored(event)}
            except AirflowRescheduleException as rescheduled:
                end.reschedules.append(rescheduled.reschedule_date)
                context["ti"].first_rescheduled_at = context["ti"].first_rescheduled_at or timeline.now
                timeline.advance_to(rescheduled.reschedule_date)
                method = ""
            except AirflowException as error:
                end.state, end.error = state_after(error), error
        return end

    return run


def state_after(error: AirflowException) -> str:
    if isinstance(error, AirflowSkipException):
        return "skipped"
    return "failed" if isinstance(error, (AirflowFailException, AirflowSensorTimeout)) else "up_for_retry"


def stored(value: Any) -> Any:
    """What comes back of a value that Airflow wrote to its database for a deferred task."""
    from airflow.models.trigger import Trigger

    encrypt = getattr(Trigger, "encrypt_kwargs", None) or Trigger._encrypt_kwargs  # Airflow 2.11
    return Trigger._decrypt_kwargs(encrypt({"value": value}))["value"]


def stored_trigger(trigger: Any) -> Any:
    classpath, kwargs = trigger.serialize()
    module, _, name = classpath.rpartition(".")
    return getattr(import_module(module), name)(**stored(kwargs))


def first_event_of(trigger: Any) -> Any:
    async def first() -> Any:
        return (await anext(trigger.run())).payload

    return asyncio.run(first())


@pytest.fixture(scope="session")
def airflow_db() -> None:
    """Airflow's own tables, for tests that run a whole DAG."""
    from airflow.utils.db import initdb

    initdb()
