"""The task waits until its days are exportable, and then exports the same days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_provider_bulkexports.compat import CAN_RESCHEDULE_OPERATORS
from airflow_provider_bulkexports.links import BulkExportsLink
from airflow_provider_bulkexports.operators.bulkexports import CreateExportCustomJobOperator
from airflow_provider_bulkexports.simulator import Fault, Simulator
from airflow_provider_bulkexports.triggers.submission_time import SubmissionTimeTrigger

#: The test's clock stands at noon of 24 November: yesterday is exportable from the 25th on, today from the 26th.
YESTERDAY, TODAY, TOMORROW = "2026-11-23", "2026-11-24", "2026-11-25"
EXPORTABLE_AT = {
    YESTERDAY: datetime(2026, 11, 25, tzinfo=timezone.utc),
    TODAY: datetime(2026, 11, 26, tzinfo=timezone.utc),
}

Create = Callable[..., Any]

deferrable_or_not = pytest.mark.parametrize("deferrable", [False, True], ids=["on a worker", "deferrable"])


def is_shortly_after(moment: datetime, other: datetime) -> bool:
    """With the margin for clocks, and the task's offset among those that wait for the same midnight."""
    return timedelta(seconds=5) <= moment - other <= timedelta(minutes=1)


def test_newest_exportable_day_needs_no_wait(create: Create, timeline: Any) -> None:
    assert create(end_day="2026-11-22", start_day="2026-11-20").state == "success"
    assert timeline.passed == 0


@deferrable_or_not
@pytest.mark.parametrize("day", [YESTERDAY, TODAY])
def test_yesterday_and_today_are_waited_for(
    create: Create, sim: Simulator, timeline: Any, day: str, deferrable: bool
) -> None:
    end = create(start_day=day, end_day=day, deferrable=deferrable)

    assert end.state == "success", end.error
    assert EXPORTABLE_AT[day] <= timeline.now <= EXPORTABLE_AT[day] + timedelta(minutes=1)
    job = sim.state.jobs[end.value]
    assert (str(job.request.start_day), str(job.request.end_day)) == (day, day)


def test_nothing_is_sent_before_days_are_exportable(create: Create, sim: Simulator, timeline: Any) -> None:
    asked_at = []
    timeline.after(0, lambda: None)
    create(start_day=TODAY, end_day=TODAY)
    asked_at = [entry.at for entry in sim.requests]

    assert min(asked_at) >= EXPORTABLE_AT[TODAY]


def test_deferrable_task_waits_in_the_triggerer(create: Create) -> None:
    end = create(start_day=YESTERDAY, end_day=TODAY, deferrable=True)

    (deferral,) = end.deferrals
    assert isinstance(deferral.trigger, SubmissionTimeTrigger)
    assert is_shortly_after(datetime.fromtimestamp(deferral.trigger.end_time, timezone.utc), EXPORTABLE_AT[TODAY])
    assert deferral.kwargs == {"start_day": YESTERDAY, "end_day": TODAY}


def test_task_is_rescheduled_where_airflow_supports_it(create: Create, timeline: Any) -> None:
    end = create(start_day=YESTERDAY, end_day=YESTERDAY)

    if CAN_RESCHEDULE_OPERATORS:
        (moment,) = end.reschedules
        assert is_shortly_after(moment, EXPORTABLE_AT[YESTERDAY])
        assert timeline.slept == []
    else:
        assert end.reschedules == []
        assert 12 * 3600 + 5 <= sum(timeline.slept) <= 12 * 3600 + 60


def test_sleep_on_the_worker_ends_on_time(create: Create, timeline: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_bulkexports.tasks.deferral.CAN_RESCHEDULE_OPERATORS", False)

    end = create(start_day=YESTERDAY, end_day=YESTERDAY)

    assert end.state == "success"
    assert timeline.slept[:48] == pytest.approx([900] * 48)
    assert is_shortly_after(timeline.now, EXPORTABLE_AT[YESTERDAY])


@deferrable_or_not
def test_day_of_the_run_stays_the_same_after_the_wait(
    create: Create, sim: Simulator, context: dict[str, Any], deferrable: bool
) -> None:
    context["data_interval_start"] = datetime(2026, 11, 23, tzinfo=timezone.utc)
    context["data_interval_end"] = datetime(2026, 11, 24, tzinfo=timezone.utc)

    end = create(start_day=None, end_day=None, deferrable=deferrable)

    assert str(sim.state.jobs[end.value].request.start_day) == YESTERDAY


def test_days_stay_the_same_when_templates_change_after_the_wait(
    make_create: Create, connection: str, run_task: Callable[..., Any], sim: Simulator
) -> None:
    rendered = iter([YESTERDAY, "2026-01-01"])

    def render() -> CreateExportCustomJobOperator:
        task = make_create(start_day="{{ yesterday }}", end_day="{{ yesterday }}", deferrable=True)
        task.start_day = task.end_day = next(rendered)
        return task

    end = run_task(render)

    assert str(sim.state.jobs[end.value].request.start_day) == YESTERDAY


def test_dag_test_renders_the_days_again_on_resume(
    make_create: Create, connection: str, context: dict[str, Any], timeline: Any, sim: Simulator
) -> None:
    timeline.advance(24 * 3600)

    sid = make_create(start_day=YESTERDAY, end_day=YESTERDAY).execute_when_exportable(context, event=None)

    assert str(sim.state.jobs[sid].request.start_day) == YESTERDAY


def test_task_resumed_too_early_waits_again(create: Create, timeline: Any, context: dict[str, Any]) -> None:
    end = create(start_day=YESTERDAY, end_day=TODAY, deferrable=True)
    assert len(end.deferrals) == 1

    # Twilio's clock and ours may differ by a moment; so every run checks the date again.
    assert create(start_day=TODAY, end_day=TODAY, deferrable=True).deferrals == []


@deferrable_or_not
def test_error_without_wait_names_the_first_possible_time(create: Create, sim: Simulator, deferrable: bool) -> None:
    end = create(start_day=YESTERDAY, end_day=YESTERDAY, wait_until_exportable=False, deferrable=deferrable)

    assert end.state == "failed"
    assert "cannot be exported before 2026-11-25 00:00 UTC" in str(end.error)
    assert "use 2026-11-22 or earlier, or run the task then" in str(end.error)
    assert len(sim.requests) == 0


@pytest.mark.parametrize(
    ("day", "moment"), [(TOMORROW, "2026-11-27 00:00"), ("2036-01-01", "2036-01-03 00:00")], ids=["tomorrow", "later"]
)
def test_future_day_fails_its_own_run_and_not_the_file(
    make_create: Create, create: Create, sim: Simulator, timeline: Any, day: str, moment: str
) -> None:
    make_create(start_day=day, end_day=day)

    end = create(start_day=day, end_day=day)

    assert end.state == "failed"
    assert f"cannot be exported before {moment} UTC" in str(end.error)
    assert len(sim.requests) == 0


def test_future_day_is_rejected(create: Create, sim: Simulator, context: dict[str, Any], timeline: Any) -> None:
    context["partition_key"] = TOMORROW

    end = create(start_day=None, end_day=None)

    assert end.state == "failed"
    assert "cannot be exported before 2026-11-27 00:00 UTC" in str(end.error)
    assert timeline.passed == 0


@deferrable_or_not
@pytest.mark.parametrize("ahead", [2, 30, 400])
def test_worker_with_a_fast_clock_submits_at_twilios_midnight(
    create: Create, sim: Simulator, timeline: Any, ahead: float, deferrable: bool
) -> None:
    timeline.advance_to(EXPORTABLE_AT[YESTERDAY] - timedelta(seconds=30))
    timeline.put_clock_forward(ahead)

    end = create(start_day=YESTERDAY, end_day=YESTERDAY, deferrable=deferrable)

    assert end.state == "success", end.error
    assert list(sim.state.jobs) == [end.value]
    assert sim.state.jobs[end.value].created_at >= EXPORTABLE_AT[YESTERDAY]
    assert timeline.now <= EXPORTABLE_AT[YESTERDAY] + timedelta(seconds=ahead + 120)


@pytest.mark.parametrize("words", ["EndDay must be at least two days before today", "no such date yet"])
def test_refusal_near_midnight_is_retried_without_a_date_header(
    create: Create, sim: Simulator, timeline: Any, words: str
) -> None:
    timeline.advance_to(EXPORTABLE_AT[YESTERDAY])
    body = {"code": 20001, "message": words, "status": 400}
    sim.faults.add(Fault(status=400, method="POST", body=body, headers={"Date": "no date"}, times=2))

    assert create(start_day=YESTERDAY, end_day=YESTERDAY).state == "success"
    assert len(sim.requests.matching(method="POST")) == 3


def test_lasting_refusal_ends_the_task_within_minutes(create: Create, sim: Simulator, timeline: Any) -> None:
    timeline.advance_to(EXPORTABLE_AT[YESTERDAY])
    body = {"code": 20001, "message": "EndDay is too recent", "status": 400}
    sim.faults.add(Fault(status=400, method="POST", body=body, times=None))

    end = create(start_day=YESTERDAY, end_day=YESTERDAY)

    assert end.state == "failed"
    assert "EndDay is too recent" in str(end.error)
    assert timeline.now <= EXPORTABLE_AT[YESTERDAY] + timedelta(minutes=15)


def test_other_refusal_after_midnight_is_final(create: Create, sim: Simulator, timeline: Any) -> None:
    timeline.advance_to(EXPORTABLE_AT[YESTERDAY])
    body = {"code": 20001, "message": "WebhookUrl is not a valid URL", "status": 400}
    sim.faults.add(Fault(status=400, method="POST", body=body, times=None))

    assert create(start_day=YESTERDAY, end_day=YESTERDAY).state == "failed"
    assert len(sim.requests.matching(method="POST")) == 1


@deferrable_or_not
def test_log_prepares_for_a_wait_of_days(
    create: Create, timeline: Any, deferrable: bool, capsys: pytest.CaptureFixture[str], caplog: Any
) -> None:
    caplog.set_level("INFO")

    create(start_day=YESTERDAY, end_day=TODAY, deferrable=deferrable)

    logged = capsys.readouterr().out + caplog.text
    for line in (
        "Waiting until 2026-11-26 00:00 UTC: Twilio does not export 2026-11-24 before",
        "That is in 36 h, and normal: Twilio exports a day two UTC days later",
        "Days up to 2026-11-22 can be exported at once",
    ):
        assert line in logged
        assert len(line) <= 85


def test_log_does_not_explain_a_wait_of_seconds(
    create: Create, timeline: Any, capsys: pytest.CaptureFixture[str], caplog: Any
) -> None:
    caplog.set_level("INFO")
    timeline.advance_to(EXPORTABLE_AT[YESTERDAY] + timedelta(seconds=1))

    create(start_day=YESTERDAY, end_day=YESTERDAY, deferrable=True)

    logged = capsys.readouterr().out + caplog.text
    assert "Waiting until 2026-11-25 00:00 UTC" in logged
    assert "and normal" not in logged


def test_sleeping_task_says_every_quarter_of_an_hour_how_long_it_takes(
    create: Create, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: Any
) -> None:
    monkeypatch.setattr("airflow_provider_bulkexports.tasks.deferral.CAN_RESCHEDULE_OPERATORS", False)
    caplog.set_level("INFO")

    create(start_day=YESTERDAY, end_day=YESTERDAY)

    logged = capsys.readouterr().out or caplog.text
    assert logged.count("Waiting since 12:00 UTC, until 2026-11-25 00:00 UTC: ") == 48
    assert "until 2026-11-25 00:00 UTC: 11 h 45 min left" in logged


def test_link_leads_to_the_jobs_while_the_task_waits(
    create: Create, sim: Simulator, timeline: Any, context: dict[str, Any]
) -> None:
    links = []
    timeline.after(3600, lambda: links.append(context["ti"].xcoms[BulkExportsLink().xcom_key]))

    create(start_day=TODAY, end_day=TODAY, deferrable=True)

    assert links == [f"{sim.base_url}/v1/Exports/Messages/Jobs"]
