"""New files at Twilio start DAGs in a running Airflow, once, whatever becomes of the triggerer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from harness import Airflow

from airflow_provider_bulkexports.simulator import Simulator

EXAMPLE, EXAMPLE_ASSET = "example_bulkexports_automatic_exports", "twilio_message_files"
WATCHERS, WATCHED = "many_watchers", [f"message_files_{number}" for number in range(10)]

#: Airflow remembers what was announced, also when a test is tried again: each has days of its own.
ATTEMPTS = count()

WINDOW = timedelta(seconds=10)


@pytest.fixture
def next_day(simulator: Simulator) -> Callable[[], str]:
    """Let a day pass at Twilio, whose automatic export then makes its file."""
    simulator.clock.advance(timedelta(days=10 * next(ATTEMPTS)))
    simulator.state.set_enabled("Messages")

    def pass_day() -> str:
        day = simulator.clock.now().date()
        simulator.clock.advance(timedelta(days=1))
        return day.isoformat()

    return pass_day


def test_a_new_file_starts_its_dag_once_though_the_triggerer_is_killed_and_restarted(
    airflow: Airflow, simulator: Simulator, next_day: Callable[[], str], exports: Path
) -> None:
    simulator.clock.advance(timedelta(minutes=30))
    before = {dag_id: len(airflow.runs(dag_id)) for dag_id in (EXAMPLE, WATCHERS)}
    with airflow.unpaused(EXAMPLE, WATCHERS):
        wait_for_baseline(airflow, simulator)
        days = []
        for number, end in enumerate((airflow.triggerer.kill, airflow.triggerer.terminate), 1):
            end()
            days.append(next_day())
            airflow.triggerer.start()
            for dag_id, earlier in before.items():
                wait_for_runs(airflow, dag_id, earlier + number)

    for dag_id, earlier in before.items():
        runs = airflow.runs(dag_id)[earlier:]
        assert [days_of(airflow, dag_id, run) for run in runs] == [{day} for day in days]
    for day, run in zip(days, airflow.runs(EXAMPLE)[before[EXAMPLE] :], strict=True):
        assert airflow.wait_for_run(EXAMPLE, run["dag_run_id"]) == "success"
        assert airflow.task_instance(EXAMPLE, run["dag_run_id"], "store")["rendered_fields"]["days"] == day
        assert (exports / f"resource_type=Messages/day={day}/part-0.json.gz").exists()


def test_ten_watchers_make_one_request_an_interval_and_start_their_dag_once(
    airflow: Airflow, simulator: Simulator, next_day: Callable[[], str]
) -> None:
    before = len(airflow.runs(WATCHERS))
    with airflow.unpaused(WATCHERS):
        wait_for_baseline(airflow, simulator)
        simulator.clock.speed = 1
        began = simulator.clock.now()
        airflow.wait_until(lambda: [*simulator.requests][-1].at > began + WINDOW, "The triggerer looks on")
        simulator.clock.speed = 0
        asked = [request for request in simulator.requests if began <= request.at <= began + WINDOW]
        assert 2 <= len(asked) <= WINDOW.total_seconds() / 2 + 1
        assert {request.path for request in asked} == {"/v1/Exports/Messages/Days"}

        day = next_day()
        wait_for_runs(airflow, WATCHERS, before + 1)

    (run,) = airflow.runs(WATCHERS)[before:]
    assert days_of(airflow, WATCHERS, run) == {day}
    assert len(airflow.triggering_events(WATCHERS, run["dag_run_id"])) == len(WATCHED)


def wait_for_baseline(airflow: Airflow, simulator: Simulator) -> None:
    """Wait until every watcher has looked, and knows which files are there already."""

    def known() -> bool:
        ((assets,),) = airflow.sql("SELECT count(*) FROM asset_state_store")
        return bool(simulator.requests) and assets >= len(WATCHED)

    airflow.wait_until(known, "Every watcher remembers a baseline")


def wait_for_runs(airflow: Airflow, dag_id: str, wanted: int) -> None:
    airflow.wait_until(lambda: len(airflow.runs(dag_id)) >= wanted, f"{dag_id} has {wanted} runs", timeout=90)


def days_of(airflow: Airflow, dag_id: str, run: dict[str, Any]) -> set[str]:
    """Days of the files that started a run."""
    events = airflow.triggering_events(dag_id, run["dag_run_id"])
    return {event["extra"]["payload"]["day"] for event in events}
