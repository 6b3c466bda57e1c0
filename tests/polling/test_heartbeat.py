"""Every quarter of an hour a wait says what it is doing, also when nothing happens, and at little cost."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.logs import KeptLog, keep_lines_of_waits
from support.waits import LIST, ends_of, waits

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.hooks.bulkexports import BulkExportsHook
from airflow_provider_bulkexports.polling import shared_poller
from airflow_provider_bulkexports.polling.heartbeat import HEARTBEAT_INTERVAL, Heartbeat, shown_duration, shown_time
from airflow_provider_bulkexports.polling.wait_poller import WaitPoller
from airflow_provider_bulkexports.simulator import Fault, Simulator
from airflow_provider_bulkexports.triggers.bulkexports import ExportDayEventTrigger

Jobs = Callable[..., Any]

#: The test's clock starts at 12:00 UTC on 24 November.
NOON, HOUR, DAY = 1795521600.0, 3600.0, 86400.0


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> KeptLog:
    return keep_lines_of_waits(monkeypatch)


def heartbeats(log: KeptLog) -> list[str]:
    return [line for line in log.lines if "; waiting since " in line]


@pytest.mark.parametrize("interval", [60, 300, 1800, 7200])
def test_wait_without_news_has_a_heartbeat_every_quarter_of_an_hour(
    connection: str, timeline: Any, pending: Jobs, complete: Jobs, log: KeptLog, interval: float
) -> None:
    (sid,) = pending(1)
    timeline.after(HOUR, lambda: complete(sid))

    asyncio.run(ends_of(waits([sid], poll_interval=interval, end_time=NOON + DAY)))

    lines = heartbeats(log)[:4]
    assert [line.partition(", next poll ")[0] for line in lines] == ["0/1 days final; waiting since 12:00 UTC"] * 4
    assert [line.partition(", timeout ")[2] for line in lines] == ["2026-11-25 12:00"] * 4
    assert not log.warnings


def test_heartbeat_fits_on_the_screen_and_names_the_next_poll(
    connection: str, timeline: Any, pending: Jobs, complete: Jobs, log: KeptLog
) -> None:
    (sid,) = pending(1)
    timeline.after(20 * 60, lambda: complete(sid))

    asyncio.run(ends_of(waits([sid], poll_interval=480, end_time=NOON + DAY)))

    assert heartbeats(log) == ["0/1 days final; waiting since 12:00 UTC, next poll 12:16, timeout 2026-11-25 12:00"]
    assert len(heartbeats(log)[0]) <= 85


def test_heartbeat_after_a_restart_says_when_the_wait_began(
    connection: str, timeline: Any, pending: Jobs, complete: Jobs, log: KeptLog
) -> None:
    (sid,) = pending(1)
    timeline.after(1000, lambda: complete(sid))

    asyncio.run(ends_of(waits([sid], start_time=NOON - DAY, end_time=NOON + HOUR)))

    (line,) = heartbeats(log)
    assert "waiting since 2026-11-23 12:00 UTC" in line
    assert line.endswith(", timeout 13:00")


@pytest.mark.parametrize("number", [1, 1000])
def test_heartbeats_cost_no_request_and_one_step_for_all_waits(
    sim: Simulator,
    connection: str,
    timeline: Any,
    pending: Jobs,
    complete: Jobs,
    log: KeptLog,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
) -> None:
    steps = []
    log_them = shared_poller.log_heartbeats
    monkeypatch.setattr(shared_poller, "log_heartbeats", lambda lines: steps.append(len(lines)) or log_them(lines))
    sids = pending(number)
    timeline.after(2800, lambda: complete(*sids))

    asyncio.run(ends_of(waits(sids, poll_interval=300)))

    assert steps == [number] * 3
    assert len(heartbeats(log)) == 3 * number
    assert len(sim.requests.matching(path=LIST) or sim.requests.matching(path="/v1/Exports/Jobs/.*")) == 11


def test_heartbeats_of_a_failing_wait_say_since_when(
    sim: Simulator, connection: str, timeline: Any, pending: Jobs, complete: Jobs, log: KeptLog
) -> None:
    (sid,) = pending(1)
    timeline.after(600, lambda: sim.faults.add(Fault(status=503, times=None)))
    timeline.after(2000, sim.faults.clear)
    timeline.after(3000, lambda: complete(sid))

    asyncio.run(ends_of(waits([sid], poll_interval=300)))

    said = [line for line in log.warnings if not line.startswith("Poll failed")]
    assert said == [
        "No usable response from Twilio since 12:10 UTC (1 of 10 consecutive failures)",
        "No usable response from Twilio since 12:10 UTC (4 of 10 consecutive failures)",
    ]
    assert len(heartbeats(log)) == 3


class Hanging:
    """Makes a method hang in its thread until the test has seen enough."""

    def __init__(self) -> None:
        self.is_hanging = threading.Event()
        self.release = threading.Event()

    def __call__(self, *_: Any, **__: Any) -> Any:
        self.is_hanging.set()
        self.release.wait(60)
        raise ConnectionError("it hung")


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    hanging = Hanging()
    yield hanging
    hanging.release.set()


async def heartbeats_while(hanging: Hanging, log: KeptLog, timeline: Any, *, is_hanging: Callable[[], bool]) -> None:
    """Two quarters of an hour in which the first poll hangs."""
    (wait,) = waits(["JS" + "0" * 32], end_time=NOON + DAY)
    task = asyncio.ensure_future(ends_of([wait]))
    while not is_hanging():
        await asyncio.sleep(0)
    for number in (1, 2):
        timeline.advance(HEARTBEAT_INTERVAL)
        while len(heartbeats(log)) < number:
            await asyncio.sleep(0)
    hanging.release.set()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.timeout(60)
def test_heartbeats_come_while_twilio_does_not_answer(
    connection: str, timeline: Any, log: KeptLog, hanging: Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BulkExportsClient, "get_job", hanging)

    asyncio.run(heartbeats_while(hanging, log, timeline, is_hanging=hanging.is_hanging.is_set))

    line = "no status received yet; waiting since 12:00 UTC, next poll now, timeout 2026-11-25 12:00"
    assert log.lines[:4] == [line, "Twilio has not responded since 12:00 UTC; the poll continues"] * 2


@pytest.mark.timeout(60)
def test_heartbeats_come_while_the_connection_is_looked_up(
    connection: str, timeline: Any, log: KeptLog, hanging: Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The round has not come to the wait then: the heartbeat is the first to need it."""
    began = threading.Event()

    async def look_up(*_: Any, **__: Any) -> Any:
        began.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(BulkExportsHook, "aget_conn", look_up)

    asyncio.run(heartbeats_while(hanging, log, timeline, is_hanging=began.is_set))

    assert [line.partition(";")[0] for line in heartbeats(log)] == ["no status received yet"] * 2


def test_heartbeats_reach_their_task(
    connection: str, timeline: Any, pending: Jobs, complete: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    trigger_id: contextvars.ContextVar[int] = contextvars.ContextVar("trigger_id", default=0)
    seen = []
    monkeypatch.setattr(WaitPoller, "log_status", lambda *_, **__: seen.append(trigger_id.get()))
    sids = pending(3)
    timeline.after(1000, lambda: complete(*sids))

    async def run() -> None:
        async def one(number: int, wait: Any) -> None:
            trigger_id.set(number)
            await ends_of([wait])

        await asyncio.gather(*(one(number, wait) for number, wait in enumerate(waits(sids), 1)))

    asyncio.run(run())

    assert sorted(seen) == [1, 2, 3]


def test_wait_survives_a_log_that_fails(
    connection: str, timeline: Any, pending: Jobs, complete: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise BrokenPipeError("the log is gone")

    monkeypatch.setattr(WaitPoller, "log_status", fail)
    (sid,) = pending(1)
    timeline.after(2000, lambda: complete(sid))

    ((end),) = asyncio.run(ends_of(waits([sid])))

    assert end["status"] == "finished"


def test_watcher_has_no_heartbeat(sim: Simulator, connection: str, timeline: Any, capsys: Any, caplog: Any) -> None:
    def make_file() -> None:
        sim.knobs.queue_seconds = sim.knobs.seconds_per_day_run = 0
        sim.create_job("Messages", "2026-01-01", "2026-01-01")
        sim.finish_jobs()

    timeline.after(HOUR, make_file)

    async def run() -> Any:
        return (await anext(ExportDayEventTrigger("Messages").run())).payload

    assert asyncio.run(run())["days"] == ["2026-01-01"]
    assert "waiting since" not in capsys.readouterr().out + caplog.text


def test_first_heartbeat_on_a_worker_is_due_at_once(timeline: Any) -> None:
    heartbeat = Heartbeat()
    due = []
    for _ in range(31):
        due.append(heartbeat.is_due())
        timeline.advance(60)

    assert [minute for minute, is_due in enumerate(due) if is_due] == [0, 15, 30]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (NOON, "12:00"),
        (NOON + 12 * HOUR - 1, "23:59"),
        (NOON + 12 * HOUR, "2026-11-25 00:00"),
        (NOON - 13 * HOUR, "2026-11-23 23:00"),
        (1e30, "never"),
        (float("inf"), "never"),
    ],
)
def test_times_have_a_date_unless_it_is_today(seconds: float, shown: str) -> None:
    assert shown_time(seconds, now=NOON) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-5, "1 min"), (31, "1 min"), (300, "5 min"), (3600, "1 h"), (3900, "1 h 5 min"), (2 * DAY, "48 h")],
)
def test_durations_are_shown_to_the_minute(seconds: float, shown: str) -> None:
    assert shown_duration(seconds) == shown
