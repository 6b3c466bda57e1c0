"""A wait ends when its time is up, in real time, even while its round hangs."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from support.dripping_server import DRIPS, DrippingServer
from support.waits import ends_of, waits

from airflow_provider_bulkexports.hooks.bulkexports import BulkExportsHook
from airflow_provider_bulkexports.triggers.bulkexports import ExportCustomJobTrigger, ExportDayTrigger

#: Seconds after its time-out within which a wait has to end, on a busy machine.
LATE = 6.0

SIDS = [f"JS{number:032x}" for number in range(5)]


@pytest.fixture(params=DRIPS.values(), ids=DRIPS)
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[DrippingServer]:
    with ExitStack() as stack:
        server = DrippingServer(stack, request.param)
        connect_to(server, monkeypatch)
        yield server


def connect_to(server: DrippingServer, monkeypatch: pytest.MonkeyPatch, name: str = "") -> None:
    """Let a connection, by default the default one, lead to a server."""
    connection = {"conn_type": "twilio_bulkexports", "login": "AC" + "0" * 32, "password": "token"}
    host, extra = server.url, {"read_timeout": 15}
    name = name or BulkExportsHook.default_conn_name
    monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps({**connection, "host": host, "extra": extra}))


async def ends_with_times(triggers: Any) -> list[tuple[dict[str, Any], float]]:
    """Every trigger's event, and how late it came."""

    async def end_of(trigger: Any) -> tuple[dict[str, Any], float]:
        (event,) = [event.payload async for event in trigger.run()]
        return event, time.time() - trigger.end_time

    return await asyncio.gather(*map(end_of, triggers))


@pytest.mark.sample(1)  # each takes three seconds
def test_waits_time_out_while_their_round_hangs(server: DrippingServer) -> None:
    now = time.time()
    triggers = [
        wait for sid, left in zip(SIDS, (0.2, 0.4, 0.6, 0.6, 1), strict=True) for wait in waits_until(sid, now + left)
    ]
    triggers.append(ExportDayTrigger("Messages", "2026-01-01", "2026-01-02", end_time=now + 0.5))

    ends = asyncio.run(ends_with_times(triggers))

    assert {event["status"] for event, _ in ends} == {"timeout"}
    assert all(sid in event["message"] for sid, (event, _) in zip(SIDS, ends, strict=False))
    assert all(0 <= late < LATE for _, late in ends), ends


def waits_until(sid: str, end_time: float) -> list[ExportCustomJobTrigger]:
    return waits([sid], poll_interval=1, end_time=end_time)


@pytest.mark.slow
@pytest.mark.parametrize("server", [DRIPS["a body by bytes"]], indirect=True)
class TestWithAnyDrip:
    """Tests that do not depend on how a response drips."""

    def test_timeout_names_the_last_known_progress(self, server: DrippingServer) -> None:
        details = [{"status": "Running", "count": 2, "days": ["2026-01-01", "2026-01-02"]}]
        job = {"job_sid": SIDS[0], "start_day": "2026-01-01", "end_day": "2026-01-02", "details": details}
        body = json.dumps(job).encode()
        answers = iter([b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)])
        server.answer = lambda _: next(answers, None)

        ((event, late),) = asyncio.run(ends_with_times(waits_until(SIDS[0], time.time() + 3)))

        assert (event["status"], "(0/2 days final)" in event["message"]) == ("timeout", True)
        assert late < LATE

    def test_cancelled_wait_does_not_affect_timeouts_of_others(self, server: DrippingServer) -> None:
        end_time = time.time() + 2

        async def run() -> list[tuple[dict[str, Any], float]]:
            tasks = [asyncio.ensure_future(ends_with_times(waits_until(sid, end_time))) for sid in SIDS[:3]]
            while not server.dripping.is_set():
                await asyncio.sleep(0.01)
            tasks[0].cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            assert isinstance(ended.pop(0), asyncio.CancelledError)
            return [end for ends in ended for end in ends]  # type: ignore[union-attr]

        ends = asyncio.run(run())

        assert {event["status"] for event, _ in ends} == {"timeout"}
        assert all(late < LATE for _, late in ends)

    def test_hanging_connection_does_not_delay_another(
        self, server: DrippingServer, sim: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_OTHER", sim.connection_json())
        done = sim.create_job("Messages", "2026-01-01", "2026-01-01").sid
        sim.finish_jobs()

        async def run() -> tuple[str, float]:
            hanging = asyncio.ensure_future(ends_of(waits(SIDS)))
            while not server.dripping.is_set():
                await asyncio.sleep(0.01)
            began = time.monotonic()
            ((event),) = await ends_of(waits([done], twilio_conn_id="other"))
            took = time.monotonic() - began
            hanging.cancel()
            await asyncio.gather(hanging, return_exceptions=True)
            return event["status"], took

        status, took = asyncio.run(run())

        assert status == "finished"
        assert took < LATE

    def test_hanging_connection_lookup_does_not_delay_a_timeout(
        self, server: DrippingServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def hang(*_: Any, **__: Any) -> Any:
            await asyncio.sleep(3600)

        monkeypatch.setattr(BulkExportsHook, "aget_conn", hang)

        ((event, late),) = asyncio.run(ends_with_times(waits_until(SIDS[0], time.time() + 1)))

        assert (event["status"], late < LATE) == ("timeout", True)

    def test_hanging_deletion_does_not_delay_a_timeout(
        self, server: DrippingServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("airflow_provider_bulkexports.triggers.waits._SECONDS_TO_CANCEL", 1.0)
        trigger = ExportCustomJobTrigger([SIDS[0]], "Messages", end_time=time.time() + 0.2, cancel_on_kill=True)

        ((event, late),) = asyncio.run(ends_with_times([trigger]))

        assert event["status"] == "timeout"
        assert f"Could not delete job {SIDS[0]} within 1 seconds. Clear the task to resume waiting;" in event["message"]
        assert late < LATE
