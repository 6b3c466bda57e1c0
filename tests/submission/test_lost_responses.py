"""A job is submitted once, whatever becomes of the answer."""

from __future__ import annotations

from typing import Any

import pytest
from support.submissions import CREATE, LIST, Guard, posts, request

from airflow_provider_bulkexports.exceptions import (
    BulkExportsAPIError,
    BulkExportsAuthError,
    BulkExportsConnectionError,
    BulkExportsError,
    BulkExportsQuotaError,
    BulkExportsRateLimitError,
    BulkExportsServerError,
)
from airflow_provider_bulkexports.simulator import Fault, Simulator

OUTCOME_UNKNOWN: dict[str, dict[str, Any]] = {
    "dropped": {"drop": True},
    "dropped midway": {"drop_at": 20},
    "500": {"status": 500},
    "503": {"status": 503},
    "gateway page": {"status": 502, "body": "<html>Bad Gateway</html>"},
    "201 with garbage": {"status": 201, "body": "created!"},
    "201 with half a body": {"status": 201, "body": '{"job_sid": "JS12', "content_type": "application/json"},
    "201 without a sid": {"status": 201, "body": {"friendly_name": "nightly"}},
    "201 without a body": {"status": 201, "body": ""},
    "302": {"status": 302, "headers": {"Location": "/login"}},
}


@pytest.mark.parametrize("fault", OUTCOME_UNKNOWN.values(), ids=OUTCOME_UNKNOWN)
def test_a_lost_answer_is_looked_up_and_not_posted_again(sim: Simulator, submitted: Any, fault: dict[str, Any]) -> None:
    sim.faults.add(Fault(**CREATE, **fault, processed="drop_at" not in fault))

    (sid,) = submitted(request())

    assert list(sim.state.jobs) == [sid]
    assert posts(sim) == 1


NEVER_ARRIVED = {name: fault for name, fault in OUTCOME_UNKNOWN.items() if "drop_at" not in fault}


ANSWERED = ("500", "503", "gateway page")

NEVER_ARRIVED |= {
    "408": {"status": 408},
    "421": {"status": 421},
    "425": {"status": 425},
    "507": {"status": 507},
    "520": {"status": 520, "body": "<html>Unknown</html>"},
    "529": {"status": 529},
}


@pytest.mark.parametrize(("name", "fault"), NEVER_ARRIVED.items(), ids=NEVER_ARRIVED)
def test_a_submission_that_surely_failed_is_sent_once_more(
    sim: Simulator, submitted: Any, guard: Guard, name: str, fault: dict[str, Any]
) -> None:
    sim.faults.add(Fault(**CREATE, **fault))

    (sid,) = submitted(request())

    assert list(sim.state.jobs) == [sid]
    assert posts(sim) == 2
    is_answered = name in ANSWERED or (name.isdigit() and name != "302")
    assert (120 if is_answered else 300) <= sum(guard.slept) <= (180 if is_answered else 375)


@pytest.mark.parametrize("fault", NEVER_ARRIVED.values(), ids=NEVER_ARRIVED)
def test_a_submission_is_sent_twice_at_most(sim: Simulator, submitted: Any, fault: dict[str, Any]) -> None:
    sim.faults.add(Fault(**CREATE, **fault, times=None))

    with pytest.raises(BulkExportsConnectionError, match="next try looks for the job again") as error:
        submitted(request())

    assert error.value.is_transient
    assert posts(sim) == 2
    assert not sim.state.jobs


def test_a_submission_is_looked_for_right_before_it_is_sent_again(sim: Simulator, submitted: Any) -> None:
    sim.faults.add(Fault(**CREATE, status=503))

    submitted(request())

    kinds = [entry.method for entry in sim.requests]
    second = len(kinds) - 1 - kinds[::-1].index("POST")
    assert kinds[second - 1] == "GET"


def test_a_job_that_appears_after_all_is_not_submitted_again(sim: Simulator, submitted: Any) -> None:
    """The request was on its way for minutes."""
    sim.knobs.list_delay_seconds = 250
    sim.faults.add(Fault(**CREATE, drop=True, processed=True))

    (sid,) = submitted(request())

    assert list(sim.state.jobs) == [sid]
    assert posts(sim) == 1


def test_the_simulator_s_own_lost_answer_makes_one_job(sim: Simulator, submitted: Any) -> None:
    sim.knobs.drop_create_answer = True

    (sid,) = submitted(request())

    assert list(sim.state.jobs) == [sid]


def test_a_lost_answer_to_a_fresh_snapshot_is_not_mistaken_for_the_old_job(sim: Simulator, submitted: Any) -> None:
    (first,) = submitted(request())
    sim.faults.add(Fault(**CREATE, drop=True, processed=True))

    (second,) = submitted(request(adopts=()))

    assert first != second
    assert set(sim.state.jobs) == {first, second}


def test_a_lost_answer_about_failed_days_is_not_mistaken_for_the_first_job(sim: Simulator, submitted: Any) -> None:
    sim.state.fail_day("Messages", "2026-01-02", times=1)
    (first,) = submitted(request())
    sim.finish_jobs()
    sim.faults.add(Fault(**CREATE, status=503, processed=True))

    sids = submitted(request())

    assert sids == [first, *set(sim.state.jobs).difference([first])]


def test_too_many_requests_were_not_processed_and_are_sent_again(sim: Simulator, submitted: Any) -> None:
    sim.faults.add(Fault(**CREATE, status=429, times=3))

    (sid,) = submitted(request())

    assert list(sim.state.jobs) == [sid]
    assert posts(sim) == 4


def test_submissions_refused_with_429_for_minutes_are_taken_for_spent_quota(
    sim: Simulator, submitted: Any, guard: Guard
) -> None:
    sim.faults.add(Fault(**CREATE, status=429, times=None))

    with pytest.raises(BulkExportsQuotaError) as error:
        submitted(request())

    assert error.value.is_transient, "where it is not waited for, a retry may mend an overload"
    assert "answered so to every submission for minutes" in str(error.value)
    assert sum(guard.slept) > 400
    assert len(sim.state.jobs) == 0


def test_an_overload_that_hits_every_request_is_not_taken_for_the_quota(sim: Simulator, submitted: Any) -> None:
    sim.faults.add(Fault(**CREATE, status=429, times=None), Fault(**LIST, status=429, after=1, times=None))

    with pytest.raises(BulkExportsRateLimitError):
        submitted(request())


def test_an_overload_that_passes_within_minutes_is_survived(sim: Simulator, submitted: Any, guard: Guard) -> None:
    sim.faults.add(Fault(**CREATE, status=429, times=None))
    guard.agenda.append((200, sim.faults.clear))

    (sid,) = submitted(request())

    assert list(sim.state.jobs) == [sid]


@pytest.mark.parametrize(("status", "error"), [(400, BulkExportsAPIError), (401, BulkExportsAuthError)])
def test_a_refusal_is_final_and_nothing_is_looked_up(
    sim: Simulator, submitted: Any, status: int, error: type[BulkExportsError]
) -> None:
    sim.faults.add(Fault(**CREATE, status=status))

    with pytest.raises(error) as refusal:
        submitted(request())

    assert not refusal.value.is_transient
    assert len(sim.requests) == 2


def test_nothing_is_submitted_while_the_list_cannot_be_read(sim: Simulator, submitted: Any) -> None:
    sim.faults.add(Fault(**LIST, status=503, times=None))

    with pytest.raises(BulkExportsServerError):
        submitted(request())

    assert posts(sim) == 0


def test_the_look_up_outlasts_an_outage_of_ten_minutes(sim: Simulator, submitted: Any, guard: Guard) -> None:
    sim.faults.add(Fault(**CREATE, drop=True, processed=True), Fault(**LIST, status=503, after=1, times=None))
    guard.agenda.append((600, sim.faults.clear))

    (sid,) = submitted(request())

    assert list(sim.state.jobs) == [sid]
    assert posts(sim) == 1


@pytest.mark.parametrize("fault", [{"drop": True}, {"status": 503}], ids=str)
@pytest.mark.parametrize("outage", [300, 700])
def test_absence_is_believed_after_an_outage_too_and_it_is_submitted_again(
    sim: Simulator, submitted: Any, guard: Guard, outage: float, fault: dict[str, Any]
) -> None:
    sim.faults.add(Fault(**CREATE, **fault, times=1), Fault(**LIST, status=503, after=1, times=None))
    guard.agenda.append((outage, sim.faults.clear))

    (sid,) = submitted(request())

    assert list(sim.state.jobs) == [sid]
    assert posts(sim) == 2


def test_a_job_that_twilio_lists_a_little_later_is_found(sim: Simulator, submitted: Any) -> None:
    sim.knobs.list_delay_seconds = 90
    sim.faults.add(Fault(**CREATE, status=503, processed=True))

    (sid,) = submitted(request())

    assert list(sim.state.jobs) == [sid]
    assert posts(sim) == 1


def test_when_it_cannot_be_told_the_error_says_what_the_next_try_does(
    sim: Simulator, submitted: Any, guard: Guard
) -> None:
    sim.faults.add(Fault(**CREATE, drop=True, processed=True), Fault(**LIST, status=503, after=1, times=None))

    with pytest.raises(BulkExportsConnectionError) as error:
        submitted(request())

    assert error.value.is_transient
    assert "cannot be told whether Twilio created 'nightly [af-20261124-0123456789]'" in str(error.value)
    assert "Twilio's list could not be read" in str(error.value)
    assert "next try looks for the job again before it submits" in str(error.value)
    assert sum(guard.slept) > 700

    sim.faults.clear()
    (sid,) = submitted(request(), is_retry=True)
    assert list(sim.state.jobs) == [sid]


def test_lost_credentials_end_the_look_up_at_once(sim: Simulator, submitted: Any, guard: Guard) -> None:
    sim.faults.add(Fault(**CREATE, drop=True, processed=True), Fault(**LIST, status=401, after=1, times=None))

    with pytest.raises(BulkExportsAuthError):
        submitted(request())

    assert guard.slept == []
