"""Tasks that submit the same days at the same time end up with one job, which all of them use."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from threading import Barrier
from types import SimpleNamespace
from typing import Any

import pytest
from support.constants import QUICK
from support.submissions import DAYS, LIST, Log, request

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.model.days import DayRange
from airflow_provider_bulkexports.model.resources import Job
from airflow_provider_bulkexports.simulator import Fault, Simulator
from airflow_provider_bulkexports.submission import duplicates
from airflow_provider_bulkexports.submission.cancellation import JobGuard
from airflow_provider_bulkexports.submission.submit import ExportRequest, submit

TODAY = date(2026, 11, 24)

#: FriendlyName of a job of the seventh request.
NAME = f"nightly [af-20261124-{7:010x}]"

#: Longest delay before and after each request of a task, in seconds.
MAX_DELAY = 0.02


class DelayedClient:
    """
    A client whose requests are delayed at random.

    :param show: Reorders or changes the listed jobs, as another server may list them.
    """

    def __init__(
        self,
        client: BulkExportsClient,
        rng: random.Random,
        max_delay: float,
        show: Callable[[list[Job]], list[Job]] = list,
    ) -> None:
        self._client = client
        self._random = rng
        self._max_delay = max_delay
        self._show = show

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            time.sleep(self._random.uniform(0, self._max_delay))
            result = method(*args, **kwargs)
            result = self._show(list(result)) if isinstance(result, Iterator) else result
            time.sleep(self._random.uniform(0, self._max_delay))
            return result

        return call


@pytest.fixture
def race(sim: Simulator) -> Iterator[Callable[..., list[list[str]]]]:
    """Let tasks submit the same request at the same time; return the sids that each of them uses."""
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

        def run(tasks: int, wanted: ExportRequest, *, seed: int = 0, show: Any = list) -> list[list[str]]:
            start = Barrier(tasks)

            def task(number: int) -> list[str]:
                rng = random.Random(f"{seed}/{number}")
                client: Any = DelayedClient(clients[number], rng, MAX_DELAY, show)
                guard = JobGuard(client, Log())
                start.wait()
                time.sleep(rng.uniform(0, 3 * MAX_DELAY))
                return submit(client, wanted, today=sim.clock.now().date(), log=Log(), guard=guard)

            with ThreadPoolExecutor(tasks) as pool:
                return list(pool.map(task, range(tasks)))

        yield run


def mapped(number: int, **changes: Any) -> ExportRequest:
    return request(f"{number:010x}", adopts_own=False, **changes)


def unfinished(sim: Simulator) -> list[str]:
    return [job.sid for job in sim.state.jobs.values() if not job.is_deleted]


@pytest.mark.slow
@pytest.mark.parametrize("newest_first", [False, True], ids=["oldest first", "newest first"])
@pytest.mark.parametrize("tasks", [2, 4, 8])
def test_simultaneous_tasks_use_one_job(sim: Simulator, race: Any, tasks: int, newest_first: bool) -> None:
    sim.knobs.quota_days = 10**6
    sim.knobs.newest_job_first = newest_first
    for number in range(20):
        before = set(sim.state.jobs)

        used = race(tasks, mapped(number), seed=number)

        ((sid,),) = set(map(tuple, used))
        assert set(unfinished(sim)) - before == {sid}


ORDERS: dict[str, Callable[[list[Job]], list[Job]]] = {
    "oldest first": list,
    "newest first": lambda jobs: jobs[::-1],
    "by sid": lambda jobs: sorted(jobs, key=lambda job: job.job_sid),
    "by sid, backwards": lambda jobs: sorted(jobs, key=lambda job: job.job_sid, reverse=True),
}


@pytest.mark.slow
@pytest.mark.parametrize("jobs_before", [0, 1])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("tasks", [2, 8])
def test_simultaneous_tasks_use_one_job_of_an_unordered_list(
    race: Any, sim: Simulator, monkeypatch: pytest.MonkeyPatch, tasks: int, order: str, jobs_before: int
) -> None:
    """The list is short, and has no positions in Twilio's queue, or the same for all jobs."""
    monkeypatch.setattr(duplicates, "_AGREEMENT_PAUSE", 0.2)
    monkeypatch.setattr(duplicates, "_RACE_PAUSE", 0.4)
    sim.knobs.quota_days = 10**6

    for number, position in enumerate([None, 1]):

        def show(jobs: list[Job], position: int | None = position) -> list[Job]:
            return ORDERS[order]([replace(job, job_queue_position=position) for job in jobs])

        for job in sim.state.jobs.values():
            job.is_deleted = job.is_removed = True
        before = {race(1, mapped(100 + other))[0][0] for other in range(jobs_before)}

        used = race(tasks, mapped(number), seed=number, show=show)

        ((sid,),) = set(map(tuple, used))
        assert set(unfinished(sim)) - before == {sid}


@pytest.mark.sample(1)
@pytest.mark.parametrize("clock", ["monotonic", "time"], ids=["stopped", "suspended"])
def test_worker_frozen_before_its_post_reads_the_list_again(
    sim: Simulator, client: BulkExportsClient, monkeypatch: pytest.MonkeyPatch, clock: str
) -> None:
    """Meanwhile its retry has submitted. On a suspended machine only one of the clocks keeps running."""
    passed = {"monotonic": 0.0, "time": 0.0}
    monkeypatch.setattr(
        "airflow_provider_bulkexports.submission.job_list.time",
        SimpleNamespace(monotonic=lambda: passed["monotonic"], time=lambda: passed["time"]),
    )
    retried: list[str] = []

    class Frozen(DelayedClient):
        def list_jobs(self, *args: Any) -> Any:
            listed = list(client.list_jobs(*args))
            if not retried:
                passed[clock] += 60
                retried.extend(submit(client, mapped(7), today=TODAY, log=Log(), guard=JobGuard(client, Log())))
            return iter(listed)

    frozen: Any = Frozen(client, random.Random(), 0)

    sids = submit(frozen, mapped(7), today=TODAY, log=Log(), guard=JobGuard(frozen, Log()))

    assert sids == retried == list(sim.state.jobs)


def test_deleted_duplicate_causes_one_short_pause(sim: Simulator, client: BulkExportsClient, guard: Any) -> None:
    """Twilio may list a deleted job for days. The one that is left counts when two lists show it."""
    made = [client.create_job("Messages", start_day=DAYS.start, end_day=DAYS.end, friendly_name=NAME) for _ in "12"]
    client.delete_job(made[1].job_sid)

    assert submit(client, mapped(7), today=TODAY, log=Log(), guard=guard) == [made[0].job_sid]
    assert sum(guard.slept) <= 2.5


def test_worker_frozen_in_its_post_deletes_its_job(sim: Simulator, client: BulkExportsClient) -> None:
    retried: list[str] = []

    class Frozen(DelayedClient):
        def create_job(self, *args: Any, **kwargs: Any) -> Any:
            retried.extend(submit(client, mapped(7), today=TODAY, log=Log(), guard=JobGuard(client, Log())))
            return client.create_job(*args, **kwargs)

    frozen: Any = Frozen(client, random.Random(), 0)

    sids = submit(frozen, mapped(7), today=TODAY, log=Log(), guard=JobGuard(frozen, Log()))

    assert sids == retried == unfinished(sim)
    assert len(sim.state.jobs) == 2


def test_started_duplicate_is_not_deleted(sim: Simulator, client: BulkExportsClient) -> None:
    older: list[str] = []

    class Late(DelayedClient):
        def create_job(self, *args: Any, **kwargs: Any) -> Any:
            older.extend(submit(client, mapped(7), today=TODAY, log=Log(), guard=JobGuard(client, Log())))
            made = client.create_job(*args, **kwargs)
            sim.clock.advance(sim.knobs.queue_seconds + 1)
            return made

    late: Any = Late(client, random.Random(), 0)

    assert submit(late, mapped(7), today=TODAY, log=Log(), guard=JobGuard(late, Log())) == older
    assert len(unfinished(sim)) == 2


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 403}, {"drop": True}], ids=str)
def test_created_job_is_used_if_the_list_cannot_be_read_afterwards(
    sim: Simulator, client: BulkExportsClient, fault: dict[str, Any], guard: Any
) -> None:
    sim.faults.add(Fault(**LIST, **fault, after=1, times=None))

    assert submit(client, mapped(7), today=TODAY, log=Log(), guard=guard) == list(sim.state.jobs)


@pytest.mark.parametrize(("adopts_own", "seconds"), [(True, 7), (False, 30)], ids=["one task", "mapped tasks"])
def test_lagging_list_is_read_again_for_the_new_job(
    sim: Simulator, client: BulkExportsClient, guard: Any, adopts_own: bool, seconds: float
) -> None:
    sim.knobs.list_delay_seconds = 1000
    wanted = replace(mapped(7), adopts_own=adopts_own)

    assert submit(client, wanted, today=TODAY, log=Log(), guard=guard) == list(sim.state.jobs)
    assert sum(guard.slept) == seconds


def test_day_of_another_run_is_logged_as_paid_twice(
    sim: Simulator, client: BulkExportsClient, capsys: pytest.CaptureFixture[str], guard: Any
) -> None:
    (first,) = submit(client, mapped(1), today=TODAY, log=Log(), guard=guard)
    overlapping = DayRange(date(2026, 1, 3), date(2026, 1, 5))

    submit(client, mapped(2, days=overlapping), today=TODAY, log=Log(), guard=guard)
    submit(client, mapped(3, name="another task"), today=TODAY, log=Log(), guard=guard)

    (warning,) = [line for line in capsys.readouterr().out.splitlines() if "Paying twice" in line]
    assert warning.startswith("Paying twice for 2026-01-03")
    assert first in warning
