"""Every form of a job that was documented or observed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import requests

from airflow_provider_bulkexports.simulator import Simulator

Create = Callable[..., dict[str, Any]]


def fetch(api: requests.Session, sid: str) -> dict[str, Any]:
    job: dict[str, Any] = api.get(f"/Jobs/{sid}").json()
    return job


@pytest.mark.parametrize(
    ("knob", "shown"),
    [
        ("null", None),
        ("{}", {}),
        ("[{}]", [{}]),
        ("[]", []),
        ("filled", [{"status": "Submitted", "count": 1, "days": ["2026-11-01"]}]),
    ],
)
def test_details_on_create_follow_the_knob(sim: Simulator, create: Create, knob: Any, shown: Any) -> None:
    sim.knobs.details_on_create = knob
    assert create(EndDay="2026-11-01")["details"] == shown


def test_details_can_be_empty_at_first(sim: Simulator, create: Create, api: requests.Session) -> None:
    sim.knobs.details_delay_seconds = 10
    sid = create()["job_sid"]
    assert fetch(api, sid)["details"] is None
    assert api.get("/Messages/Jobs").json()["jobs"][0]["details"] is None
    sim.clock.advance(10)
    assert fetch(api, sid)["details"][0]["status"] == "Submitted"


def test_groups_have_ascending_days_and_cover_the_range(sim: Simulator, create: Create, api: requests.Session) -> None:
    sid = create(EndDay="2026-11-20")["job_sid"]
    sim.clock.advance(100)
    groups = fetch(api, sid)["details"]
    assert len(groups) > 1
    assert all(group["days"] == sorted(group["days"]) and group["count"] == len(group["days"]) for group in groups)
    assert sorted(day for group in groups for day in group["days"]) == [f"2026-11-{day:02d}" for day in range(1, 21)]


def test_days_of_a_group_can_be_null(sim: Simulator, create: Create, api: requests.Session) -> None:
    sim.knobs.details_days_null = True
    assert fetch(api, create()["job_sid"])["details"] == [{"status": "Submitted", "count": 7, "days": None}]


@pytest.mark.parametrize(
    ("spelling", "word"),
    [
        ("Pascal", "CompletedEmptyRecords"),
        ("UPPER", "COMPLETEDEMPTYRECORDS"),
        ("UPPER_SNAKE", "COMPLETED_EMPTY_RECORDS"),
        ("lower", "completedemptyrecords"),
    ],
)
def test_spelling_of_statuses_follows_the_knob(
    sim: Simulator, create: Create, api: requests.Session, spelling: Any, word: str
) -> None:
    sim.knobs.details_spelling = spelling
    sim.knobs.empty_rate = 1
    sid = create()["job_sid"]
    sim.finish_jobs()
    assert fetch(api, sid)["details"][0]["status"] == word


def test_status_can_be_an_unknown_word(sim: Simulator, create: Create, api: requests.Session) -> None:
    sim.knobs.details_words = {"Submitted": "Pending"}
    assert fetch(api, create()["job_sid"])["details"][0]["status"] == "Pending"


def test_days_can_be_missing_from_details(sim: Simulator, create: Create, api: requests.Session) -> None:
    sim.knobs.details_missing_days = 2
    (group,) = fetch(api, create()["job_sid"])["details"]
    assert group["count"] == 5
    assert group["days"][-1] == "2026-11-05"


def test_counts_can_be_strings(sim: Simulator, create: Create, api: requests.Session) -> None:
    sim.knobs.details_count_as_text = True
    assert fetch(api, create()["job_sid"])["details"][0]["count"] == "7"


@pytest.mark.parametrize("details", [None, {}, [], [{}], "x", 1, {"0": {"status": "Running"}}, [{"status": None}]])
def test_set_details_shows_any_json(sim: Simulator, create: Create, api: requests.Session, details: Any) -> None:
    sid = create()["job_sid"]
    sim.state.set_details(sid, details)
    assert fetch(api, sid)["details"] == details
    assert api.get("/Messages/Jobs").json()["jobs"][0]["details"] == details
    sim.state.clear_fields(sid)
    assert fetch(api, sid)["details"][0]["count"] == 7


def test_set_fields_shows_any_field(sim: Simulator, create: Create, api: requests.Session) -> None:
    sid = create()["job_sid"]
    sim.state.set_fields(sid, start_day=None, invented={"new": True})
    job = fetch(api, sid)
    assert (job["start_day"], job["invented"]) == (None, {"new": True})


def test_resource_type_can_be_null(sim: Simulator, create: Create, api: requests.Session) -> None:
    sim.knobs.resource_type_null = True
    assert create()["resource_type"] is None
    sim.finish_jobs()
    assert api.get("/Messages/Jobs").json()["jobs"][0]["resource_type"] is None
    assert api.get("/Messages/Days").json()["days"][0]["resource_type"] is None


def test_position_and_estimate_can_be_null_or_absent(sim: Simulator, create: Create) -> None:
    sim.knobs.position_and_eta = "null"
    job = create()
    assert job["job_queue_position"] is job["estimated_completion_time"] is None
    sim.knobs.position_and_eta = "absent"
    assert {"job_queue_position", "estimated_completion_time"}.isdisjoint(create())


@pytest.mark.parametrize("digits", [0, 3, 6, 9])
def test_estimate_has_the_digits_of_the_knob_and_no_zone(sim: Simulator, create: Create, digits: int) -> None:
    sim.knobs.eta_digits = digits
    fraction = rf"\.[0-9]{{{digits}}}" if digits else ""
    assert re.fullmatch(rf"2026-11-24T12:0\d:\d\d{fraction}", create()["estimated_completion_time"])


def test_estimate_of_an_unfinished_job_can_be_wrong(sim: Simulator, create: Create, api: requests.Session) -> None:
    sim.knobs.eta_error_seconds = -7200
    job = create()
    assert job["estimated_completion_time"].startswith("2026-11-24T10:")
    sim.finish_jobs()
    assert fetch(api, job["job_sid"])["estimated_completion_time"].startswith("2026-11-24T12:")


def test_days_end_as_scripted(sim: Simulator, create: Create, api: requests.Session) -> None:
    sim.state.fail_day("Messages", "2026-11-02")
    sid = create()["job_sid"]
    sim.state.empty_day("Messages", "2026-11-03")
    sim.state.fail_day("Calls", "2026-11-04")
    sim.finish_jobs()
    groups = {group["status"]: group["days"] for group in fetch(api, sid)["details"]}
    assert groups["Failed"] == ["2026-11-02"]
    assert groups["CompletedEmptyRecords"] == ["2026-11-03"]
    assert len(groups["Completed"]) == 5


def test_day_that_fails_once_succeeds_in_the_next_job(sim: Simulator, create: Create, api: requests.Session) -> None:
    sim.state.fail_day("Messages", "2026-11-02", times=1)
    outcomes = []
    for _ in range(2):
        sid = create(StartDay="2026-11-02", EndDay="2026-11-02")["job_sid"]
        sim.finish_jobs()
        outcomes.append(fetch(api, sid)["details"][0]["status"])
    assert outcomes == ["Failed", "Completed"]


def test_script_does_not_change_a_finished_day(sim: Simulator, create: Create, api: requests.Session) -> None:
    sid = create()["job_sid"]
    sim.finish_jobs()
    sim.state.fail_day("Messages", "2026-11-02")
    assert fetch(api, sid)["details"][0]["count"] == 7


@pytest.mark.parametrize("script", ["error_day", "fail_day"])
def test_error_day_and_failed_day_pass_error_during_run(
    sim: Simulator, create: Create, api: requests.Session, script: str
) -> None:
    getattr(sim.state, script)("Messages", "2026-11-02")
    sid = create(StartDay="2026-11-02", EndDay="2026-11-02")["job_sid"]
    seen: list[str] = []
    while not seen or seen[-1] not in ("Completed", "Failed"):
        status = fetch(api, sid)["details"][0]["status"]
        seen += [] if seen[-1:] == [status] else [status]
        sim.clock.advance(5)
    last = "Failed" if script == "fail_day" else "Completed"
    assert seen == ["Submitted", "Running", "ErrorDuringRun", "Running", last]


def test_details_can_be_an_object_by_status(sim: Simulator, create: Create, api: requests.Session) -> None:
    sim.knobs.details_shape = "by_status"
    sim.state.fail_day("Messages", "2026-11-02")
    sid = create(EndDay="2026-11-03")["job_sid"]
    assert fetch(api, sid)["details"]["Submitted"]["count"] == 3
    sim.finish_jobs()
    assert fetch(api, sid)["details"] == {
        "Completed": {"count": 2, "days": ["2026-11-01", "2026-11-03"]},
        "Failed": {"count": 1, "days": ["2026-11-02"]},
    }
