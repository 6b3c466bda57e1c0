"""A trigger never blocks the triggerer's event loop, and leaves nothing in it."""

from __future__ import annotations

import asyncio
import contextvars
import time
from typing import Any

import pytest

from airflow_provider_bulkexports.polling.wait_poller import WaitPoller
from airflow_provider_bulkexports.simulator import Fault, Simulator
from airflow_provider_bulkexports.triggers.bulkexports import ExportCustomJobTrigger

DELAY = 1.0


@pytest.fixture
def job_sid(sim: Simulator) -> str:
    sid = sim.create_job("Messages", "2026-01-01", "2026-01-03").sid
    sim.finish_jobs()
    return sid


async def longest_gap(stop: asyncio.Event) -> float:
    """
    Longest time for which nothing else could run on the loop, in seconds that this process computed meanwhile.

    A machine that lets the process wait does not count; a thread that keeps the interpreter from the loop does.
    """
    longest = 0.0
    while not stop.is_set():
        before = time.process_time()
        await asyncio.sleep(0.005)
        longest = max(longest, time.process_time() - before)
    return longest


async def run_all(*triggers: ExportCustomJobTrigger) -> tuple[list[Any], float]:
    stop = asyncio.Event()
    heartbeat = asyncio.create_task(longest_gap(stop))
    events = await asyncio.gather(*(anext(trigger.run()) for trigger in triggers))
    stop.set()
    return [event.payload for event in events], await heartbeat


def test_slow_responses_do_not_block_the_loop(sim: Simulator, connection: str, job_sid: str) -> None:
    sim.faults.add(Fault(delay=DELAY, path=r"/v1/Exports/Jobs/.*", times=None))
    began = time.perf_counter()

    events, gap = asyncio.run(run_all(*(ExportCustomJobTrigger(job_sids=[job_sid]) for _ in range(4))))

    took = time.perf_counter() - began
    assert [event["status"] for event in events] == ["finished"] * 4
    assert gap < DELAY / 4
    assert DELAY <= took < 2.5 * DELAY, "the answers are waited for together"


def test_trigger_cancelled_during_a_request_ends_at_once(sim: Simulator, connection: str, job_sid: str) -> None:
    sim.faults.add(Fault(delay=DELAY, times=None))

    async def cancel() -> float:
        task = asyncio.ensure_future(anext(ExportCustomJobTrigger(job_sids=[job_sid]).run()))
        while not len(sim.requests):
            await asyncio.sleep(0.005)
        began = time.perf_counter()
        task.cancel("the task was cleared")
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.perf_counter() - began

    assert asyncio.run(cancel()) < DELAY / 2


@pytest.mark.filterwarnings("error::ResourceWarning", "error::RuntimeWarning")
def test_trigger_cancelled_between_polls_closes_its_client(
    sim: Simulator, connection: str, job_sid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = []
    monkeypatch.setattr(
        "airflow_provider_bulkexports.api.client.BulkExportsClient.close", lambda client: closed.append(client)
    )
    sim.state.set_details(job_sid, None)

    async def cancel() -> None:
        task = asyncio.ensure_future(anext(ExportCustomJobTrigger(job_sids=[job_sid], poll_interval=600).run()))
        while not sim.requests.matching(path=r"/v1/Exports/Jobs/.*") or sim.requests[-1].status is None:
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()

    asyncio.run(cancel())

    assert len(closed) == 1


def test_closing_the_generator_early_is_harmless(connection: str, job_sid: str) -> None:
    async def close() -> None:
        events = ExportCustomJobTrigger(job_sids=[job_sid]).run()
        await events.aclose()

    asyncio.run(close())


def test_log_lines_reach_their_task(connection: str, job_sid: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Airflow routes a trigger's lines by context variables that it sets before it runs the trigger.
    trigger_id: contextvars.ContextVar[int] = contextvars.ContextVar("trigger_id", default=0)
    seen = []
    poll = WaitPoller.poll
    monkeypatch.setattr(WaitPoller, "poll", lambda *args: seen.append(trigger_id.get()) or poll(*args))

    async def run() -> None:
        trigger_id.set(7)
        await anext(ExportCustomJobTrigger(job_sids=[job_sid]).run())

    asyncio.run(run())

    assert seen == [7]
