"""Tasks that submit the same days at once end with one job, which all of them use."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier
from typing import Any

import pytest
from scripted import QUICK
from submissions import Log, request

from airflow_provider_bulkexports import rivalry
from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.cancelling import JobGuard
from airflow_provider_bulkexports.simulator import Simulator
from airflow_provider_bulkexports.submitting import ExportRequest, submit

#: Seconds up to which a task dawdles before and after each request.
DAWDLES = 0.05


class Dawdler:
    """A client whose requests come and go at odd moments."""

    def __init__(self, client: BulkExportsClient, chance: random.Random, dawdles: float) -> None:
        self._client = client
        self._chance = chance
        self._dawdles = dawdles

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            time.sleep(self._chance.uniform(0, self._dawdles))
            answer = method(*args, **kwargs)
            answer = list(answer) if isinstance(answer, Iterator) else answer
            time.sleep(self._chance.uniform(0, self._dawdles))
            return answer

        return call


@pytest.fixture
def race(sim: Simulator) -> Iterator[Callable[..., list[list[str]]]]:
    """Let tasks submit the same request at once; what each of them uses."""
    with ExitStack() as stack:

        def client() -> BulkExportsClient:
            made = BulkExportsClient(
                sim.account_sid,
                sim.auth_token,
                base_url=sim.base_url,
                retry=QUICK,
                today=lambda: sim.clock.now().date(),
            )
            stack.callback(made.close)
            return made

        clients = [client() for _ in range(8)]

        def run(tasks: int, wanted: ExportRequest, *, seed: int = 0, dawdles: float = DAWDLES) -> list[list[str]]:
            start = Barrier(tasks)

            def task(number: int) -> list[str]:
                chance = random.Random(f"{seed}/{number}")
                dawdler: Any = Dawdler(clients[number], chance, dawdles)
                guard = JobGuard(dawdler, Log())
                start.wait()
                time.sleep(chance.uniform(0, 3 * dawdles))
                return submit(dawdler, wanted, today=sim.clock.now().date(), log=Log(), guard=guard)

            with ThreadPoolExecutor(tasks) as pool:
                return list(pool.map(task, range(tasks)))

        yield run


def mapped(number: int, **changes: Any) -> ExportRequest:
    return request(f"{number:010x}", adopts_own=False, **changes)


def unfinished(sim: Simulator) -> list[str]:
    return [job.sid for job in sim.state.jobs.values() if not job.is_deleted]


@pytest.mark.parametrize("newest_first", [False, True], ids=["oldest first", "newest first"])
@pytest.mark.parametrize("tasks", [2, 4, 8])
def test_tasks_that_submit_at_once_use_one_job_twenty_times(
    sim: Simulator, race: Any, tasks: int, newest_first: bool
) -> None:
    sim.knobs.quota_days = 10**6
    sim.knobs.newest_job_first = newest_first
    for number in range(20):
        before = set(sim.state.jobs)

        used = race(tasks, mapped(number), seed=number)

        ((sid,),) = set(map(tuple, used))
        assert set(unfinished(sim)) - before == {sid}


@pytest.mark.parametrize("newest_first", [False, True], ids=["oldest first", "newest first"])
@pytest.mark.parametrize("position", ["null", "absent"])
@pytest.mark.parametrize("tasks", [2, 4, 8])
def test_a_list_that_does_not_tell_the_order_ends_in_one_job_too(
    race: Any, sim: Simulator, monkeypatch: pytest.MonkeyPatch, tasks: int, newest_first: bool, position: Any
) -> None:
    """Nothing was listed before, and Twilio gives no places in its queue."""
    monkeypatch.setattr(rivalry, "_AGREEMENT_PAUSE", 0.2)
    monkeypatch.setattr("airflow_provider_bulkexports.submitting._RACE_PAUSE", 0.4)
    sim.knobs.quota_days = 10**6
    sim.knobs.newest_job_first = newest_first
    sim.knobs.position_and_eta = position
    for number in range(5):
        for job in sim.state.jobs.values():
            job.is_deleted = job.is_removed = True

        used = race(tasks, mapped(number), seed=number)

        ((sid,),) = set(map(tuple, used))
        assert unfinished(sim) == [sid]
