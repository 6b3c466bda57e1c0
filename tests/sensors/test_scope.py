"""What the sensor waits for: a part of a job, or several jobs together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timezone
from typing import Any

import pytest

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.sensors.bulkexports import ExportCustomJobSensor
from airflow_provider_bulkexports.simulator import Simulator

DAYS = [f"2026-01-0{number}" for number in range(1, 6)]
JOB = "JS" + "0" * 32

Wait = Callable[..., Any]


@pytest.fixture
def job_sid(sim: Simulator) -> str:
    return sim.create_job("Messages", DAYS[0], DAYS[-1]).sid


def shown(**days: list[str]) -> list[dict[str, Any]]:
    return [{"status": status, "count": len(named), "days": named} for status, named in days.items()]


@pytest.mark.parametrize(
    ("window", "days"),
    [
        ({"start_day": DAYS[1], "end_day": DAYS[2]}, DAYS[1:3]),
        ({"start_day": DAYS[3]}, DAYS[3:4]),
        ({"end_day": DAYS[0]}, DAYS[:1]),
    ],
)
def test_only_wanted_days_are_waited_for(
    wait_for: Wait, sim: Simulator, timeline: Any, job_sid: str, window: dict[str, str], days: list[str]
) -> None:
    sim.state.set_details(job_sid, shown(Completed=DAYS[:4], Running=DAYS[4:]))
    if window == {"start_day": DAYS[3]}:
        sim.state.set_fields(job_sid, end_day=DAYS[3])

    end = wait_for(job_sid, **window)

    assert end.state == "success", end.error
    assert (end.value["completed"], end.value["start_day"], end.value["end_day"]) == (days, days[0], days[-1])
    assert timeline.passed == 0


@pytest.mark.parametrize("status", ["Failed", "DeletedByUserRequest", "RunningToBeDeleted"])
def test_other_days_of_the_job_are_ignored(wait_for: Wait, sim: Simulator, job_sid: str, status: str) -> None:
    sim.state.set_details(job_sid, shown(**{"Completed": DAYS[:4], status: DAYS[4:]}))

    assert wait_for(job_sid, start_day=DAYS[0], end_day=DAYS[3]).state == "success"
    assert wait_for(job_sid, start_day=DAYS[3], end_day=DAYS[4]).state == "failed"


def test_wait_lasts_until_wanted_days_are_final(wait_for: Wait, sim: Simulator, timeline: Any, job_sid: str) -> None:
    sim.state.set_details(job_sid, shown(Completed=DAYS[:4], Running=DAYS[4:]))
    timeline.after(90, lambda: sim.state.set_details(job_sid, shown(Completed=DAYS)))

    end = wait_for(job_sid, start_day=DAYS[3], end_day=DAYS[4])

    assert end.value["completed"] == DAYS[3:]
    assert timeline.passed >= 90


@pytest.mark.parametrize("window", [{"start_day": "2025-12-30"}, {"end_day": "2026-01-07"}])
def test_days_outside_the_job_are_rejected(wait_for: Wait, job_sid: str, window: dict[str, str]) -> None:
    end = wait_for(job_sid, **window)

    assert end.state == "failed"
    assert "Not covered by" in str(end.error)
    assert f"({DAYS[0]} to {DAYS[-1]}): " in str(end.error)
    assert ". Correct start_day and end_day. [" in str(end.error)


def test_several_jobs_are_waited_for_together(wait_for: Wait, sim: Simulator, timeline: Any) -> None:
    early, late = (sim.create_job("Calls", *days).sid for days in ((DAYS[0], DAYS[1]), (DAYS[2], DAYS[4])))
    sim.state.set_details(early, shown(Completed=DAYS[:2]))
    sim.state.set_details(late, shown(Running=DAYS[2:]))
    timeline.after(90, lambda: sim.state.set_details(late, shown(Completed=DAYS[2:4], CompletedEmptyRecords=DAYS[4:])))

    end = wait_for([early, late])

    assert end.value["job_sids"] == [early, late]
    assert (end.value["completed"], end.value["empty"]) == (DAYS[:4], DAYS[4:])
    assert (end.value["start_day"], end.value["end_day"]) == (DAYS[0], DAYS[-1])
    assert timeline.passed >= 90


def test_day_failed_in_one_job_counts_from_another(wait_for: Wait, sim: Simulator, job_sid: str) -> None:
    again = sim.create_job("Messages", DAYS[1], DAYS[1]).sid
    sim.state.set_details(job_sid, shown(Completed=[DAYS[0], *DAYS[2:]], Failed=[DAYS[1]]))

    end = wait_for([job_sid, again])

    assert end.state == "success", end.error
    assert (end.value["completed"], end.value["failed"]) == (DAYS, [])


def test_gap_between_jobs_is_rejected(wait_for: Wait, sim: Simulator) -> None:
    sids = [sim.create_job("Calls", day, day).sid for day in (DAYS[0], DAYS[2])]

    end = wait_for(sids)

    assert end.state == "failed"
    assert f"): {DAYS[1]}. Correct start_day" in str(end.error)


def test_repeated_job_sid_counts_once(wait_for: Wait, job_sid: str) -> None:
    assert wait_for([job_sid, job_sid]).value["job_sids"] == [job_sid]


def test_job_of_another_resource_type_is_rejected(wait_for: Wait, job_sid: str) -> None:
    end = wait_for(job_sid, resource_type="Calls")

    assert end.state == "failed"
    assert str(end.error).startswith(f"Job {job_sid} exports Messages, not Calls. Correct resource_type. [connection ")


@pytest.mark.parametrize(
    "day", [date(2026, 1, 2), datetime(2026, 1, 2, 23, tzinfo=timezone.utc), "2026-01-02"], ids=str
)
def test_days_may_be_dates_and_moments(wait_for: Wait, job_sid: str, day: Any) -> None:
    assert wait_for(job_sid, start_day=day, end_day=day).value["completed"] == [DAYS[1]]


BAD_INPUT = {
    "no job sid": ({"job_sid": "JS123"}, "'JS' and 32 hexadecimal digits"),
    "an account sid": ({"job_sid": "AC" + "0" * 32}, "is not a job sid"),
    "nothing": ({"job_sid": ""}, "is not a job sid"),
    "no jobs": ({"job_sid": []}, "pass a job sid or a list of them"),
    "None": ({"job_sid": None}, "pass a job sid or a list of them"),
    "one bad sid of two": ({"job_sid": [JOB, "JS"]}, "is not a job sid"),
    "wrong case": ({"resource_type": "messages"}, "write 'Messages'"),
    "singular": ({"resource_type": "Call"}, "write 'Calls'"),
    "unknown type": ({"resource_type": "Conversations"}, "use one of 'Messages', 'Calls', 'Conferences'"),
    "no date": ({"start_day": "yesterday"}, "start_day 'yesterday' is not a day: write it as YYYY-MM-DD"),
    "no such day": ({"end_day": "2026-02-30"}, "end_day '2026-02-30' is not a valid date"),
    "naive time": ({"end_day": "2026-02-03T10:00"}, "has no time zone"),
    "reversed": ({"start_day": DAYS[1], "end_day": DAYS[0]}, "swap them"),
    "other word": ({"failed_days": "skip"}, "failed_days must be 'fail' or 'ignore'"),
}


@pytest.mark.parametrize(("wrong", "sentence"), BAD_INPUT.values(), ids=BAD_INPUT)
def test_invalid_input_is_rejected_at_parse_time(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BulkExportsInputError, match=sentence):
        ExportCustomJobSensor(task_id="wait", **({"job_sid": JOB} | wrong))


@pytest.mark.parametrize(("wrong", "sentence"), BAD_INPUT.values(), ids=BAD_INPUT)
def test_invalid_rendered_value_fails_without_retry_or_request(
    mode: str,
    sim: Simulator,
    connection: str,
    run_task: Wait,
    context: dict[str, Any],
    wrong: dict[str, Any],
    sentence: str,
) -> None:
    arguments = {"job_sid": JOB} | {name: "{{ params['" + name + "'] }}" for name in wrong}
    how = {"deferrable": True} if mode == "deferrable" else {"mode": mode}

    def rendered() -> ExportCustomJobSensor:
        sensor = ExportCustomJobSensor(task_id="wait", **arguments, **how)
        for name, value in wrong.items():  # as a template rendered to native objects, or an XComArg, leaves it
            setattr(sensor, name, value)
        return sensor

    end = run_task(rendered)

    assert end.state == "failed", end.error
    assert sentence.replace("\\", "") in str(end.error)
    assert len(sim.requests) == 0
