"""The partitions example in a running Airflow: stored days start the DAGs that wait for them."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.harness import Airflow

from airflow_provider_bulkexports.simulator import Simulator

STORE, EACH_DAY, EACH_MONTH = (
    "example_bulkexports_partitions",
    "example_bulkexports_each_day",
    "example_bulkexports_each_month",
)

#: Months without stored days: Airflow keeps partitions, also when a test is rerun.
MONTHS = iter([date(2026, 4, 1), date(2026, 6, 1), date(2026, 9, 1), date(2025, 4, 1), date(2025, 6, 1)])


@pytest.fixture
def month() -> date:
    """First day of a month of 30 days that no other test uses."""
    return next(MONTHS)


@pytest.fixture
def simulator(simulator: Simulator) -> Simulator:
    """Jobs finish as soon as they are submitted."""
    simulator.knobs.queue_seconds = simulator.knobs.seconds_per_day_run = simulator.knobs.records_per_day = 0
    return simulator


def test_three_stored_days_start_three_runs_of_the_reading_dag(
    airflow: Airflow, simulator: Simulator, month: date, exports: Path
) -> None:
    days = days_from(month, 3)
    with airflow.unpaused(STORE, EACH_DAY):
        run_id = store(airflow, days)
        airflow.wait_until(lambda: len(keys(airflow, EACH_DAY, month)) >= 3, "Each day starts a run")
        assert keys(airflow, EACH_DAY, month) == days
        started = [run for run in airflow.runs(EACH_DAY) if run["partition_key"] in days]
        assert [airflow.wait_for_run(EACH_DAY, run["dag_run_id"]) for run in started] == ["success"] * 3

    for run in started:
        (event,) = airflow.triggering_events(EACH_DAY, run["dag_run_id"])
        assert (event["source_dag_id"], event["source_run_id"]) == (STORE, run_id)
        assert airflow.xcom(EACH_DAY, run["dag_run_id"], "days_to_read") == [run["partition_key"]]
        assert (exports / f"resource_type=Messages/day={run['partition_key']}/part-0.json.gz").exists()
    events = airflow.asset_events(asset_of(simulator), source_run_id=run_id)
    assert sorted(event["partition_key"] for event in events) == days
    assert all(event["extra"]["days"] == days for event in events)
    assert len(simulator.state.jobs) == 1


def test_month_is_closed_once_after_its_last_missing_day(airflow: Airflow, simulator: Simulator, month: date) -> None:
    days = days_from(month, 30)
    missing = days.pop(17)
    key = f"{month:%Y-%m}"
    with airflow.unpaused(STORE, EACH_MONTH):
        for part in (days[:17], days[17:]):
            store(airflow, part)
        # The scheduler checks waiting days and months at the same time.
        airflow.wait_until(lambda: keys(airflow, "days_seen", month) == days, "The scheduler sees 29 days")
        assert not keys(airflow, EACH_MONTH, month)

        store(airflow, [missing])
        airflow.wait_until(lambda: keys(airflow, EACH_MONTH, month), "The last day starts the month's run")
        assert keys(airflow, EACH_MONTH, month) == [key]
        (run,) = [run for run in airflow.runs(EACH_MONTH) if run["partition_key"] == key]
        assert airflow.wait_for_run(EACH_MONTH, run["dag_run_id"]) == "success"

        assert airflow.xcom(EACH_MONTH, run["dag_run_id"], "month_to_close") == key
        airflow.wait_until(lambda: len(keys(airflow, "days_seen", month)) == 30, "The scheduler sees 30 days")
        assert keys(airflow, EACH_MONTH, month) == [key]
    events = airflow.triggering_events(EACH_MONTH, run["dag_run_id"])
    assert sorted(event["partition_key"] for event in events) == sorted([*days, missing])


def days_from(first: date, count: int) -> list[str]:
    return [(first + timedelta(days=number)).isoformat() for number in range(count)]


def asset_of(simulator: Simulator) -> str:
    return f"Twilio Messages ({simulator.account_sid})"


def store(airflow: Airflow, days: list[str]) -> str:
    """Let one run of the example store the consecutive days of its data interval."""
    start = f"{days[0]}T00:00:00Z"
    end = f"{date.fromisoformat(days[-1]) + timedelta(days=1)}T00:00:00Z"
    run_id = airflow.trigger(STORE, logical_date=start, data_interval_start=start, data_interval_end=end)
    assert airflow.wait_for_run(STORE, run_id) == "success"
    return run_id


def keys(airflow: Airflow, dag_id: str, month: date) -> list[str]:
    """Sorted partition keys of a DAG's runs in one month, one per run."""
    found: list[Any] = [run["partition_key"] for run in airflow.runs(dag_id)]
    return sorted(key for key in found if key and key.startswith(f"{month:%Y-%m}"))
