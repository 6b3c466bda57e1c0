"""A deferred wait: only for unfinished jobs, with plain arguments, resumed by the event."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_bulkexports.compat import TaskDeferred
from airflow_provider_bulkexports.sensors.bulkexports import ExportCustomJobSensor, ExportDaySensor
from airflow_provider_bulkexports.simulator import Fault, Simulator
from airflow_provider_bulkexports.tasks.failures import BulkExportsTaskError
from airflow_provider_bulkexports.triggers.bulkexports import ExportCustomJobTrigger

Wait = Callable[..., Any]


@pytest.fixture
def job_sid(sim: Simulator) -> str:
    return sim.create_job("Messages", "2026-01-01", "2026-01-03").sid


@pytest.fixture
def defer(connection: str, context: dict[str, Any]) -> Callable[..., TaskDeferred]:
    def execute(job_sid: Any, **kwargs: Any) -> TaskDeferred:
        with pytest.raises(TaskDeferred) as deferred:
            ExportCustomJobSensor(task_id="wait", job_sid=job_sid, deferrable=True, **kwargs).execute(context)
        return deferred.value

    return execute


def test_finished_job_is_not_deferred(wait_in: Wait, sim: Simulator, job_sid: str) -> None:
    sim.finish_jobs()

    end = wait_in("deferrable", job_sid)

    assert (end.state, end.deferrals) == ("success", [])


def test_job_is_polled_once_before_the_task_defers(defer: Wait, sim: Simulator, timeline: Any, job_sid: str) -> None:
    defer(job_sid)

    assert [entry.path for entry in sim.requests] == [f"/v1/Exports/Jobs/{job_sid}"]


def test_task_defers_when_the_first_poll_fails(defer: Wait, sim: Simulator, timeline: Any, job_sid: str) -> None:
    sim.faults.add(Fault(status=503, times=None))

    assert defer(job_sid).trigger.job_sids == [job_sid]
    assert timeline.slept == []


def test_trigger_arguments_are_plain_values(defer: Wait, connection: str, job_sid: str) -> None:
    deferred = defer(
        job_sid, resource_type="Messages", start_day="2026-01-02", end_day="2026-01-03", poke_interval=30, timeout=60
    )

    assert isinstance(deferred.trigger, ExportCustomJobTrigger)
    classpath, arguments = deferred.trigger.serialize()
    assert classpath == "airflow_provider_bulkexports.triggers.bulkexports.ExportCustomJobTrigger"
    assert json.loads(json.dumps(arguments)) == arguments
    assert arguments.pop("end_time") == pytest.approx(arguments.pop("start_time") + 60)
    assert arguments == {
        "job_sids": [job_sid],
        "resource_type": "Messages",
        "start_day": "2026-01-02",
        "end_day": "2026-01-03",
        "twilio_conn_id": connection,
        "poll_interval": 30,
        "max_poll_interval": 300.0,
        "cancel_on_kill": False,
    }


def test_trigger_arguments_are_minimal(defer: Wait, sim: Simulator, job_sid: str) -> None:
    arguments = json.dumps(defer(job_sid).trigger.serialize())

    assert sim.auth_token not in arguments
    assert sim.base_url not in arguments


def test_event_may_arrive_twice(context: dict[str, Any], wait_in: Wait, sim: Simulator, job_sid: str) -> None:
    result = wait_in("deferrable", job_sid).value
    event = {"status": "finished", "message": "", "result": result}
    sim.stop()  # nothing is asked again

    for _ in range(2):
        sensor = ExportCustomJobSensor(task_id="wait", job_sid=job_sid)
        assert sensor.execute_complete(context, event) == sensor.execute_complete(context, event) == result


@pytest.mark.parametrize("event", [None, {}, {"status": "cancelled", "message": "x", "result": None}])
def test_empty_event_fails_the_task(context: dict[str, Any], job_sid: str, event: Any) -> None:
    with pytest.raises(BulkExportsTaskError, match="Unexpected trigger event"):
        ExportCustomJobSensor(task_id="wait", job_sid=job_sid).execute_complete(context, event)


def test_templates_are_ignored_on_resume(context: dict[str, Any], wait_in: Wait, job_sid: str) -> None:
    event = {"status": "finished", "message": "", "result": wait_in("deferrable", job_sid).value}

    resumed = ExportCustomJobSensor(task_id="wait", job_sid="{{ other }}")

    assert resumed.execute_complete(context, event)["job_sids"] == [job_sid]


@pytest.mark.parametrize(
    ("days", "goal"),
    [
        ({}, "2026-01-01 to 2026-01-03"),
        ({"start_day": "2026-01-02", "end_day": "2026-01-02"}, "2026-01-02"),
    ],
    ids=["all days", "one day"],
)
def test_task_that_defers_says_what_it_waits_for_and_what_it_needs(
    defer: Wait, timeline: Any, job_sid: str, capsys: Any, caplog: Any, days: dict[str, str], goal: str
) -> None:
    caplog.set_level("INFO")
    defer(job_sid, timeout=2 * 24 * 3600, **days)

    logged = capsys.readouterr().out or caplog.text
    for line in (
        f"Waiting for {goal} of {job_sid}",
        "days final; waiting since 12:00 UTC, next poll now, timeout 2026-11-26 12:00",
        "Deferring: a triggerer must be running. It logs here every 15 minutes",
    ):
        assert logged.count(line) == 1, logged
        assert len(line) <= 85


def test_deferred_wait_for_files_names_them(connection: str, sim: Simulator, capsys: Any, caplog: Any) -> None:
    caplog.set_level("INFO")
    sensor = ExportDaySensor(
        task_id="wait", resource_type="Messages", start_day="2026-01-01", end_day="2026-01-03", deferrable=True
    )

    with pytest.raises(TaskDeferred):
        sensor.execute({})

    logged = capsys.readouterr().out + caplog.text
    assert "Waiting for the files of Messages 2026-01-01 to 2026-01-03" in logged
    assert "0/3 days final; waiting since " in logged


def test_task_whose_first_poll_fails_says_what_it_does_not_know(
    defer: Wait, sim: Simulator, timeline: Any, job_sid: str, capsys: Any, caplog: Any
) -> None:
    caplog.set_level("INFO")
    sim.faults.add(Fault(status=503, times=None))

    defer(job_sid)

    logged = capsys.readouterr().out + caplog.text
    assert f"Waiting for the days of {job_sid}" in logged
    assert "no status received yet; waiting since " in logged
    assert "No usable response from Twilio since 12:00 UTC (1 of 10 consecutive failures)" in logged
