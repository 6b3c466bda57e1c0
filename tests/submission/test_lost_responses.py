"""A job is submitted once, whatever happens to the response."""

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
def test_job_of_a_lost_response_is_found_without_another_post(
    sim: Simulator, submitted: Any, fault: dict[str, Any]
) -> None:
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
def test_submission_confirmed_absent_is_sent_again(
    sim: Simulator, submitted: Any, guard: Guard, name: str, fault: dict[str, Any]
) -> None:
    sim.faults.add(Fault(**CREATE, **fault))

    (sid,) = submitted(request())

    assert list(sim.state.jobs) == [sid]
    assert posts(sim) == 2
    is_answered = name in ANSWERED or (name.isdigit() and name != "302")
    assert (120 if is_answered else 300) <= sum(guard.slept) <= (180 if is_answered else 375)


@pytest.mark.parametrize("fault", NEVER_ARRIVED.values(), ids=NEVER_ARRIVED)
def test_submission_is_sent_at_most_twice(sim: Simulator, submitted: Any, fault: dict[str, Any]) -> None:
    sim.faults.add(Fault(**CREATE, **fault, times=None))

    with pytest.raises(BulkExportsConnectionError, match="next attempt searches for the job again") as error:
        submitted(request())

    assert error.value.is_transient
    assert posts(sim) == 2
    assert not sim.state.jobs


def test_list_is_read_right_before_the_second_post(sim: Simulator, submitted: Any) -> None:
    sim.faults.add(Fault(**CREATE, status=503))

    submitted(request())

    kinds = [entry.method for entry in sim.requests]
    second = len(kinds) - 1 - kinds[::-1].index("POST")
    assert kinds[second - 1] == "GET"


def test_job_that_appears_after_minutes_is_not_submitted_again(sim: Simulator, submitted: Any) -> None:
    """The request was under way for minutes."""
    sim.knobs.list_delay_seconds = 250
    sim.faults.add(Fault(**CREATE, drop=True, processed=True))

    (sid,) = submitted(request())

    assert list(sim.state.jobs) == [sid]
    assert posts(sim) == 1


def test_simulated_lost_response_makes_one_job(sim: Simulator, submitted: Any) -> None:
    sim.knobs.drop_create_answer = True

    (sid,) = submitted(request())

    assert list(sim.state.jobs) == [sid]


def test_lost_response_of_a_new_job_does_not_match_the_old_one(sim: Simulator, submitted: Any) -> None:
    (first,) = submitted(request())
    sim.faults.add(Fault(**CREATE, drop=True, processed=True))

    (second,) = submitted(request(adopts=()))

    assert first != second
    assert set(sim.state.jobs) == {first, second}


def test_lost_response_for_failed_days_does_not_match_the_first_job(sim: Simulator, submitted: Any) -> None:
    sim.state.fail_day("Messages", "2026-01-02", times=1)
    (first,) = submitted(request())
    sim.finish_jobs()
    sim.faults.add(Fault(**CREATE, status=503, processed=True))

    sids = submitted(request())

    assert sids == [first, *set(sim.state.jobs).difference([first])]


def test_submission_is_repeated_after_429(sim: Simulator, submitted: Any) -> None:
    sim.faults.add(Fault(**CREATE, status=429, times=3))

    (sid,) = submitted(request())

    assert list(sim.state.jobs) == [sid]
    assert posts(sim) == 4


def test_429_for_minutes_on_submissions_only_is_a_quota_error(sim: Simulator, submitted: Any, guard: Guard) -> None:
    sim.faults.add(Fault(**CREATE, status=429, times=None))

    with pytest.raises(BulkExportsQuotaError) as error:
        submitted(request())

    assert error.value.is_transient, "without wait_for_quota, a retry may survive an overload"
    assert "rejected this way for several minutes" in str(error.value)
    assert sum(guard.slept) > 400
    assert len(sim.state.jobs) == 0


def test_429_on_every_request_is_not_a_quota_error(sim: Simulator, submitted: Any) -> None:
    sim.faults.add(Fault(**CREATE, status=429, times=None), Fault(**LIST, status=429, after=1, times=None))

    with pytest.raises(BulkExportsRateLimitError):
        submitted(request())


def test_429_that_passes_within_minutes_is_survived(sim: Simulator, submitted: Any, guard: Guard) -> None:
    sim.faults.add(Fault(**CREATE, status=429, times=None))
    guard.actions.append((200, sim.faults.clear))

    (sid,) = submitted(request())

    assert list(sim.state.jobs) == [sid]


def test_list_is_read_again_while_an_outage_follows_429(sim: Simulator, submitted: Any, guard: Guard) -> None:
    sim.faults.add(Fault(**CREATE, status=429, times=None), Fault(**LIST, status=503, after=1, times=None))
    guard.actions.append((40, sim.faults.clear))

    (sid,) = submitted(request())

    assert list(sim.state.jobs) == [sid]
    assert guard.slept[:2] == [15, 30]


def test_job_that_appears_during_429_is_adopted(sim: Simulator, submitted: Any, guard: Guard) -> None:
    sim.faults.add(Fault(**CREATE, status=429, times=None))
    name = "nightly [af-20261124-0123456789]"

    def submit_elsewhere() -> None:
        sim.faults.clear()
        sim.create_job("Messages", "2026-01-01", "2026-01-03", FriendlyName=name)

    guard.actions.append((10, submit_elsewhere))

    assert submitted(request()) == list(sim.state.jobs)
    assert len(sim.state.jobs) == 1


@pytest.mark.parametrize(("status", "error"), [(400, BulkExportsAPIError), (401, BulkExportsAuthError)])
def test_rejection_is_raised_without_a_search(
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


def test_search_outlasts_an_outage_of_ten_minutes(sim: Simulator, submitted: Any, guard: Guard) -> None:
    sim.faults.add(Fault(**CREATE, drop=True, processed=True), Fault(**LIST, status=503, after=1, times=None))
    guard.actions.append((600, sim.faults.clear))

    (sid,) = submitted(request())

    assert list(sim.state.jobs) == [sid]
    assert posts(sim) == 1


@pytest.mark.parametrize("fault", [{"drop": True}, {"status": 503}], ids=str)
@pytest.mark.parametrize("outage", [300, 700])
def test_absent_job_is_submitted_again_after_an_outage(
    sim: Simulator, submitted: Any, guard: Guard, outage: float, fault: dict[str, Any]
) -> None:
    sim.faults.add(Fault(**CREATE, **fault, times=1), Fault(**LIST, status=503, after=1, times=None))
    guard.actions.append((outage, sim.faults.clear))

    (sid,) = submitted(request())

    assert list(sim.state.jobs) == [sid]
    assert posts(sim) == 2


def test_job_listed_after_ninety_seconds_is_found(sim: Simulator, submitted: Any) -> None:
    sim.knobs.list_delay_seconds = 90
    sim.faults.add(Fault(**CREATE, status=503, processed=True))

    (sid,) = submitted(request())

    assert list(sim.state.jobs) == [sid]
    assert posts(sim) == 1


def test_unknown_outcome_is_an_error_that_names_the_next_step(sim: Simulator, submitted: Any, guard: Guard) -> None:
    sim.faults.add(Fault(**CREATE, drop=True, processed=True), Fault(**LIST, status=503, after=1, times=None))

    with pytest.raises(BulkExportsConnectionError) as error:
        submitted(request())

    assert error.value.is_transient
    assert "Cannot tell whether Twilio created 'nightly [af-20261124-0123456789]'" in str(error.value)
    assert "the Jobs list could not be read" in str(error.value)
    assert "next attempt searches for the job again before it submits" in str(error.value)
    assert sum(guard.slept) > 700

    sim.faults.clear()
    (sid,) = submitted(request(), is_retry=True)
    assert list(sim.state.jobs) == [sid]


def test_invalid_credentials_end_the_search_at_once(sim: Simulator, submitted: Any, guard: Guard) -> None:
    sim.faults.add(Fault(**CREATE, drop=True, processed=True), Fault(**LIST, status=401, after=1, times=None))

    with pytest.raises(BulkExportsAuthError):
        submitted(request())

    assert guard.slept == []
