"""Every form of ``details`` leads to the same result in every mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_bulkexports.simulator import Simulator

DAYS = ["2026-01-01", "2026-01-02", "2026-01-03"]
COMPLETED, EMPTY = ["2026-01-01", "2026-01-03"], ["2026-01-02"]

Wait = Callable[..., Any]


def group(status: str, named: list[str], **changes: Any) -> dict[str, Any]:
    return {"status": status, "count": len(named), "days": named} | changes


FINAL_SHAPES = {
    "groups": [group("Completed", COMPLETED), group("CompletedEmptyRecords", EMPTY)],
    "days out of order": [group("CompletedEmptyRecords", EMPTY), group("Completed", COMPLETED[::-1])],
    "a group for each day": [group("Completed", [day]) for day in COMPLETED] + [group("CompletedEmptyRecords", EMPTY)],
    "days null": [group("Completed", COMPLETED, days=None), group("CompletedEmptyRecords", EMPTY, days=None)],
    "days null in one group": [group("Completed", COMPLETED), group("CompletedEmptyRecords", EMPTY, days=None)],
    "no days": [{"status": "Completed", "count": 2}, {"status": "CompletedEmptyRecords", "count": 1}],
    "counts as text": [group("Completed", COMPLETED, count="2"), group("CompletedEmptyRecords", EMPTY, count="1")],
    "no counts": [{"status": "Completed", "days": COMPLETED}, {"status": "CompletedEmptyRecords", "days": EMPTY}],
    "an object around the array": {"details": [group("Completed", COMPLETED), group("CompletedEmptyRecords", EMPTY)]},
    "an object by number": {"0": group("Completed", COMPLETED), "1": group("CompletedEmptyRecords", EMPTY)},
    "unknown fields": [
        group("Completed", COMPLETED, note={"a": [1]}),
        group("CompletedEmptyRecords", EMPTY, size=0),
        {},
    ],
    "UPPERCASE": [group("COMPLETED", COMPLETED), group("COMPLETEDEMPTYRECORDS", EMPTY)],
    "UPPER_SNAKE": [group("COMPLETED", COMPLETED), group("COMPLETED_EMPTY_RECORDS", EMPTY)],
    "lowercase": [group("completed", COMPLETED), group("completedemptyrecords", EMPTY)],
    "with spaces": [group(" Completed ", COMPLETED), group("Completed Empty Records", EMPTY)],
}

NO_INFORMATION = {"null": None, "{}": {}, "[]": [], "[{}]": [{}]}

UNFINISHED_SHAPES = {
    **NO_INFORMATION,
    "submitted": [group("Submitted", DAYS)],
    "submitted, days null": [group("Submitted", DAYS, days=None)],
    "running": [group("Completed", DAYS[:2]), group("Running", DAYS[2:])],
    "ErrorDuringRun": [group("Completed", DAYS[:2]), group("ErrorDuringRun", DAYS[2:])],
    "ERROR_DURING_RUN": [group("Completed", DAYS[:2]), group("ERROR_DURING_RUN", DAYS[2:])],
    "only ErrorDuringRun": [group("ErrorDuringRun", DAYS)],
    "an unknown word": [group("Completed", DAYS[:2]), group("Archiving", DAYS[2:])],
    "another client's word": [group("Completed", DAYS[:2]), group("InProgress", DAYS[2:])],
    "a day unaccounted for": [group("Completed", DAYS[:2])],
    "a day unaccounted for, days null": [group("Completed", DAYS[:2], days=None)],
    "a failed day, others running": [group("Failed", DAYS[:1]), group("Running", DAYS[1:])],
    "a failed day, others unaccounted for": [group("Failed", DAYS[:1])],
    "a status that is null": [group("Completed", DAYS[:2]), {"status": None, "count": 1, "days": DAYS[2:]}],
}


@pytest.fixture
def job_sid(sim: Simulator) -> str:
    """A finished job whose second day has no records."""
    sim.state.empty_day("Messages", EMPTY[0])
    sid = sim.create_job("Messages", DAYS[0], DAYS[-1]).sid
    sim.knobs.hide_empty_days = True
    sim.finish_jobs()
    return sid


@pytest.mark.parametrize("details", FINAL_SHAPES.values(), ids=FINAL_SHAPES)
def test_final_days_are_the_result_of_the_first_poll(
    wait_for: Wait, sim: Simulator, timeline: Any, job_sid: str, details: Any
) -> None:
    sim.state.set_details(job_sid, details)

    end = wait_for(job_sid)

    assert end.state == "success", end.error
    assert (end.value["completed"], end.value["empty"], end.value["failed"]) == (COMPLETED, EMPTY, [])
    assert timeline.passed == 0


@pytest.mark.parametrize("details", UNFINISHED_SHAPES.values(), ids=UNFINISHED_SHAPES)
def test_unfinished_days_are_waited_for(
    wait_for: Wait, sim: Simulator, timeline: Any, job_sid: str, details: Any
) -> None:
    sim.state.set_details(job_sid, details)
    timeline.after(150, lambda: sim.state.clear_fields(job_sid))

    end = wait_for(job_sid)

    assert end.state == "success", end.error
    assert (end.value["completed"], end.value["empty"], end.value["failed"]) == (COMPLETED, EMPTY, [])
    assert 150 <= timeline.passed <= 240


def test_result_has_all_keys(wait_for: Wait, sim: Simulator, job_sid: str) -> None:
    assert wait_for(job_sid).value == {
        "job_sids": [job_sid],
        "resource_type": "Messages",
        "start_day": DAYS[0],
        "end_day": DAYS[-1],
        "completed": COMPLETED,
        "empty": EMPTY,
        "failed": [],
        "expires_at": "2026-12-01T00:00:00+00:00",
    }


def test_job_without_type_and_days_gets_those_of_the_sensor(wait_for: Wait, sim: Simulator, job_sid: str) -> None:
    sim.state.set_fields(job_sid, resource_type=None, start_day=None, end_day=None)

    end = wait_for(job_sid, resource_type="Messages", start_day=DAYS[0], end_day=DAYS[-1])

    assert end.state == "success", end.error
    assert (end.value["resource_type"], end.value["completed"]) == ("Messages", COMPLETED)


def test_job_without_days_asks_for_them(wait_for: Wait, sim: Simulator, job_sid: str) -> None:
    sim.state.set_fields(job_sid, start_day=None, end_day=None)

    end = wait_for(job_sid)

    assert end.state == "failed"
    assert f"Twilio does not say which days job {job_sid} covers. Pass start_day and end_day. [" in str(end.error)
