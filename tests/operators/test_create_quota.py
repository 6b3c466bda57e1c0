"""A quota error waits for the next UTC day; other refusals fail at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_provider_bulkexports.compat import CAN_RESCHEDULE_OPERATORS
from airflow_provider_bulkexports.links import BulkExportsLink
from airflow_provider_bulkexports.simulator import Fault, Simulator
from airflow_provider_bulkexports.triggers.submission_time import SubmissionTimeTrigger

#: The test's clock stands at noon of the day before.
MIDNIGHT = datetime(2026, 11, 25, tzinfo=timezone.utc)

Create = Callable[..., Any]

deferrable_or_not = pytest.mark.parametrize("deferrable", [False, True], ids=["on a worker", "deferrable"])


@deferrable_or_not
def test_quota_error_waits_for_midnight_and_submits_again(
    create: Create, sim: Simulator, timeline: Any, deferrable: bool
) -> None:
    sim.state.spend_quota(360)

    end = create(deferrable=deferrable)

    assert end.state == "success", end.error
    assert MIDNIGHT < timeline.now < MIDNIGHT + timedelta(minutes=6)
    assert list(sim.state.jobs) == [end.value]


def test_deferrable_task_waits_in_the_triggerer(create: Create, sim: Simulator) -> None:
    sim.state.spend_quota(366)

    (deferral,) = create(deferrable=True).deferrals

    assert isinstance(deferral.trigger, SubmissionTimeTrigger)
    assert deferral.kwargs == {"start_day": "2026-01-01", "end_day": "2026-01-07"}


def test_task_is_rescheduled_where_airflow_supports_it(create: Create, sim: Simulator, timeline: Any) -> None:
    sim.state.spend_quota(366)

    end = create()

    assert len(end.reschedules) == (1 if CAN_RESCHEDULE_OPERATORS else 0)
    assert bool(timeline.slept) is not CAN_RESCHEDULE_OPERATORS


def test_task_sleeps_where_airflow_cannot_reschedule(
    create: Create, sim: Simulator, timeline: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_bulkexports.tasks.deferral.CAN_RESCHEDULE_OPERATORS", False)
    sim.state.spend_quota(366)

    assert create().state == "success"
    assert sum(timeline.slept) == pytest.approx(12 * 3600, abs=400)


@pytest.fixture
def warned(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Lines of warnings, as Airflow 2 or 3 writes them, and then all others."""
    caplog.set_level("INFO")

    def lines() -> list[str]:
        written = (capsys.readouterr().out or caplog.text).splitlines()
        return sorted(written, key=lambda line: "warning" not in line.lower())

    return lines


@deferrable_or_not
def test_log_warns_of_the_time_and_the_reason(
    create: Create, sim: Simulator, deferrable: bool, warned: Callable[[], list[str]]
) -> None:
    sim.state.spend_quota(366)

    create(deferrable=deferrable)

    lines = warned()
    (line,) = [line for line in lines if "Waiting until 2026-11-25 00:0" in line]
    assert "UTC: no quota left today for 7 days (366 per UTC day)" in line
    assert "warning" in line.lower()
    (response,) = [line for line in lines if "Twilio's response: Daily limit of 366 export days exceeded" in line]
    assert "[HTTP 400, Twilio error 20001, request RQ" in response
    assert "warning" in response.lower()
    assert any("submits 2026-01-01 to 2026-01-07" in line for line in lines)


@deferrable_or_not
def test_log_does_not_advise_what_the_task_does(
    create: Create, sim: Simulator, deferrable: bool, warned: Callable[[], list[str]]
) -> None:
    sim.state.spend_quota(366)

    create(deferrable=deferrable)

    logged = "\n".join(warned())
    assert "let it wait" not in logged
    assert "run the task after" not in logged


def test_log_says_why_a_lasting_429_counts_as_quota(
    create: Create, sim: Simulator, timeline: Any, warned: Callable[[], list[str]]
) -> None:
    sim.faults.add(Fault(status=429, method="POST", times=None))
    timeline.after(3600, sim.faults.clear)

    create(deferrable=True)

    logged = "\n".join(warned())
    assert "no quota left today for 7 days" in logged
    assert "Twilio has rejected every submission for minutes, but no other request" in logged
    assert "[HTTP 429" in logged


def test_deferred_task_says_what_it_needs(create: Create, sim: Simulator, warned: Callable[[], list[str]]) -> None:
    sim.state.spend_quota(366)

    create(deferrable=True)

    (line,) = [line for line in warned() if "a triggerer must be running" in line]
    assert "It logs here every 15 minutes" in line


@pytest.mark.parametrize("how", ["deferrable", "on a worker", "asleep"])
def test_link_leads_to_the_jobs_while_the_task_waits(
    create: Create,
    sim: Simulator,
    timeline: Any,
    context: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    how: str,
) -> None:
    if how == "asleep":
        monkeypatch.setattr("airflow_provider_bulkexports.tasks.deferral.CAN_RESCHEDULE_OPERATORS", False)
    sim.state.spend_quota(366)
    links = []
    timeline.after(6 * 3600, lambda: links.append(context["ti"].xcoms[BulkExportsLink().xcom_key]))

    end = create(deferrable=how == "deferrable")

    assert links == [f"{sim.base_url}/v1/Exports/Messages/Jobs"]
    assert context["ti"].xcoms[BulkExportsLink().xcom_key] == f"{sim.base_url}/v1/Exports/Jobs/{end.value}"


@deferrable_or_not
def test_quota_used_up_by_others_is_waited_for_again(
    create: Create, sim: Simulator, timeline: Any, deferrable: bool
) -> None:
    sim.state.spend_quota(366)
    timeline.after(12 * 3600, lambda: sim.state.spend_quota(366))

    end = create(deferrable=deferrable)

    assert end.state == "success", end.error
    assert timeline.now.date() == (MIDNIGHT + timedelta(days=1)).date()


@pytest.mark.parametrize("status", [400, 403, 409, 422, 429])
def test_quota_error_is_recognized_with_any_status(create: Create, sim: Simulator, timeline: Any, status: int) -> None:
    words = {"message": "You have exceeded your quota of export days.", "status": status}
    sim.faults.add(Fault(status=status, body=words, method="POST", times=4 if status == 429 else 1))

    end = create(deferrable=True)

    assert end.state == "success", end.error
    assert timeline.now > MIDNIGHT


def test_lasting_429_of_submissions_is_a_quota_error(create: Create, sim: Simulator, timeline: Any) -> None:
    fault = Fault(status=429, method="POST", times=None)
    sim.faults.add(fault)
    timeline.after(3600, sim.faults.clear)

    end = create(deferrable=True)

    assert end.state == "success", end.error
    assert timeline.now > MIDNIGHT
    assert list(sim.state.jobs) == [end.value]


@deferrable_or_not
def test_quota_error_is_raised_without_wait_for_quota(
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
def test_other_400_fails_at_once_with_the_response_text(
    create: Create, sim: Simulator, timeline: Any, words: str, deferrable: bool
) -> None:
    sim.faults.add(Fault(status=400, body={"message": words, "code": 20001, "status": 400}, method="POST"))

    end = create(deferrable=deferrable)

    assert end.state == "failed"
    assert words in str(end.error)
    assert timeline.passed == 0
    assert len(sim.requests.matching(method="POST")) == 1


def test_days_stay_the_same_when_templates_change_after_the_wait(
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


def test_days_submitted_before_the_quota_error_are_adopted(create: Create, sim: Simulator) -> None:
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
