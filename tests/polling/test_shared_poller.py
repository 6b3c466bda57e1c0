"""One poll serves all waits of a process that use the same connection, and none of them delays another."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from support.waits import LIST, ONE_JOB, ends_of, waits

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.polling import shared_poller as poller
from airflow_provider_bulkexports.polling.wait_poller import WaitPoller
from airflow_provider_bulkexports.sensors.bulkexports import ExportCustomJobSensor
from airflow_provider_bulkexports.simulator import Fault, SimulatedClock, Simulator
from airflow_provider_bulkexports.triggers.bulkexports import ExportDayTrigger

Jobs = Callable[..., Any]


def requests(sim: Simulator) -> tuple[int, int]:
    """Number of requests for lists of jobs, and for single jobs."""
    return len(sim.requests.matching(path=LIST)), len(sim.requests.matching(path=ONE_JOB))


def test_many_waits_cost_one_list_a_round(
    sim: Simulator, connection: str, timeline: Any, pending: Jobs, complete: Jobs
) -> None:
    sids = pending(200)
    timeline.after(290, lambda: complete(*sids))

    ends = asyncio.run(ends_of(waits(sids)))

    assert [end["result"]["job_sids"] for end in ends] == [[sid] for sid in sids]
    assert requests(sim) == (6, 0)
    assert len(sim.requests) == 7, "and one for the expiry of the files"


def test_waits_that_end_together_share_the_list_of_files(
    sim: Simulator, connection: str, timeline: Any, pending: Jobs, complete: Jobs
) -> None:
    """Jobs of others say nothing about the expiry of their files. The resumed tasks send no request for it."""
    sim.knobs.queue_seconds = 0
    sim.create_job("Messages", "2026-01-01", "2026-01-01")
    sim.finish_jobs()
    sim.knobs.queue_seconds = 10**7
    sids = pending(600)
    timeline.after(50, lambda: complete(*sids))

    ends = asyncio.run(ends_of(waits(sids)))
    results = [
        ExportCustomJobSensor(task_id="wait", job_sid=sid).execute_complete({}, end)
        for sid, end in zip(sids, ends, strict=True)
    ]

    assert {result["expires_at"] for result in results} == {"2026-12-01T00:00:00+00:00"}
    assert len(sim.requests.matching(path=r".*/Days")) == 1
    assert len(sim.requests) == 3


@pytest.mark.parametrize(
    "fault", [{"status": 401}, {"status": 403}, {"status": 429}, {"status": 503}, {"drop": True}], ids=str
)
def test_waits_end_without_the_list_of_files(
    sim: Simulator, connection: str, timeline: Any, pending: Jobs, complete: Jobs, fault: dict[str, Any]
) -> None:
    sids = pending(30)
    complete(*sids)
    sim.faults.add(Fault(**fault, path=r".*/Days", times=None))

    ends = asyncio.run(ends_of(waits(sids)))

    assert [(end["status"], end["result"]["expires_at"]) for end in ends] == [("finished", None)] * 30
    assert len(sim.requests) <= 4, "refused credentials are looked up again, once"


def test_waits_that_have_ended_do_not_wait_for_the_list_of_files(sim: Simulator, connection: str) -> None:
    ours = sim.create_job("Messages", "2026-01-01", "2026-01-01", FriendlyName="ours [af-20261120-0123456789]").sid
    others = sim.create_job("Messages", "2026-01-01", "2026-01-01").sid
    sim.finish_jobs()
    sim.faults.add(Fault(delay=5, path=r".*/Days", times=None))

    async def run() -> Any:
        tasks = [asyncio.ensure_future(ends_of([wait])) for wait in waits([ours, others])]
        ended, (other,) = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        other.cancel()
        await asyncio.gather(other, return_exceptions=True)
        return [end for task in ended for end in task.result()]

    ((end),) = asyncio.run(run())

    assert end["result"]["job_sids"] == [ours]


@pytest.mark.parametrize(
    ("took", "gaps"), [(5, [50, 51, 51.9]), (60, [60, 36, 36])], ids=["some seconds", "as long as the interval"]
)
def test_rounds_begin_earlier_after_a_slow_list(
    connection: str,
    timeline: Any,
    pending: Jobs,
    complete: Jobs,
    monkeypatch: pytest.MonkeyPatch,
    took: float,
    gaps: Any,
) -> None:
    sids = pending(10)
    timeline.after(250, lambda: complete(*sids))
    list_pages = BulkExportsClient.list_job_pages
    began: list[float] = []

    def slow_at_first(*args: Any, **kwargs: Any) -> Any:
        began.append(timeline.passed)
        pages = list(list_pages(*args, **kwargs))
        timeline.advance(0 if began[1:] else took)
        return iter(pages)

    monkeypatch.setattr(BulkExportsClient, "list_job_pages", slow_at_first)
    asyncio.run(ends_of(waits(sids)))

    assert [later - earlier for earlier, later in pairwise(began)][:3] == pytest.approx(gaps)


def test_single_wait_requests_only_its_job_once_an_interval(
    sim: Simulator, connection: str, timeline: Any, pending: Jobs, complete: Jobs
) -> None:
    (sid, *_) = pending(200)
    timeline.after(290, lambda: complete(sid))

    asyncio.run(ends_of(waits([sid])))

    assert requests(sim) == (0, 6)
    assert len(sim.requests) == 7, "and one for the expiry of the files"


@pytest.mark.slow
def test_estimate_an_hour_away_saves_most_polls(
    sim: Simulator, connection: str, timeline: Any, pending: Jobs, complete: Jobs
) -> None:
    (sid,) = pending(1)
    sim.state.set_fields(sid, estimated_completion_time="2026-11-24T13:00:00")
    timeline.after(3600, lambda: complete(sid))

    asyncio.run(ends_of(waits([sid], max_poll_interval=600)))

    assert 3600 <= timeline.passed < 3600 + 60
    assert len(sim.requests) <= 12, "a plain loop asks 61 times"


@pytest.mark.slow
def test_few_waits_do_not_page_through_a_long_list(
    sim: Simulator, connection: str, timeline: Any, pending: Jobs, complete: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_bulkexports.api.client.JOBS_PAGE_SIZE", 10)
    sids = pending(100)[-3:]
    timeline.after(600, lambda: complete(*sids))

    asyncio.run(ends_of(waits(sids)))

    lists, jobs = requests(sim)
    assert lists == 3, "it was given up when it had cost as much as the jobs"
    assert jobs == 11 * 3


def test_job_missing_from_the_list_is_fetched(
    sim: Simulator, connection: str, timeline: Any, pending: Jobs, complete: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    sids = pending(20)
    list_pages = BulkExportsClient.list_job_pages

    def without_the_first(*args: Any, **kwargs: Any) -> Any:
        return ([job for job in page if job.job_sid != sids[0]] for page in list_pages(*args, **kwargs))

    monkeypatch.setattr(BulkExportsClient, "list_job_pages", without_the_first)
    timeline.after(110, lambda: complete(*sids))

    ends = asyncio.run(ends_of(waits(sids)))

    assert {end["status"] for end in ends} == {"finished"}
    assert requests(sim) == (3, 3)


@pytest.mark.slow
@pytest.mark.parametrize("type_is_told", [True, False])
def test_unknown_types_are_discovered_from_jobs_and_lists(
    sim: Simulator, connection: str, timeline: Any, pending: Jobs, complete: Jobs, type_is_told: bool
) -> None:
    sim.knobs.resource_type_null = not type_is_told
    sids = [*pending(10, "Calls"), *pending(10, "Participants")]
    timeline.after(590, lambda: complete(*sids))

    ends = asyncio.run(ends_of(waits(sids, resource_type=None)))

    assert {end["status"] for end in ends} == {"finished"}
    lists, jobs = requests(sim)
    assert lists <= 2 * 11 + 2
    assert jobs <= 4


def test_connections_do_not_share_jobs_of_the_same_sid(
    sim: Simulator, connection: str, timeline: Any, pending: Jobs, complete: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Simulator(clock=SimulatedClock(start=timeline.now, speed=0)) as other:
        other.knobs.queue_seconds = 10**7
        other.knobs.position_and_eta = "null"
        sids = pending(5)
        assert [other.create_job("Messages", "2026-01-01", "2026-01-01").sid for _ in sids] == sids
        monkeypatch.setenv("AIRFLOW_CONN_OTHER", other.connection_json())
        complete(*sids)
        failed = [{"status": "Failed", "count": 1, "days": ["2026-01-01"]}]
        for sid in sids:
            other.state.set_details(sid, failed)

        ends = asyncio.run(ends_of([*waits(sids), *waits(sids, twilio_conn_id="other")]))

    assert [end["result"]["completed"] for end in ends] == [["2026-01-01"]] * 5 + [[]] * 5
    assert [end["result"]["failed"] for end in ends] == [[]] * 5 + [["2026-01-01"]] * 5


def test_replaced_credentials_are_looked_up_again(
    sim: Simulator, connection: str, timeline: Any, pending: Jobs, complete: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    sids = pending(3)

    def rotate() -> None:
        monkeypatch.setenv(f"AIRFLOW_CONN_{connection.upper()}", sim.connection_json(api_key=True))
        sim.faults.add(Fault(status=401, times=1))

    timeline.after(100, rotate)
    timeline.after(200, lambda: complete(*sids))

    ends = asyncio.run(ends_of(waits(sids)))

    assert {end["status"] for end in ends} == {"finished"}


def test_refused_credentials_end_every_wait_with_the_cause(
    sim: Simulator, connection: str, timeline: Any, pending: Jobs
) -> None:
    sim.faults.add(Fault(status=401, times=None))

    ends = asyncio.run(ends_of(waits(pending(3))))

    assert {end["status"] for end in ends} == {"fatal"}
    assert all("Check the connection's login" in end["message"] for end in ends)
    assert len(sim.requests) == 2, "once, and once more with credentials looked up again"


def test_later_waits_join_the_poll(
    sim: Simulator, connection: str, timeline: Any, pending: Jobs, complete: Jobs
) -> None:
    sids = pending(30)
    timeline.after(290, lambda: complete(*sids))

    async def run() -> list[Any]:
        tasks = [asyncio.ensure_future(ends_of(waits(sids[:10])))]
        arrivals = {1.0: sids[10:18], 1.5: sids[18:24], 2.0: sids[24:]}
        for moment, group_sids in arrivals.items():
            group = waits(group_sids)
            timeline.after(moment, lambda group=group: tasks.append(asyncio.ensure_future(ends_of(group))))
        while len(tasks) < 1 + len(arrivals):
            await asyncio.sleep(0.5)
        return [end for ends in await asyncio.gather(*tasks) for end in ends]

    ends = asyncio.run(run())

    assert {end["status"] for end in ends} == {"finished"}
    assert len(ends) == 30
    assert requests(sim)[0] <= 7, "three arrivals within seconds make one round more"


def test_waits_for_days_share_the_list_of_days(sim: Simulator, connection: str, timeline: Any, pending: Jobs) -> None:
    days = [f"2026-01-{day:02}" for day in range(1, 21)]
    pending(1)
    timeline.after(290, lambda: sim.create_job("Messages", days[0], days[-1]) and None)
    sim.knobs.queue_seconds, sim.knobs.seconds_per_day_run = 1, 1

    arguments = {"resource_type": "Messages", "poll_interval": 60, "max_poll_interval": 0}
    ends = asyncio.run(ends_of([ExportDayTrigger(start_day=day, end_day=day, **arguments) for day in days]))

    assert [end["result"]["completed"] for end in ends] == [[day] for day in days]
    assert len(sim.requests.matching(path=r".*/Days")) == timeline.passed // 60 + 1
    assert len(sim.requests) <= 2 * (timeline.passed // 60 + 1)


def test_log_lines_of_a_wait_have_its_context(
    sim: Simulator, connection: str, timeline: Any, pending: Jobs, complete: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    task: contextvars.ContextVar[str] = contextvars.ContextVar("task", default="nobody")
    said = []
    monkeypatch.setattr(
        WaitPoller, "_log_progress", lambda poller, progress: said.append((task.get(), poller.wait.subject))
    )
    sids = pending(10)
    complete(*sids)

    async def in_context(wait: Any) -> None:
        task.set(wait.job_sids[0])
        await ends_of([wait])

    async def run() -> None:
        await asyncio.gather(*map(in_context, waits(sids)))

    asyncio.run(run())

    assert sorted(said) == sorted((sid, sid) for sid in sids)


def test_nothing_is_left_when_the_last_wait_has_ended(
    sim: Simulator, connection: str, timeline: Any, pending: Jobs, complete: Jobs
) -> None:
    sids = pending(3)
    complete(*sids)

    async def run() -> list[str]:
        await ends_of(waits(sids))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return [str(task) for task in asyncio.all_tasks() if task is not asyncio.current_task()]

    assert asyncio.run(run()) == []
    assert poller._pollers == {}
