"""ExportDaySensor waits for files, whoever had them made, with the same result in every mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.sensors.bulkexports import ExportDaySensor
from airflow_provider_bulkexports.simulator import Simulator


@pytest.fixture(params=["poke", "reschedule", "deferrable"])
def wait_for_days(request: pytest.FixtureRequest, connection: str, run_task: Callable[..., Any]) -> Callable[..., Any]:
    mode = {"deferrable": True} if request.param == "deferrable" else {"mode": request.param, "deferrable": False}

    def run(**kwargs: Any) -> Any:
        arguments = {"resource_type": "Calls", "start_day": "2026-01-01", "end_day": "2026-01-03"} | mode | kwargs
        return run_task(lambda: ExportDaySensor(task_id="days", poke_interval=60, **arguments))

    return run


def test_files_of_any_job_end_the_wait(wait_for_days: Callable[..., Any], sim: Simulator, timeline: Any) -> None:
    sim.create_job("Calls", "2026-01-01", "2026-01-02")
    timeline.after(600, lambda: sim.create_job("Calls", "2026-01-03", "2026-01-05"))

    end = wait_for_days()

    assert end.state == "success", end.error
    assert end.value == {
        "job_sids": [],
        "resource_type": "Calls",
        "start_day": "2026-01-01",
        "end_day": "2026-01-03",
        "completed": ["2026-01-01", "2026-01-02", "2026-01-03"],
        "empty": [],
        "failed": [],
        "expires_at": "2026-12-01T00:00:00+00:00",
    }
    assert timeline.passed >= 600


def test_a_day_without_records_counts_though_it_has_no_file(wait_for_days: Callable[..., Any], sim: Simulator) -> None:
    sim.knobs.empty_day_file = "absent"
    sim.state.empty_day("Calls", "2026-01-02")
    sim.create_job("Calls", "2026-01-01", "2026-01-03")

    end = wait_for_days()

    assert (end.value["completed"], end.value["empty"]) == (["2026-01-01", "2026-01-03"], ["2026-01-02"])


def test_days_that_nobody_exports_time_out(wait_for_days: Callable[..., Any]) -> None:
    end = wait_for_days(timeout=300)

    assert end.state == "failed"


def test_the_day_of_the_run_is_the_default(
    wait_for_days: Callable[..., Any], sim: Simulator, context: dict[str, Any]
) -> None:
    sim.create_job("Calls", "2026-01-07", "2026-01-07")
    context["partition_key"] = "2026-01-07"

    assert wait_for_days(start_day=None, end_day=None).value["completed"] == ["2026-01-07"]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"resource_type": "calls"}, "write 'Calls'"),
        ({"end_day": None}, "end_day is missing"),
        ({"start_day": "2026-02-01"}, "swap them"),
        ({"start_day": "soon"}, "write it as YYYY-MM-DD"),
    ],
)
def test_bad_input_is_refused_when_the_dag_is_parsed(wrong: dict[str, Any], sentence: str) -> None:
    arguments = {"resource_type": "Calls", "start_day": "2026-01-01", "end_day": "2026-01-03"} | wrong

    with pytest.raises(BulkExportsInputError, match=sentence):
        ExportDaySensor(task_id="days", **arguments)
