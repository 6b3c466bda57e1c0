"""
Every fault at every step from submission to the end of the wait: one job, the right state, a useful error.

The client retries nothing here (``api/test_retries.py`` tests that), so each fault takes effect in its own step. A
create task that may be retried is retried once, as Airflow would.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from support.airflow import DAG

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.api.retry import RetryPolicy
from airflow_provider_bulkexports.operators.bulkexports import CreateExportCustomJobOperator
from airflow_provider_bulkexports.polling.wait_poller import MAX_CONSECUTIVE_FAILURES
from airflow_provider_bulkexports.sensors.bulkexports import ExportCustomJobSensor
from airflow_provider_bulkexports.simulator import Fault, Simulator
from airflow_provider_bulkexports.simulator.faults import HTML_PAGE

pytestmark = pytest.mark.slow  # every fault, at each step and in each mode

DAYS = {"resource_type": "Messages", "start_day": "2026-01-01", "end_day": "2026-01-03"}

LIST = {"method": "GET", "path": r"/v1/Exports/Messages/Jobs"}
CREATE = {"method": "POST", "path": r"/v1/Exports/Messages/Jobs"}
FETCH = {"method": "GET", "path": r"/v1/Exports/Jobs/JS.*"}

#: Read timeout of the client, in seconds, where the fault is a late response.
READ_TIMEOUT = 0.5

RETRIED = ("up_for_retry", "success")
DONE = ("success",)
FAILED = ("failed",)


@dataclass(frozen=True)
class Row:
    """
    A fault, and its effect at each step.

    :param says: Words of the error.
    :param listing: States of the create task's attempts if the fault hits the search for its job.
    :param not_sent: The same if it hits the submission, which did not arrive; ``None`` if this fault cannot.
    :param lost: The same if the submission arrived and the fault hits its response.
    :param wait: State of the wait if the fault lasts, without and with ``soft_fail``.
    :param passes: Whether the fault may pass by itself.
    :param delayed: Whether the client runs into its read timeout.
    """

    fault: dict[str, Any]
    says: str
    listing: tuple[str, ...] = RETRIED
    not_sent: tuple[str, ...] | None = DONE
    lost: tuple[str, ...] | None = DONE
    wait: tuple[str, str] = ("up_for_retry", "up_for_retry")
    passes: bool = True
    delayed: bool = False


def final(status: int, says: str) -> Row:
    """A fault that a retry cannot fix."""
    ends: dict[str, Any] = {"listing": FAILED, "not_sent": FAILED, "lost": None, "wait": ("failed", "skipped")}
    return Row({"status": status}, says, passes=False, **ends)


TABLE = {
    "429": Row({"status": 429}, "HTTP 429", not_sent=DONE, lost=None),
    "429 with Retry-After": Row({"status": 429, "headers": {"Retry-After": "7"}}, "HTTP 429", not_sent=DONE, lost=None),
    "500": Row({"status": 500}, "HTTP 500"),
    "503": Row({"status": 503, "headers": {"Retry-After": "30"}}, "HTTP 503"),
    "gateway page": Row({"status": 502, "body": HTML_PAGE}, "HTTP 502"),
    "error without a body": Row({"status": 504, "body": ""}, "HTTP 504"),
    "web page": Row({"status": 200, "body": HTML_PAGE}, "Unexpected response: HTTP"),
    "empty body": Row({"status": 200, "body": ""}, "Unexpected response: HTTP"),
    "broken JSON": Row(
        {"status": 201, "body": '{"job_sid": "JS', "content_type": "application/json"}, "Unexpected response: HTTP"
    ),
    "redirect": Row({"status": 302, "headers": {"Location": "/login"}}, "Unexpected response: HTTP"),
    "reset": Row({"drop": True}, "No complete response from"),
    "time-out": Row({"delay": 2 * READ_TIMEOUT}, "No complete response from", not_sent=None, delayed=True),
    "401": final(401, "Check the connection's login"),
    "403": final(403, "The credentials lack the permission"),
    "404": final(404, "HTTP 404"),
}

rows = pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)


def only(step: str) -> pytest.MarkDecorator:
    """The rows that have an expectation for a step."""
    some = {name: row for name, row in TABLE.items() if getattr(row, step)}
    return pytest.mark.parametrize("row", some.values(), ids=some)


@pytest.fixture(autouse=True)
def client_without_retries(connection: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Make the client retry nothing, and give it a short read timeout where the row says so."""
    hooks = "airflow_provider_bulkexports.hooks.connection"
    monkeypatch.setattr(f"{hooks}.RetryPolicy", lambda **_: RetryPolicy(max_retries=0))
    if request.node.callspec.params["row"].delayed:

        def with_timeout(*args: Any, **kwargs: Any) -> BulkExportsClient:
            return BulkExportsClient(*args, **kwargs | {"read_timeout": READ_TIMEOUT})

        monkeypatch.setattr(f"{hooks}.BulkExportsClient", with_timeout)


@pytest.fixture(params=["poke", "reschedule", "deferrable"])
def mode(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def create(run_task: Callable[..., Any], context: dict[str, Any], mode: str) -> Callable[[], list[Any]]:
    """Run the create task, and its retry if it has one; return how the attempts ended."""

    def make() -> CreateExportCustomJobOperator:
        with DAG("exports", schedule=None):
            return CreateExportCustomJobOperator(task_id="create", deferrable=mode == "deferrable", **DAYS)

    def run() -> list[Any]:
        ends = [run_task(make)]
        if ends[0].state == "up_for_retry":
            context["ti"].try_number += 1
            ends.append(run_task(make))
        return ends

    return run


@pytest.fixture
def wait_for(run_task: Callable[..., Any], mode: str) -> Callable[..., Any]:
    how = {"deferrable": True} if mode == "deferrable" else {"mode": mode, "deferrable": False}
    make = partial(ExportCustomJobSensor, task_id="wait", **how)
    return lambda sid, **kwargs: run_task(lambda: make(job_sid=sid, **kwargs))


def check(ends: list[Any], sim: Simulator, expected: tuple[str, ...], says: str, wait_for: Any) -> None:
    """Check the attempts' states and errors; there is at most one job, and a wait for it succeeds."""
    assert tuple(end.state for end in ends) == expected, [end.error for end in ends]
    for end in ends:
        assert end.error is None or says in str(end.error)
    if expected[-1] != "success":
        assert not sim.state.jobs
        return
    sim.faults.clear()
    assert list(sim.state.jobs) == [ends[-1].value]
    waited = wait_for(ends[-1].value)
    assert waited.state == "success", waited.error
    assert waited.value["completed"] == ["2026-01-01", "2026-01-02", "2026-01-03"]


@rows
def test_fault_while_searching_for_the_job(sim: Simulator, create: Any, wait_for: Any, row: Row) -> None:
    sim.faults.add(Fault(**row.fault, **LIST, times=1))

    check(create(), sim, row.listing, row.says, wait_for)


@only("not_sent")
def test_submission_that_does_not_arrive(sim: Simulator, create: Any, wait_for: Any, row: Row) -> None:
    sim.faults.add(Fault(**row.fault, **CREATE, times=1))

    ends = create()

    assert row.not_sent is not None
    check(ends, sim, row.not_sent, row.says, wait_for)


@pytest.mark.parametrize(
    "row", [Row({"delay": 2 * READ_TIMEOUT, "drop": True}, "No complete response from", delayed=True)]
)
def test_submission_that_times_out_and_does_not_arrive(sim: Simulator, create: Any, wait_for: Any, row: Row) -> None:
    sim.faults.add(Fault(**row.fault, **CREATE, times=1))

    check(create(), sim, DONE, row.says, wait_for)


@only("lost")
def test_submission_with_lost_response(sim: Simulator, create: Any, wait_for: Any, row: Row) -> None:
    sim.faults.add(Fault(**row.fault, **CREATE, processed=True, times=1))

    assert row.lost is not None
    check(create(), sim, row.lost, row.says, wait_for)
    assert len(sim.requests.matching(method="POST")) == 1


@only("lost")
def test_submission_with_lost_response_in_an_outage(
    sim: Simulator, create: Any, wait_for: Any, row: Row, timeline: Any
) -> None:
    outage = Fault(status=503, **LIST, after=1, times=None)
    sim.faults.add(Fault(**row.fault, **CREATE, processed=True, times=1), outage)
    timeline.after(700, lambda: setattr(outage, "times", 0))

    check(create(), sim, DONE, row.says, wait_for)
    assert len(sim.requests.matching(method="POST")) == 1


@only("passes")
def test_wait_survives_passing_fault(sim: Simulator, wait_for: Any, row: Row) -> None:
    sid = sim.create_job("Messages", "2026-01-01", "2026-01-03").sid
    sim.faults.add(Fault(**row.fault, **FETCH, times=3 if row.delayed else MAX_CONSECUTIVE_FAILURES - 1))

    end = wait_for(sid)

    assert end.state == "success", end.error
    assert list(sim.state.jobs) == [sid]


@rows
@pytest.mark.parametrize("soft_fail", [False, True], ids=["hard", "soft"])
def test_wait_fails_on_lasting_fault(sim: Simulator, wait_for: Any, row: Row, soft_fail: bool) -> None:
    sid = sim.create_job("Messages", "2026-01-01", "2026-01-03").sid
    sim.faults.add(Fault(**row.fault, **FETCH, times=None))

    end = wait_for(sid, soft_fail=soft_fail)

    assert end.state == row.wait[soft_fail], end.error
    assert row.says in str(end.error)
    if row.passes:
        assert "The job may still be running at Twilio. Clear this task" in str(end.error)
    assert list(sim.state.jobs) == [sid]
    assert not sim.state.jobs[sid].is_deleted
