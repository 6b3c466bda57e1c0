"""ExportDaySensor waits for files of any origin, with the same result in every mode."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
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


def test_day_without_records_needs_no_file(wait_for_days: Callable[..., Any], sim: Simulator) -> None:
    sim.knobs.empty_day_file = "absent"
    sim.state.empty_day("Calls", "2026-01-02")
    sim.create_job("Calls", "2026-01-01", "2026-01-03")

    end = wait_for_days()

    assert (end.value["completed"], end.value["empty"]) == (["2026-01-01", "2026-01-03"], ["2026-01-02"])


def test_days_without_a_job_time_out(wait_for_days: Callable[..., Any]) -> None:
    end = wait_for_days(timeout=300)

    assert end.state == "failed"
    assert "job" not in str(end.error)


def test_default_is_the_day_of_the_run(
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
def test_invalid_input_is_rejected_at_parse_time(wrong: dict[str, Any], sentence: str) -> None:
    arguments = {"resource_type": "Calls", "start_day": "2026-01-01", "end_day": "2026-01-03"} | wrong

    with pytest.raises(BulkExportsInputError, match=sentence):
        ExportDaySensor(task_id="days", **arguments)


def test_estimate_stretches_the_poll_interval(wait_for_days: Callable[..., Any], sim: Simulator, timeline: Any) -> None:
    sim.knobs.queue_seconds = 10**7
    sid = sim.create_job("Calls", "2026-01-01", "2026-01-03").sid
    estimate = timeline.now + timedelta(hours=1)
    sim.state.set_fields(sid, estimated_completion_time=estimate.strftime("%Y-%m-%dT%H:%M:%S"))
    timeline.after(3600, sim.finish_jobs)

    end = wait_for_days(max_poll_interval=600)

    assert end.state == "success", end.error
    assert len(sim.requests.matching(path=r".*/Days")) <= 20, "without it, it is asked 61 times"
    assert 3600 <= timeline.passed < 3600 + 660


@pytest.mark.parametrize("max_poll_interval", [0, 60])
def test_estimate_is_ignored_without_a_longer_maximum(
    wait_for_days: Callable[..., Any], sim: Simulator, timeline: Any, max_poll_interval: int
) -> None:
    sim.knobs.queue_seconds = 10**7
    sim.create_job("Calls", "2026-01-01", "2026-01-03")
    timeline.after(1190, sim.finish_jobs)

    end = wait_for_days(max_poll_interval=max_poll_interval)

    assert end.state == "success", end.error
    assert timeline.passed < 1190 + 70


def test_estimate_for_more_days_than_wanted_is_ignored(
    wait_for_days: Callable[..., Any], sim: Simulator, timeline: Any
) -> None:
    sim.knobs.position_and_eta = "null"
    sim.knobs.queue_seconds = 10**7
    sid = sim.create_job("Calls", "2026-01-01", "2026-01-31").sid
    sim.state.set_fields(sid, estimated_completion_time="2027-01-01T00:00:00")
    timeline.after(1190, sim.finish_jobs)

    assert wait_for_days(max_poll_interval=10_000).state == "success"
    assert timeline.passed < 1190 + 70


def test_counts_of_a_job_without_range_mark_no_day_empty(wait_for_days: Callable[..., Any], sim: Simulator) -> None:
    sid = sim.create_job("Calls", "2025-01-01", "2025-01-09").sid
    sim.state.set_fields(sid, start_day="0001-01-01", end_day="9999-12-31")
    sim.state.set_details(sid, [{"status": "CompletedEmptyRecords", "count": 9, "days": None}])

    assert wait_for_days(timeout=300).state == "failed"
