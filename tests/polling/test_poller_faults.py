"""A failure of one wait, or of one poll, affects the other waits of the same poll as little as possible."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable
from datetime import timedelta
from itertools import groupby, pairwise
from typing import Any

import pytest
from support.waits import LIST, ONE_JOB, ends_of, waits

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.exceptions import BulkExportsConnectionError, BulkExportsResponseError
from airflow_provider_bulkexports.hooks.bulkexports import BulkExportsHook
from airflow_provider_bulkexports.model.resources import Job
from airflow_provider_bulkexports.polling.poll_round import PollRound
from airflow_provider_bulkexports.polling.wait_poller import WaitPoller
from airflow_provider_bulkexports.polling.waits import JobWait
from airflow_provider_bulkexports.simulator import Fault, Simulator

Jobs = Callable[..., Any]


def test_cancellations_and_failing_requests_lose_no_event(
    sim: Simulator, connection: str, timeline: Any, pending: Jobs, complete: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    sids = pending(60)
    monkeypatch.setattr(sim.faults, "pick", every_third())
    chance = random.Random(7)
    for number, sid in enumerate(sids):
        timeline.after(70 + 10 * number, lambda sid=sid: complete(sid))

    async def run() -> list[Any]:
        tasks = [asyncio.ensure_future(ends_of([wait])) for wait in waits(sids)]
        for task in chance.sample(tasks, 25):
            timeline.after(chance.uniform(0, 600), task.cancel)
        return await asyncio.gather(*tasks, return_exceptions=True)

    ends = asyncio.run(run())

    finished = [end[0]["result"]["job_sids"] for end in ends if isinstance(end, list)]
    assert len(finished) + sum(isinstance(end, asyncio.CancelledError) for end in ends) == 60
    assert len(finished) >= 35
    assert finished == [[sid] for sid, end in zip(sids, ends, strict=True) if isinstance(end, list)]


def every_third() -> Callable[..., Any]:
    count = iter(range(10**9))

    def pick(*_: Any) -> Fault | None:
        return Fault(status=500) if next(count) % 3 == 2 else None

    return pick


OURS = [
    ZeroDivisionError("a fault of ours"),
    RecursionError("maximum recursion depth exceeded"),
    OverflowError("date value out of range"),
    MemoryError(),
    UnicodeEncodeError("utf-8", "\ud83d", 0, 1, "surrogates not allowed"),
    OSError("Could not find a suitable TLS CA certificate bundle"),
    KeyError("\x00\ud83d\x1b[31m" + "x" * 10**5),
]


@pytest.mark.parametrize("fault", OURS, ids=lambda fault: type(fault).__name__)
@pytest.mark.parametrize("place", [(WaitPoller, "poll"), (JobWait, "check")], ids=["poll", "check"])
def test_bug_about_one_job_ends_only_its_own_wait(
    connection: str,
    timeline: Any,
    pending: Jobs,
    complete: Jobs,
    monkeypatch: pytest.MonkeyPatch,
    place: tuple[type, str],
    fault: Exception,
) -> None:
    sids = pending(20)
    real = getattr(*place)

    def fail_for_one(of: Any, *args: Any) -> Any:
        if getattr(of, "wait", of).subject == sids[3]:
            raise fault
        return real(of, *args)

    monkeypatch.setattr(*place, fail_for_one)
    timeline.after(100, lambda: complete(*sids))

    ends = asyncio.run(ends_of(waits(sids)))

    poisoned = ends.pop(3)
    assert poisoned["status"] == "error"
    assert f"10 times in a row. Unexpected {type(fault).__name__}: " in poisoned["message"]
    assert poisoned["message"].isprintable()
    assert len(poisoned["message"]) <= 2000
    assert {end["status"] for end in ends} == {"finished"}


@pytest.mark.parametrize("step", ["next_delay", "timed_out", "fail"])
def test_bug_at_any_step_ends_only_its_own_wait(
    sim: Simulator,
    connection: str,
    timeline: Any,
    pending: Jobs,
    complete: Jobs,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    sids = pending(5)
    real = getattr(WaitPoller, step)
    sim.faults.add(Fault(status=503, times=1))

    def fail_for_one(poller: WaitPoller, *args: Any, **kwargs: Any) -> Any:
        if poller.wait.subject == sids[3]:
            raise ZeroDivisionError("a fault of ours")
        return real(poller, *args, **kwargs)

    monkeypatch.setattr(WaitPoller, step, fail_for_one)
    timeline.after(300, lambda: complete(*(sid for sid in sids if sid != sids[3])))

    ends = asyncio.run(ends_of(waits(sids, end_time=timeline.now.timestamp() + 1000)))

    poisoned = ends.pop(3)
    assert poisoned["status"] == "error"
    assert "Unexpected ZeroDivisionError: a fault of ours (test_poller_faults.py:" in poisoned["message"]
    assert {end["status"] for end in ends} == {"finished"}


def test_transient_bug_is_survived(
    connection: str, timeline: Any, pending: Jobs, complete: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    sids = pending(5)
    check, faults = JobWait.check, iter(OURS)

    def fail_at_first(wait: Any, *args: Any) -> Any:
        if wait.subject == sids[3] and (fault := next(faults, None)):
            raise fault
        return check(wait, *args)

    monkeypatch.setattr(JobWait, "check", fail_at_first)
    timeline.after(100, lambda: complete(*sids))

    assert {end["status"] for end in asyncio.run(ends_of(waits(sids)))} == {"finished"}


def test_unreadable_list_entry_ends_only_its_own_wait(
    connection: str,
    timeline: Any,
    pending: Jobs,
    complete: Jobs,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sids = sorted(pending(20))
    read = Job.from_json

    def breaking(payload: Any, former: Any = None) -> Job:
        if payload["job_sid"] == sids[0]:
            raise OverflowError("date value out of range")
        return read(payload, former)

    failed: set[str] = set()
    count = WaitPoller.fail

    def counting(poller: WaitPoller, error: Exception) -> Any:
        failed.add(poller.wait.subject)
        return count(poller, error)

    monkeypatch.setattr(Job, "from_json", breaking)
    monkeypatch.setattr(WaitPoller, "fail", counting)
    timeline.after(600, lambda: complete(*sids))

    ends = asyncio.run(ends_of(waits(sids)))

    assert ends.pop(0)["status"] == "error"
    assert {end["status"] for end in ends} == {"finished"}
    assert failed == {sids[0]}


def failing_to_connect(monkeypatch: pytest.MonkeyPatch, fault: Exception, attempts: Callable[[int], bool]) -> None:
    """Let some attempts to build a client fail; ``attempts`` gets their number, from 1."""
    connect, count = BulkExportsHook.aget_conn, itertools.count(1)

    async def connecting(hook: Any, **kwargs: Any) -> Any:
        if attempts(next(count)):
            raise fault
        return await connect(hook, **kwargs)

    monkeypatch.setattr(BulkExportsHook, "aget_conn", connecting)


@pytest.mark.parametrize("fault", [OSError("no CA bundle"), RuntimeError("API_SERVER_ERROR: 503")], ids=repr)
def test_unavailable_connection_is_a_failed_poll_of_each_wait(
    connection: str, timeline: Any, pending: Jobs, complete: Jobs, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    sids = pending(5)
    complete(*sids)
    failing_to_connect(monkeypatch, fault, lambda attempt: attempt <= 9)

    ends = asyncio.run(ends_of(waits(sids)))

    assert {end["status"] for end in ends} == {"finished"}
    assert timeline.passed > 600, "its pauses grow"


def test_connection_that_stays_unavailable_ends_every_wait_with_the_cause(
    connection: str, timeline: Any, pending: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing_to_connect(monkeypatch, OSError("no CA bundle"), lambda _: True)

    ends = asyncio.run(ends_of(waits(pending(5))))

    assert {end["status"] for end in ends} == {"error"}
    assert all("10 times in a row" in end["message"] and "no CA bundle" in end["message"] for end in ends)


def test_failed_reconnection_is_a_failed_poll(
    sim: Simulator, connection: str, timeline: Any, pending: Jobs, complete: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    sids = pending(5)
    timeline.after(100, lambda: sim.faults.add(Fault(status=401, times=1)))
    timeline.after(200, lambda: complete(*sids))
    failing_to_connect(monkeypatch, OSError("no CA bundle"), lambda attempt: 2 <= attempt <= 5)

    assert {end["status"] for end in asyncio.run(ends_of(waits(sids)))} == {"finished"}


def test_broken_round_is_a_failed_poll_of_the_waits_that_were_due(
    connection: str, timeline: Any, pending: Jobs, complete: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    sids = pending(5)
    complete(*sids)
    prefetch, count = PollRound.prefetch, itertools.count()

    def breaking(*args: Any) -> Any:
        if next(count) < 3:
            raise RecursionError("maximum recursion depth exceeded")
        return prefetch(*args)

    monkeypatch.setattr(PollRound, "prefetch", breaking)

    assert {end["status"] for end in asyncio.run(ends_of(waits(sids)))} == {"finished"}


def test_removed_job_ends_only_its_own_wait(
    sim: Simulator, connection: str, timeline: Any, pending: Jobs, complete: Jobs
) -> None:
    sids = pending(20)
    timeline.after(50, lambda: sim.state.forget_job(sids[3]))
    timeline.after(170, lambda: complete(*(sid for sid in sids if sid != sids[3])))

    ends = asyncio.run(ends_of(waits(sids)))

    assert ends.pop(3)["status"] == "fatal"
    assert {end["status"] for end in ends} == {"finished"}


@pytest.mark.slow
def test_failing_list_does_not_end_waits_whose_jobs_can_be_fetched(
    sim: Simulator, connection: str, timeline: Any, pending: Jobs, complete: Jobs
) -> None:
    sids = pending(5)
    sim.faults.add(Fault(status=500, path=LIST, times=None))
    timeline.after(7200, lambda: complete(*sids))

    ends = asyncio.run(ends_of(waits(sids)))

    assert {end["status"] for end in ends} == {"finished"}


def test_failed_round_counts_once_for_each_wait(sim: Simulator, connection: str, timeline: Any, pending: Jobs) -> None:
    sim.faults.add(Fault(status=503, times=None))

    ends = asyncio.run(ends_of(waits(pending(5))))

    assert {end["status"] for end in ends} == {"error"}
    assert all("Polling Twilio failed 10 times in a row" in end["message"] for end in ends)
    assert timeline.passed > 600


def test_rate_limit_pauses_all_waits(
    sim: Simulator, connection: str, timeline: Any, pending: Jobs, complete: Jobs
) -> None:
    sids = pending(2)
    sim.faults.add(Fault(status=429, headers={"Retry-After": "200"}, path=rf"{ONE_JOB}|{LIST}", times=1))
    timeline.after(30, lambda: complete(*sids))

    asyncio.run(ends_of([*waits(sids[:1], poll_interval=5), *waits(sids[1:], poll_interval=7)]))

    assert timeline.passed == pytest.approx(200, abs=10)
    assert len(sim.requests) <= 1 + 2


def test_no_request_follows_a_rate_limit_in_the_same_round(
    sim: Simulator, connection: str, timeline: Any, pending: Jobs, complete: Jobs
) -> None:
    sids = [*pending(1, "Messages"), *pending(1, "Calls"), *pending(1, "Participants")]
    sim.faults.add(Fault(status=429, headers={"Retry-After": "250"}, times=1))
    timeline.after(30, lambda: complete(*sids))

    asyncio.run(ends_of(waits(sids, resource_type=None, poll_interval=5)))

    first, second, *_ = sim.requests
    assert second.at - first.at >= timedelta(seconds=250)


def test_failed_poll_is_one_request_and_the_next_is_not_early(
    connection: str, timeline: Any, pending: Jobs, complete: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    sids = pending(10)
    timeline.after(1000, lambda: complete(*sids))
    list_pages = BulkExportsClient.list_job_pages
    polls: list[tuple[float, float]] = []

    def hanging_at_first(*args: Any, **kwargs: Any) -> Any:
        began = timeline.passed
        pages = list(list_pages(*args, **kwargs))
        timeline.advance(30 if len(polls) < 3 else 0)
        polls.append((began, timeline.passed))
        if len(polls) <= 3:
            raise BulkExportsConnectionError("no answer")
        return iter(pages)

    monkeypatch.setattr(BulkExportsClient, "list_job_pages", hanging_at_first)
    asyncio.run(ends_of(waits(sids)))

    assert all(later - ended >= 59 for (_, ended), (later, _) in pairwise(polls))


def test_failing_job_is_requested_after_all_others(
    sim: Simulator, connection: str, timeline: Any, pending: Jobs, complete: Jobs
) -> None:
    poisoned, healthy = *pending(1, "Calls"), *pending(1, "Participants")
    sim.faults.add(Fault(status=500, path=rf"/v1/Exports/Jobs/{poisoned}", times=8))
    timeline.after(590, lambda: complete(poisoned, healthy))

    asyncio.run(ends_of([*waits([poisoned], resource_type="Calls"), *waits([healthy], resource_type="Participants")]))

    polls = groupby(sim.requests, key=lambda request: request.at)
    asked = [[request.path.rpartition("/")[2] for request in poll] for _, poll in polls]
    assert asked[0] == [poisoned, healthy]
    assert [poll for poll in asked[1:] if len(poll) > 1][:3] == [[healthy, poisoned]] * 3


def test_ended_wait_does_not_wait_for_the_request_of_another(sim: Simulator, connection: str) -> None:
    done, slow = (sim.create_job(kind, "2026-01-01", "2026-01-01").sid for kind in ("Messages", "Calls"))
    sim.finish_jobs()
    sim.faults.add(Fault(delay=5, path=rf"/v1/Exports/Jobs/{slow}", times=None))
    both = [waits([done], resource_type="Messages"), waits([slow], resource_type="Calls")]

    async def run() -> Any:
        tasks = [asyncio.ensure_future(ends_of(each)) for each in both]
        ended, (other,) = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        other.cancel()
        await asyncio.gather(other, return_exceptions=True)
        return [end for task in ended for end in task.result()]

    ((end),) = asyncio.run(run())

    assert end["result"]["job_sids"] == [done]


def test_unusable_list_is_logged_once(
    connection: str, timeline: Any, pending: Jobs, complete: Jobs, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    sids = pending(3)
    timeline.after(290, lambda: complete(*sids))

    def elsewhere(*_: Any, **__: Any) -> Any:
        yield []
        raise BulkExportsResponseError("the next page is on another host", is_transient=False)

    monkeypatch.setattr(BulkExportsClient, "list_job_pages", elsewhere)
    ends = asyncio.run(ends_of(waits(sids)))

    assert {end["status"] for end in ends} == {"finished"}
    (line,) = [record.getMessage() for record in caplog.records if "Cannot read the list" in record.getMessage()]
    assert line.endswith("one by one: the next page is on another host")
