"""New files at Twilio start DAGs in a running Airflow once each, even if the triggerer is killed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta, timezone
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from support.harness import Airflow

from airflow_provider_bulkexports.simulator import Simulator

EXAMPLE = "example_bulkexports_automatic_exports"
WATCHERS, WATCHED = "many_watchers", [f"message_files_{number}" for number in range(10)]

#: Airflow remembers announced files, also when a test is rerun: each attempt uses its own days.
ATTEMPTS = count()

WINDOW = timedelta(seconds=10)


@pytest.fixture
def next_day(simulator: Simulator) -> Callable[[], str]:
    """
    Let a day pass at Twilio, whose automatic export then makes its file.

    From noon to noon: at Twilio a day ends at midnight, and its file is made a while later.
    """
    noon = datetime.combine(simulator.clock.now().date(), time(12), timezone.utc)
    simulator.clock.advance_to(noon + timedelta(days=1 + 10 * next(ATTEMPTS)))
    simulator.state.set_enabled("Messages")

    def pass_day() -> str:
        day = simulator.clock.now().date()
        simulator.clock.advance(timedelta(days=1))
        return day.isoformat()

    return pass_day


def test_new_files_start_dags_once_with_shared_requests(
    airflow: Airflow, simulator: Simulator, next_day: Callable[[], str], exports: Path
) -> None:
    before = {dag_id: len(airflow.runs(dag_id)) for dag_id in (EXAMPLE, WATCHERS)}
    with airflow.unpaused(EXAMPLE, WATCHERS):
        wait_for_baseline(airflow, simulator)
        count_requests(airflow, simulator)
        days = [next_day()]
        wait_for_runs(airflow, WATCHERS, before[WATCHERS] + 1)
        # Saved a second after the event; a triggerer killed before that announces the file again.
        airflow.wait_until(
            lambda: assets_that_know(airflow, days[0]) == len(WATCHED), "Every watcher remembers the day"
        )

        airflow.triggerer.kill()
        days.append(next_day())
        airflow.triggerer.start()
        wait_for_runs(airflow, WATCHERS, before[WATCHERS] + 2)
        assert "Watcher 'example_bulkexports_new_message_file' of asset 'example_bulkexports_message_files'" in (
            airflow.triggerer.log_text()
        )
        # Its interval is longer than the test: it polls when the triggerer starts, and finds both days.
        airflow.wait_until(lambda: len(stored_days(airflow, before[EXAMPLE])) >= 2, "The example stores both days")

    runs = airflow.runs(WATCHERS)[before[WATCHERS] :]
    assert [days_of(airflow, run) for run in runs] == [{day} for day in days]
    assert stored_days(airflow, before[EXAMPLE]) == days
    for day in days:
        assert (exports / f"resource_type=Messages/day={day}/part-0.json.gz").exists()
    assert not simulator.state.jobs


def count_requests(airflow: Airflow, simulator: Simulator) -> None:
    """Count the requests of several intervals."""
    simulator.clock.speed = 1
    began = simulator.clock.now()
    airflow.wait_until(lambda: [*simulator.requests][-1].at > began + WINDOW, "The triggerer keeps polling")
    simulator.clock.speed = 0
    polled = [request for request in simulator.requests if began <= request.at <= began + WINDOW]
    # A remaining wait of an earlier test may poll its job.
    lists = [request for request in polled if "/Jobs/" not in request.path]
    assert 2 <= len(lists) <= WINDOW.total_seconds() / 2 + 1
    assert {request.path for request in lists} == {"/v1/Exports/Messages/Days"}


def wait_for_baseline(airflow: Airflow, simulator: Simulator) -> None:
    """Wait until every watcher has polled and saved the existing files."""

    def saved() -> bool:
        ((assets,),) = airflow.sql("SELECT count(*) FROM asset_state_store")
        return bool(simulator.requests) and assets >= len(WATCHED)

    airflow.wait_until(saved, "Every watcher remembers a baseline")


def assets_that_know(airflow: Airflow, day: str) -> int:
    """How many of the watched assets remember a file of the day."""
    ((assets,),) = airflow.sql(
        "SELECT count(*) FROM asset_state_store s JOIN asset a ON a.id = s.asset_id"
        " WHERE a.name LIKE 'message_files_%%' AND s.value LIKE %s",
        (f"%/{day}/%",),
    )
    return int(assets)


def wait_for_runs(airflow: Airflow, dag_id: str, wanted: int) -> None:
    airflow.wait_until(lambda: len(airflow.runs(dag_id)) >= wanted, f"{dag_id} has {wanted} runs", timeout=120)


def days_of(airflow: Airflow, run: dict[str, Any]) -> set[str]:
    """Day of the files that started a run, one of each asset."""
    events = airflow.triggering_events(WATCHERS, run["dag_run_id"])
    assert len(events) == len(WATCHED)
    return {day for event in events for day in event["extra"]["payload"]["days"]}


def stored_days(airflow: Airflow, runs_before: int) -> list[str]:
    """Days of the example's finished runs, as the UI shows them beside the task."""
    days: list[str] = []
    for run in airflow.runs(EXAMPLE)[runs_before:]:
        if run["state"] == "success":
            days += airflow.xcom(EXAMPLE, run["dag_run_id"], "store", key="days").split(", ")
    return sorted(days)
