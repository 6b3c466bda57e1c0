"""A wait that takes too long fails without retry, on time, in every mode."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_bulkexports.compat import AirflowSensorTimeout, TaskDeferred
from airflow_provider_bulkexports.sensors.bulkexports import ExportCustomJobSensor
from airflow_provider_bulkexports.simulator import Simulator

Wait = Callable[..., Any]


@pytest.fixture
def job_sid(sim: Simulator) -> str:
    sim.knobs.queue_seconds = 10**6
    return sim.create_job("Messages", "2026-01-01", "2026-01-03").sid


def test_timeout_fails_the_task_without_retry(wait_for: Wait, timeline: Any, job_sid: str) -> None:
    end = wait_for(job_sid, timeout=600)

    assert end.state == "failed"
    assert isinstance(end.error, AirflowSensorTimeout)
    assert 599.9 < timeline.passed <= 660


def test_job_finished_at_the_last_moment_succeeds(wait_for: Wait, sim: Simulator, timeline: Any, job_sid: str) -> None:
    done = [{"status": "Completed", "count": 3, "days": None}]
    timeline.after(599, lambda: sim.state.set_details(job_sid, done))

    assert wait_for(job_sid, timeout=600).state == "success"


def test_timeout_reports_progress_and_what_to_do(wait_for: Wait, job_sid: str) -> None:
    end = wait_for(job_sid, timeout=600)

    assert str(end.error).startswith(
        f"Timed out waiting for {job_sid} (0/3 days final; queue position 1; Twilio expects"
    )
    assert "The job may still be running at Twilio. Clear this task to resume waiting" in str(end.error)


def test_skip_after_the_timeout_says_the_same(wait_for: Wait, job_sid: str) -> None:
    end = wait_for(job_sid, timeout=600, soft_fail=True)

    assert end.state == "skipped"
    assert str(end.error).startswith(f"Skipped because soft_fail is set: Timed out waiting for {job_sid} (0/3 days")


def deferral_of(job_sid: str, context: dict[str, Any], **kwargs: Any) -> TaskDeferred:
    sensor = ExportCustomJobSensor(task_id="wait", job_sid=job_sid, deferrable=True, **kwargs)
    with pytest.raises(TaskDeferred) as deferred:
        sensor.execute(context)
    return deferred.value


@pytest.mark.parametrize(
    ("limits", "seconds"),
    [
        ({"timeout": 3600}, 3600),
        ({"timeout": timedelta(hours=1)}, 3600),
        ({"timeout": 3600, "execution_timeout": timedelta(hours=2)}, 3600),
        ({"timeout": 3600, "execution_timeout": timedelta(minutes=10)}, 600),
        ({"execution_timeout": timedelta(days=2)}, 24 * 3600),
    ],
    ids=str,
)
def test_end_of_trigger_includes_the_execution_timeout(
    connection: str, timeline: Any, context: dict[str, Any], job_sid: str, limits: dict[str, Any], seconds: int
) -> None:
    deferred = deferral_of(job_sid, context, **limits)

    assert deferred.trigger.end_time == pytest.approx(timeline.now.timestamp() + seconds)
    assert deferred.timeout > timedelta(seconds=seconds), "Airflow's own timeout is only a safety net, later than ours"
    assert deferred.timeout < timedelta(seconds=seconds + 1200)


def test_triggerer_restart_does_not_extend_the_wait(
    connection: str, timeline: Any, context: dict[str, Any], job_sid: str
) -> None:
    trigger = deferral_of(job_sid, context, timeout=600).trigger
    timeline.advance(500)

    revived = type(trigger)(**trigger.serialize()[1])
    event = asyncio.run(anext(revived.run())).payload

    assert event["status"] == "timeout"
    assert timeline.passed == pytest.approx(600)
