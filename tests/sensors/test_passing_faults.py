"""With ``retries=0`` a wait survives passing faults, also in its last request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_bulkexports.simulator import Fault, Simulator

ONE_JOB, DAYS_LIST = r"/v1/Exports/Jobs/.*", r"/v1/Exports/\w+/Days"

Wait = Callable[..., Any]

PASSING: dict[str, dict[str, Any]] = {
    **{str(status): {"status": status} for status in (408, 421, 425, 429, 500, 502, 503, 504, 507, *range(520, 530))},
    "a web page": {"status": 200, "body": "<html><h1>Maintenance</h1></html>"},
    "broken JSON": {"status": 200, "body": '{"job_sid": "JS', "content_type": "application/json"},
    "JSON of another kind": {"status": 200, "body": ["job"]},
    "an empty body": {"status": 200, "body": ""},
    "a login page": {"status": 302, "headers": {"Location": "https://login.example.com/?next=/v1"}},
    "a permanent redirect": {"status": 308, "headers": {"Location": "/elsewhere"}},
    "no response": {"drop": True},
    "half a response": {"drop_at": 20},
}


@pytest.fixture
def job_sid(sim: Simulator) -> str:
    return sim.create_job("Messages", "2026-01-01", "2026-01-03").sid


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_fault_of_five_minutes_is_survived(
    wait_for: Wait, sim: Simulator, timeline: Any, job_sid: str, fault: dict[str, Any]
) -> None:
    sim.faults.add(Fault(**fault, path=ONE_JOB, times=None))
    timeline.after(300, sim.faults.clear)

    end = wait_for(job_sid)

    assert end.state == "success", end.error
    assert len(end.value["completed"]) == 3


@pytest.fixture
def counted_only(sim: Simulator, job_sid: str) -> str:
    """A finished job of which Twilio counts the days, one of them without records, and names none."""
    sim.state.empty_day("Messages", "2026-01-02")
    sim.knobs.empty_day_file = "absent"
    sim.knobs.details_days_null = True
    sim.finish_jobs()
    return job_sid


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_failed_days_list_is_requested_again(
    wait_for: Wait, sim: Simulator, timeline: Any, counted_only: str, fault: dict[str, Any]
) -> None:
    sim.faults.add(Fault(**fault, path=DAYS_LIST, times=None))
    timeline.after(300, sim.faults.clear)

    end = wait_for(counted_only)

    assert end.state == "success", end.error
    assert (end.value["completed"], end.value["empty"]) == (["2026-01-01", "2026-01-03"], ["2026-01-02"])


@pytest.mark.parametrize("fault", [{"status": 503}, {"drop": True}, {"status": 403}], ids=["503", "no response", "403"])
def test_unreadable_days_list_neither_fails_nor_empties_days(
    wait_for: Wait, sim: Simulator, timeline: Any, counted_only: str, fault: dict[str, Any]
) -> None:
    sim.faults.add(Fault(**fault, path=DAYS_LIST, times=None))

    end = wait_for(counted_only)

    assert end.state == "success", end.error
    assert (end.value["completed"], end.value["empty"]) == (["2026-01-01", "2026-01-02", "2026-01-03"], [])


@pytest.mark.parametrize("mode", ["poke", "deferrable"], indirect=True)
def test_final_days_are_the_result_at_the_timeout(
    wait_for: Wait, sim: Simulator, timeline: Any, counted_only: str
) -> None:
    sim.faults.add(Fault(status=503, path=DAYS_LIST, times=None))

    end = wait_for(counted_only, timeout=200)

    assert end.state == "success", end.error
    assert end.value["completed"] == ["2026-01-01", "2026-01-02", "2026-01-03"]
    assert timeline.passed <= 220


def test_failed_days_are_not_guessed(wait_for: Wait, sim: Simulator, timeline: Any, job_sid: str) -> None:
    sim.state.fail_day("Messages", "2026-01-02")
    sim.knobs.details_days_null = True
    sim.finish_jobs()
    sim.faults.add(Fault(status=503, path=DAYS_LIST, times=None))

    end = wait_for(job_sid, failed_days="ignore")

    assert end.state == "up_for_retry", "which day failed is not known yet, and the next attempt may find out"


def test_one_response_without_days_does_not_end_the_wait(
    wait_in: Wait, sim: Simulator, timeline: Any, job_sid: str
) -> None:
    sim.knobs.queue_seconds = 10**6
    timeline.after(100, lambda: sim.state.set_fields(job_sid, start_day=None, end_day="9999-12-31", details=None))
    timeline.after(200, lambda: (sim.state.clear_fields(job_sid), sim.finish_jobs()))

    assert wait_in("poke", job_sid).state == "success"
