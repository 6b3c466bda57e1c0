"""With wait_for_completion the operator submits and waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.logs import keep_lines_of_waits

from airflow_provider_bulkexports.compat import AirflowFailException
from airflow_provider_bulkexports.simulator import Simulator

Create = Callable[..., Any]


@pytest.fixture(params=[False, True], ids=["on a worker", "deferrable"])
def create_and_wait(request: pytest.FixtureRequest, create: Create) -> Create:
    def run(**kwargs: Any) -> Any:
        return create(wait_for_completion=True, deferrable=request.param, **kwargs)

    return run


def test_operator_returns_the_result_of_the_sensor(create_and_wait: Create, sim: Simulator) -> None:
    sim.state.empty_day("Messages", "2026-01-03")

    end = create_and_wait()

    assert end.state == "success", end.error
    (sid,) = sim.state.jobs
    assert end.value["job_sids"] == [sid]
    assert end.value["empty"] == ["2026-01-03"]
    assert len(end.value["completed"]) == 6


def test_retry_submits_only_failed_days(create_and_wait: Create, sim: Simulator) -> None:
    sim.state.fail_day("Messages", "2026-01-02", times=1)
    sim.state.fail_day("Messages", "2026-01-06", times=1)

    first = create_and_wait()
    second = create_and_wait()

    assert "2 of 7 days failed at Twilio: 2026-01-02, 2026-01-06" in str(first.error)
    assert not isinstance(first.error, AirflowFailException)
    assert second.state == "success", second.error
    assert len(second.value["completed"]) == 7
    ranges = [(str(job.request.start_day), str(job.request.end_day)) for job in sim.state.jobs.values()]
    assert ranges == [("2026-01-01", "2026-01-07"), ("2026-01-02", "2026-01-02"), ("2026-01-06", "2026-01-06")]


def test_retry_after_timeout_waits_for_the_same_job(create_and_wait: Create, sim: Simulator) -> None:
    first = create_and_wait(timeout=30, poll_interval=10)
    second = create_and_wait()

    assert "Timed out waiting for JS" in str(first.error)
    assert not isinstance(first.error, AirflowFailException)
    assert second.state == "success", second.error
    assert len(sim.state.jobs) == 1


def test_wait_on_a_worker_has_a_heartbeat_every_quarter_of_an_hour(
    create: Create, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = keep_lines_of_waits(monkeypatch)
    sim.knobs.queue_seconds = 10**6

    create(wait_for_completion=True, poll_interval=60, max_poll_interval=0, timeout=3600)

    assert [line for line in log.lines if "waiting since" in line] == [
        f"0/7 days final; waiting since 12:00 UTC, next poll {poll}, timeout 13:00"
        for poll in ("12:01", "12:16", "12:31", "12:46")
    ]
