"""Passing faults are counted; ten consecutive failures end the attempt, in every mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_bulkexports.polling.wait_poller import MAX_CONSECUTIVE_FAILURES
from airflow_provider_bulkexports.simulator import Fault, Simulator

#: Requests of a failed poll on a worker: the first and the client's retries (``conftest.QUICK``).
TRIES = 4

Wait = Callable[..., Any]

FAULTS: dict[str, tuple[dict[str, Any], int]] = {
    "500": ({"status": 500}, TRIES),
    "503": ({"status": 503}, TRIES),
    "429": ({"status": 429}, TRIES),
    "gateway page": ({"status": 502, "body": "<html><h1>Bad Gateway</h1></html>"}, TRIES),
    "web page": ({"status": 200, "body": "<html><h1>Maintenance</h1></html>"}, 1),
    "broken JSON": ({"status": 200, "body": '{"job_sid": "JS', "content_type": "application/json"}, 1),
    "JSON of another kind": ({"status": 200, "body": ["job"]}, 1),
    "empty object": ({"status": 200, "body": {}}, 1),
    "empty body": ({"status": 200, "body": ""}, 1),
    "redirect": ({"status": 302, "headers": {"Location": "https://example.com/"}}, 1),
    "dropped": ({"drop": True}, TRIES),
    "dropped midway": ({"drop_at": 20}, 1),
}


@pytest.fixture
def job_sid(sim: Simulator) -> str:
    return sim.create_job("Messages", "2026-01-01", "2026-01-03").sid


def requests_of(mode: str, polls: int, tries: int) -> int:
    """Requests of failed polls; in deferrable mode only the first runs on a worker, and the others do not retry."""
    return tries + polls - 1 if mode == "deferrable" else polls * tries


@pytest.mark.parametrize(("fault", "tries"), FAULTS.values(), ids=FAULTS)
def test_nine_consecutive_failures_are_survived(
    wait_for: Wait, mode: str, sim: Simulator, job_sid: str, fault: dict[str, Any], tries: int
) -> None:
    times = requests_of(mode, MAX_CONSECUTIVE_FAILURES - 1, tries)
    sim.faults.add(Fault(**fault, path=r"/v1/Exports/Jobs/.*", times=times))

    end = wait_for(job_sid)

    assert end.state == "success", end.error
    assert len(end.value["completed"]) == 3


@pytest.mark.parametrize(("fault", "tries"), FAULTS.values(), ids=FAULTS)
def test_ten_consecutive_failures_end_the_attempt(
    wait_for: Wait, sim: Simulator, timeline: Any, job_sid: str, fault: dict[str, Any], tries: int
) -> None:
    sim.faults.add(Fault(**fault, path=r"/v1/Exports/Jobs/.*", times=None))

    end = wait_for(job_sid)

    assert end.state == "up_for_retry", end.error
    assert str(end.error).startswith("Polling Twilio failed 10 times in a row. ")
    assert "The job may still be running at Twilio. Clear this task to resume waiting." in str(end.error)
    assert timeline.passed > 600, "an outage of ten minutes is survived"


def test_only_consecutive_failures_count(
    wait_for: Wait, mode: str, sim: Simulator, timeline: Any, job_sid: str
) -> None:
    sim.state.set_details(job_sid, None)
    for streak in range(3):  # with a successful poll after each
        tries = TRIES if streak == 0 or mode != "deferrable" else 1
        times = requests_of(mode, MAX_CONSECUTIVE_FAILURES - 1, tries)
        sim.faults.add(Fault(status=503, path=r"/v1/Exports/Jobs/.*", times=times))
        sim.faults.add(Fault(path=r"/v1/Exports/Jobs/.*", times=1))
    timeline.after(5 * 3600, lambda: sim.state.clear_fields(job_sid))

    assert wait_for(job_sid, poke_interval=600).state == "success"


def test_days_list_for_unnamed_days_is_requested_again(
    wait_for: Wait, sim: Simulator, timeline: Any, job_sid: str
) -> None:
    sim.state.fail_day("Messages", "2026-01-02")
    sim.knobs.details_days_null = True
    sim.faults.add(Fault(status=503, path=r".*/Days", times=2 * TRIES))

    end = wait_for(job_sid, failed_days="ignore")

    assert end.state == "success", end.error
    assert end.value["failed"] == ["2026-01-02"]


def test_timeout_ends_consecutive_failures(
    wait_for: Wait, mode: str, sim: Simulator, timeline: Any, job_sid: str
) -> None:
    sim.faults.add(Fault(status=503, times=None))

    end = wait_for(job_sid, timeout=100, poke_interval=10)

    assert end.state == "failed", end.error
    # A rescheduled sensor checks only between polls how long it has waited in all.
    assert timeline.passed <= (220 if mode == "reschedule" else 120)
