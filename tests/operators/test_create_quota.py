"""A submission refused for the quota waits for the next UTC day; one refused for anything else fails at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_provider_bulkexports.compat import CAN_RESCHEDULE_OPERATORS, DateTimeTrigger
from airflow_provider_bulkexports.simulator import Fault, Simulator

#: The test's clock stands at noon of the day before.
MIDNIGHT = datetime(2026, 11, 25, tzinfo=timezone.utc)

Create = Callable[..., Any]

deferrable_or_not = pytest.mark.parametrize("deferrable", [False, True], ids=["on a worker", "deferrable"])


@deferrable_or_not
def test_a_refused_submission_waits_for_midnight_and_then_succeeds(
    create: Create, sim: Simulator, timeline: Any, deferrable: bool
) -> None:
    sim.state.spend_quota(360)

    end = create(deferrable=deferrable)

    assert end.state == "success", end.error
    assert MIDNIGHT < timeline.now < MIDNIGHT + timedelta(minutes=6)
    assert list(sim.state.jobs) == [end.value]


def test_a_deferrable_task_waits_in_the_triggerer(create: Create, sim: Simulator) -> None:
    sim.state.spend_quota(366)

    (deferral,) = create(deferrable=True).deferrals

    assert isinstance(deferral.trigger, DateTimeTrigger)
    assert deferral.kwargs == {"start_day": "2026-01-01", "end_day": "2026-01-07"}


def test_a_task_on_a_worker_leaves_it_where_airflow_can_do_that(create: Create, sim: Simulator, timeline: Any) -> None:
    sim.state.spend_quota(366)

    end = create()

    assert len(end.reschedules) == (1 if CAN_RESCHEDULE_OPERATORS else 0)
    assert bool(timeline.slept) is not CAN_RESCHEDULE_OPERATORS


def test_where_airflow_cannot_the_task_sleeps_in_place(
    create: Create, sim: Simulator, timeline: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_bulkexports.tasks.deferral.CAN_RESCHEDULE_OPERATORS", False)
    sim.state.spend_quota(366)

    assert create().state == "success"
    assert sum(timeline.slept) == pytest.approx(12 * 3600, abs=400)


@deferrable_or_not
def test_the_log_says_until_when_and_why(
    create: Create, sim: Simulator, deferrable: bool, capsys: pytest.CaptureFixture[str], caplog: Any
) -> None:
    sim.state.spend_quota(366)

    create(deferrable=deferrable)

    logged = capsys.readouterr().out + caplog.text
    assert "Waiting until 2026-11-25 00:0" in logged
    assert "submits 2026-01-01 to 2026-01-07" in logged
    assert "Daily limit of 366 export days exceeded" in logged


@deferrable_or_not
def test_a_quota_that_others_spend_first_is_waited_for_again(
    create: Create, sim: Simulator, timeline: Any, deferrable: bool
) -> None:
    sim.state.spend_quota(366)
    timeline.after(12 * 3600, lambda: sim.state.spend_quota(366))

    end = create(deferrable=deferrable)

    assert end.state == "success", end.error
    assert timeline.now.date() == (MIDNIGHT + timedelta(days=1)).date()


@pytest.mark.parametrize("status", [400, 403, 409, 422, 429])
def test_whatever_the_status_of_the_refusal_its_words_count(
    create: Create, sim: Simulator, timeline: Any, status: int
) -> None:
    words = {"message": "You have exceeded your quota of export days.", "status": status}
    sim.faults.add(Fault(status=status, body=words, method="POST", times=4 if status == 429 else 1))

    end = create(deferrable=True)

    assert end.state == "success", end.error
    assert timeline.now > MIDNIGHT


def test_429_to_every_submission_is_waited_for_like_the_quota(create: Create, sim: Simulator, timeline: Any) -> None:
    fault = Fault(status=429, method="POST", times=None)
    sim.faults.add(fault)
    timeline.after(3600, sim.faults.clear)

    end = create(deferrable=True)

    assert end.state == "success", end.error
    assert timeline.now > MIDNIGHT
    assert list(sim.state.jobs) == [end.value]


@deferrable_or_not
def test_who_does_not_want_to_wait_fails_at_once_with_twilio_s_words(
    create: Create, sim: Simulator, timeline: Any, deferrable: bool
) -> None:
    sim.state.spend_quota(360)

    end = create(wait_for_quota=False, deferrable=deferrable)

    assert end.state == "failed"
    assert "Daily limit of 366 export days exceeded" in str(end.error)
    assert "let it wait (wait_for_quota=True)" in str(end.error)
    assert timeline.passed == 0


@deferrable_or_not
@pytest.mark.parametrize(
    "words",
    [
        "EndDay must be at least two days before the current UTC day",
        "EndDay exceeds the latest exportable day",
        "FriendlyName exceeds the limit of 64 characters",
        "Invalid parameter",
        "",
    ],
)
def test_any_other_400_fails_at_once_and_shows_twilio_s_words(
    create: Create, sim: Simulator, timeline: Any, words: str, deferrable: bool
) -> None:
    sim.faults.add(Fault(status=400, body={"message": words, "code": 20001, "status": 400}, method="POST"))

    end = create(deferrable=deferrable)

    assert end.state == "failed"
    assert words in str(end.error)
    assert timeline.passed == 0
    assert len(sim.requests.matching(method="POST")) == 1


def test_templates_that_render_to_something_else_after_the_wait_do_not_matter(
    make_create: Any, connection: str, run_task: Any, sim: Simulator
) -> None:
    sim.state.spend_quota(366)
    rendered = iter(["2026-01-03", "2026-01-05"])

    def render() -> Any:
        task = make_create(deferrable=True)
        task.start_day = task.end_day = next(rendered)
        return task

    end = run_task(render)

    assert str(sim.state.jobs[end.value].request.start_day) == "2026-01-03"


def test_the_days_that_were_submitted_before_the_refusal_are_not_submitted_again(
    create: Create, sim: Simulator
) -> None:
    for day in ("2026-01-02", "2026-01-05"):
        sim.state.fail_day("Messages", day, times=1)
    first = create().value
    sim.finish_jobs()
    sim.state.spend_quota(366 - 7 - 1)  # room for one of the two

    end = create(deferrable=True)

    assert end.state == "success", end.error
    ranges = [(str(job.request.start_day), str(job.request.end_day)) for job in sim.state.jobs.values()]
    assert ranges[1:] == [("2026-01-02", "2026-01-02"), ("2026-01-05", "2026-01-05")]
    assert set(end.value) == set(sim.state.jobs)
    assert first in end.value
