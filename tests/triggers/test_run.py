"""A trigger fires exactly once, with how the wait ended."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_bulkexports.hooks.bulkexports import BulkExportsHook
from airflow_provider_bulkexports.simulator import Fault, Simulator
from airflow_provider_bulkexports.triggers.bulkexports import ExportCustomJobTrigger

DAYS = ["2026-01-01", "2026-01-02", "2026-01-03"]


@pytest.fixture
def job_sid(sim: Simulator) -> str:
    return sim.create_job("Messages", DAYS[0], DAYS[-1]).sid


@pytest.fixture
def fire(connection: str, timeline: Any) -> Callable[..., dict[str, Any]]:
    """Run a trigger to its end; it must fire once and then stop."""

    async def events(trigger: ExportCustomJobTrigger) -> list[Any]:
        return [event.payload async for event in trigger.run()]

    def run(*job_sids: str, **kwargs: Any) -> dict[str, Any]:
        (event,) = asyncio.run(events(ExportCustomJobTrigger(job_sids=job_sids, **kwargs)))
        assert json.loads(json.dumps(event)) == event
        assert set(event) - {"failure"} == {"status", "message", "result"}
        if event["status"] != "finished":
            assert set(event["failure"]) == {"what", "remedy", "details"}
            assert event["failure"]["what"].rstrip(".") in event["message"]
            assert event["failure"]["remedy"] in event["message"]
        return event

    return run


def test_final_days_are_a_finished_event(fire: Callable[..., Any], sim: Simulator, job_sid: str) -> None:
    sim.state.fail_day("Messages", DAYS[1])

    event = fire(job_sid)

    assert event["status"] == "finished"
    assert (event["result"]["completed"], event["result"]["failed"]) == ([DAYS[0], DAYS[2]], [DAYS[1]])


def test_trigger_sleeps_for_its_interval_between_polls(
    fire: Callable[..., Any], sim: Simulator, timeline: Any, job_sid: str
) -> None:
    fire(job_sid, poll_interval=20, max_poll_interval=20)

    assert timeline.slept == pytest.approx([20] * len(timeline.slept))
    assert len(sim.requests.matching(path=r"/v1/Exports/Jobs/.*")) == len(timeline.slept) + 1


def test_deleted_job_is_a_deleted_event(fire: Callable[..., Any], sim: Simulator, job_sid: str) -> None:
    sim.state.delete_job(sim.account, job_sid)

    event = fire(job_sid)

    assert (event["status"], event["result"]) == ("deleted", None)
    assert job_sid in event["message"]


def test_passed_end_time_is_a_timeout_event_after_one_poll(
    fire: Callable[..., Any], sim: Simulator, timeline: Any, job_sid: str
) -> None:
    event = fire(job_sid, end_time=timeline.now.timestamp() - 1)

    assert event["status"] == "timeout"
    assert len(sim.requests) == 1
    assert timeline.slept == []


def test_job_finished_while_no_triggerer_ran_is_not_a_timeout(
    fire: Callable[..., Any], sim: Simulator, timeline: Any, job_sid: str
) -> None:
    sim.finish_jobs()

    assert fire(job_sid, end_time=timeline.now.timestamp() - 1)["status"] == "finished"


def test_last_sleep_ends_at_the_end_time(fire: Callable[..., Any], sim: Simulator, timeline: Any, job_sid: str) -> None:
    sim.state.set_details(job_sid, None)

    fire(job_sid, poll_interval=60, max_poll_interval=0, end_time=timeline.now.timestamp() + 150)

    assert timeline.slept == pytest.approx([60, 60, 30])


def test_unreachable_twilio_is_an_error_event(fire: Callable[..., Any], sim: Simulator, job_sid: str) -> None:
    sim.faults.add(Fault(drop=True, times=None))

    event = fire(job_sid)

    assert event["status"] == "error"
    assert "Polling Twilio failed 10 times in a row" in event["message"]


@pytest.mark.parametrize(
    ("job_sids", "kwargs", "words"),
    [
        ((), {}, "pass a job sid"),
        (("JS1",), {}, "is not a job sid"),
        (("JS" + "0" * 32,), {"resource_type": "Mails"}, "use one of"),
        (("JS" + "0" * 32,), {"start_day": "soon"}, "is not a day"),
        (("JS" + "0" * 32,), {"start_day": DAYS[1], "end_day": DAYS[0]}, "swap them"),
        (("JS" + "0" * 32,), {}, "does not know job"),
    ],
    ids=str,
)
def test_wrong_arguments_are_a_fatal_event(
    fire: Callable[..., Any], job_sids: tuple[str, ...], kwargs: dict[str, Any], words: str
) -> None:
    event = fire(*job_sids, **kwargs)

    assert event["status"] == "fatal"
    assert words in event["message"]


def test_wrong_connection_is_a_fatal_event(
    fire: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, connection: str, job_sid: str
) -> None:
    monkeypatch.setenv(f"AIRFLOW_CONN_{connection.upper()}", '{"conn_type": "twilio_bulkexports", "login": "me"}')

    event = fire(job_sid)

    assert event["status"] == "fatal"
    assert f"Connection {connection!r}" in event["message"]


def test_connection_is_looked_up_where_the_trigger_runs(
    fire: Callable[..., Any], sim: Simulator, monkeypatch: pytest.MonkeyPatch, job_sid: str
) -> None:
    trigger = ExportCustomJobTrigger(job_sids=[job_sid], twilio_conn_id="late")
    assert trigger.serialize()[1]["twilio_conn_id"] == "late"

    monkeypatch.setenv("AIRFLOW_CONN_LATE", sim.connection_json(api_key=True))

    assert fire(job_sid, twilio_conn_id="late")["status"] == "finished"


def test_client_is_closed_at_the_end(fire: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, job_sid: str) -> None:
    closed = []
    build = BulkExportsHook.aget_conn

    async def watched(hook: BulkExportsHook, **kwargs: Any) -> Any:
        client = await build(hook, **kwargs)
        monkeypatch.setattr(client, "close", lambda: closed.append(client))
        return client

    monkeypatch.setattr(BulkExportsHook, "aget_conn", watched)

    fire(job_sid)

    assert len(closed) == 1
