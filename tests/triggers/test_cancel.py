"""A deferred task's job is cancelled if somebody ended the task and cancel_on_kill is set, and never otherwise."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_bulkexports.simulator import Fault, Simulator
from airflow_provider_bulkexports.triggers.bulkexports import ExportCustomJobTrigger

pytest.importorskip("airflow.sdk", reason="before Airflow 3 a trigger does not learn that its task was ended")


@pytest.fixture
def job_sid(sim: Simulator) -> str:
    return sim.create_job("Messages", "2026-01-01", "2026-01-03").sid


@pytest.fixture
def kill(connection: str, sim: Simulator, job_sid: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Kill the trigger of a task of this ``state``; return whether the job was deleted."""
    from airflow.sdk.execution_time import task_runner

    def run(state: Any, *, map_index: int = -1, cancel_on_kill: bool | list[str] = True) -> bool:
        key = "wait" if map_index < 0 else f"wait_{map_index}"

        def states(**asked: Any) -> dict[str, Any]:
            assert asked == {"dag_id": "d", "task_ids": ["wait"], "run_ids": ["r"], "map_index": map_index}
            if isinstance(state, Exception):
                raise state
            return {"r": {key: state}} if state else {}

        monkeypatch.setattr(task_runner.RuntimeTaskInstance, "get_task_states", staticmethod(states))
        trigger = ExportCustomJobTrigger([job_sid], cancel_on_kill=cancel_on_kill)
        trigger.task_instance = SimpleNamespace(dag_id="d", task_id="wait", run_id="r", map_index=map_index)
        asyncio.run(trigger.on_kill())
        return sim.state.jobs[job_sid].is_deleted

    return run


@pytest.mark.parametrize("map_index", [-1, 0, 7])
@pytest.mark.parametrize("state", ["failed", "success", "skipped"])
def test_task_marked_as_ended_cancels_its_job(kill: Any, state: str, map_index: int) -> None:
    assert kill(state, map_index=map_index)


@pytest.mark.parametrize("map_index", [-1, 0, 7])
@pytest.mark.parametrize(
    "state",
    ["deferred", "running", "queued", "scheduled", "up_for_retry", None, RuntimeError("the API server is away")],
    ids=str,
)
def test_moved_trigger_or_cleared_task_leaves_the_job(kill: Any, state: Any, map_index: int) -> None:
    assert not kill(state, map_index=map_index)


def test_nothing_is_cancelled_without_cancel_on_kill(kill: Any, sim: Simulator) -> None:
    assert not kill("failed", cancel_on_kill=False)
    assert len(sim.requests) == 0


def test_only_jobs_created_by_the_task_are_cancelled(kill: Any, job_sid: str) -> None:
    assert not kill("failed", cancel_on_kill=["JS" + "0" * 32])
    assert kill("failed", cancel_on_kill=[job_sid])


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 401}, {"status": 404}, {"drop": True}], ids=str)
def test_failed_cancellation_does_not_raise(kill: Any, sim: Simulator, fault: dict[str, Any]) -> None:
    sim.faults.add(Fault(**fault, times=None))

    assert not kill("failed")


def test_kill_completes_when_airflow_repeats_it(
    connection: str, sim: Simulator, job_sid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.sdk.execution_time import task_runner

    asked, answer = threading.Event(), threading.Event()

    def states(**_: Any) -> dict[str, Any]:
        asked.set()
        answer.wait()
        return {"r": {"wait": "failed"}}

    async def deleted() -> None:
        while not sim.state.jobs[job_sid].is_deleted:
            await asyncio.sleep(0.01)

    async def kill_twice() -> None:
        trigger = ExportCustomJobTrigger([job_sid], cancel_on_kill=True)
        trigger.task_instance = SimpleNamespace(dag_id="d", task_id="wait", run_id="r", map_index=-1)
        kill = asyncio.ensure_future(trigger.on_kill())
        await asyncio.to_thread(asked.wait)
        kill.cancel("__airflow_user_action__")
        await asyncio.wait([kill])
        answer.set()
        await asyncio.wait_for(deleted(), timeout=20)

    monkeypatch.setattr(task_runner.RuntimeTaskInstance, "get_task_states", staticmethod(states))
    asyncio.run(kill_twice())

    assert len(sim.requests.matching(method="DELETE")) == 1


def test_triggerer_restart_cancels_nothing(connection: str, sim: Simulator, job_sid: str) -> None:
    async def stopped() -> None:
        trigger = ExportCustomJobTrigger([job_sid], cancel_on_kill=True)
        run = asyncio.ensure_future(anext(trigger.run()))
        while not len(sim.requests):
            await asyncio.sleep(0.01)
        run.cancel()
        await asyncio.wait([run])
        await trigger.cleanup()

    asyncio.run(stopped())

    assert not sim.state.jobs[job_sid].is_deleted
    assert len(sim.requests.matching(method="DELETE")) == 0


def test_trigger_from_an_old_row_cancels_nothing(job_sid: str) -> None:
    arguments = ExportCustomJobTrigger([job_sid]).serialize()[1]
    del arguments["cancel_on_kill"]

    assert not ExportCustomJobTrigger(**arguments).cancel_on_kill
