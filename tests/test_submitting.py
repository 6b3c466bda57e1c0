"""A job is submitted once, whatever becomes of the answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.api.models import DayRange, ResourceType
from airflow_provider_bulkexports.cancelling import JobGuard
from airflow_provider_bulkexports.exceptions import (
    BulkExportsAPIError,
    BulkExportsAuthError,
    BulkExportsConnectionError,
    BulkExportsError,
    BulkExportsQuotaError,
    BulkExportsRateLimitError,
    BulkExportsResponseError,
    BulkExportsServerError,
)
from airflow_provider_bulkexports.failures import BulkExportsTaskError
from airflow_provider_bulkexports.simulator import Fault, Simulator
from airflow_provider_bulkexports.submitting import ExportRequest, submit

DAYS = DayRange(date(2026, 1, 1), date(2026, 1, 3))
CREATE = {"method": "POST", "path": r"/v1/Exports/Messages/Jobs"}
LIST = {"method": "GET", "path": r"/v1/Exports/Messages/Jobs"}


class Log:
    def info(self, message: str, *args: Any) -> None:
        print(message % args)

    warning = info


def request(identity: str = "0123456789", *, adopts: Any = None, **changes: Any) -> ExportRequest:
    wanted = {"resource_type": ResourceType.MESSAGES, "days": DAYS, "name": "nightly"} | changes
    return ExportRequest(**wanted, identity=identity, adopts=(identity,) if adopts is None else adopts)


class Guard(JobGuard):
    """A guard whose sleep moves the simulator's clock, and does what is planned for a moment of it."""

    def __init__(self, client: BulkExportsClient, sim: Simulator) -> None:
        super().__init__(client, Log())
        self.slept: list[float] = []
        self.agenda: list[tuple[float, Callable[[], Any]]] = []
        self._clock = sim.clock

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._clock.advance(seconds)
        while self.agenda and sum(self.slept) >= self.agenda[0][0]:
            self.agenda.pop(0)[1]()


@pytest.fixture
def guard(client: BulkExportsClient, sim: Simulator) -> Guard:
    return Guard(client, sim)


@pytest.fixture
def submitted(sim: Simulator, client: BulkExportsClient, guard: Guard) -> Any:
    """Submit a request and return the job sids."""

    def run(request: ExportRequest, **how: Any) -> list[str]:
        return submit(client, request, today=sim.clock.now().date(), log=Log(), guard=guard, **how)

    return run


def posts(sim: Simulator) -> int:
    return len(sim.requests.matching(method="POST"))


def test_the_job_on_the_server_is_what_was_asked_for(sim: Simulator, submitted: Any) -> None:
    hook = {"webhook_url": "https://hooks.example.com/x", "webhook_method": "POST", "email": "data@example.com"}

    (sid,) = submitted(request(**hook))

    asked = sim.state.jobs[sid].request
    assert (asked.resource_type, asked.start_day, asked.end_day) == ("Messages", DAYS.start, DAYS.end)
    assert asked.friendly_name == "nightly [af-20261124-0123456789]"
    assert (asked.webhook_url, asked.webhook_method, asked.email) == tuple(hook.values())


def test_a_second_submission_adopts_the_first(sim: Simulator, submitted: Any) -> None:
    assert submitted(request()) == submitted(request())
    assert len(sim.state.jobs) == 1


def test_a_finished_job_is_adopted_as_long_as_twilio_lists_it(sim: Simulator, submitted: Any) -> None:
    first = submitted(request())
    sim.finish_jobs()
    sim.clock.advance(6 * 24 * 3600)
    assert submitted(request()) == first

    sim.clock.advance(2 * 24 * 3600)
    assert submitted(request()) != first


def test_a_job_far_down_the_list_is_found(sim: Simulator, submitted: Any) -> None:
    first = submitted(request())
    sim.knobs.quota_days = 10**6
    for _ in range(1100):
        sim.create_job("Messages", "2026-01-01", "2026-01-01")
    sim.knobs.newest_job_first = True

    assert submitted(request()) == first
    assert len(sim.requests.matching(**LIST)) == 3, "the first list, and two pages"


@pytest.mark.parametrize(
    "other", [{"identity": "9876543210"}, {"resource_type": ResourceType.CALLS}], ids=["identity", "resource type"]
)
def test_another_task_s_job_is_left_alone(sim: Simulator, submitted: Any, other: dict[str, Any]) -> None:
    assert submitted(request()) != submitted(request(**other))
    assert len(sim.state.jobs) == 2


def test_a_name_like_ours_without_the_marker_is_not_ours(sim: Simulator, submitted: Any) -> None:
    foreign = sim.create_job("Messages", "2026-01-01", "2026-01-03", FriendlyName="nightly").sid

    assert submitted(request()) != [foreign]


def test_submitting_anew_leaves_the_old_job_alone(sim: Simulator, submitted: Any) -> None:
    first = submitted(request())

    second = submitted(request(adopts=()))

    assert first != second
    assert set(sim.state.jobs) == {*first, *second}


def test_only_failed_days_are_submitted_again(sim: Simulator, submitted: Any) -> None:
    sim.state.fail_day("Messages", "2026-01-02", times=1)
    (first,) = submitted(request())
    sim.finish_jobs()

    sids = submitted(request())

    assert sids[0] == first
    again = sim.state.jobs[sids[1]].request
    assert (again.start_day, again.end_day) == (date(2026, 1, 2), date(2026, 1, 2))
    assert submitted(request()) == sids, "and once only"


def test_failed_days_with_good_ones_between_are_a_job_each(sim: Simulator, submitted: Any) -> None:
    for day in ("2026-01-01", "2026-01-03"):
        sim.state.fail_day("Messages", day, times=1)
    submitted(request())
    sim.finish_jobs()

    assert len(submitted(request())) == 3


def test_a_deleted_job_is_submitted_again(sim: Simulator, submitted: Any) -> None:
    (first,) = submitted(request())
    sim.state.delete_job(sim.account, first)

    (second,) = submitted(request())

    assert first != second


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


@pytest.mark.parametrize("fault", NEVER_ARRIVED.values(), ids=NEVER_ARRIVED)
def test_a_submission_that_never_arrived_is_left_to_the_retry(
    sim: Simulator, submitted: Any, fault: dict[str, Any]
) -> None:
    sim.faults.add(Fault(**CREATE, **fault))

    with pytest.raises((BulkExportsConnectionError, BulkExportsServerError, BulkExportsResponseError)) as error:
        submitted(request())

    assert error.value.is_transient
    assert len(sim.state.jobs) == 0
    assert posts(sim) == 1

    (sid,) = submitted(request())
    assert list(sim.state.jobs) == [sid]


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


def test_a_readable_list_without_the_job_is_believed_after_two_minutes(
    sim: Simulator, submitted: Any, guard: Guard
) -> None:
    sim.faults.add(Fault(**CREATE, drop=True))

    with pytest.raises(BulkExportsConnectionError, match="Twilio does not list it"):
        submitted(request())

    assert 120 <= sum(guard.slept) <= 180


def test_lost_credentials_end_the_look_up_at_once(sim: Simulator, submitted: Any, guard: Guard) -> None:
    sim.faults.add(Fault(**CREATE, drop=True, processed=True), Fault(**LIST, status=401, after=1, times=None))

    with pytest.raises(BulkExportsAuthError):
        submitted(request())

    assert guard.slept == []


def test_a_retry_looks_twice_as_the_try_before_may_have_died_right_after_its_post(
    sim: Simulator, submitted: Any
) -> None:
    sim.knobs.list_delay_seconds = 20
    first = submitted(request())

    assert submitted(request(), is_retry=True) == first


def test_a_retry_that_finds_its_job_at_once_does_not_wait(submitted: Any, guard: Guard) -> None:
    first = submitted(request())

    assert submitted(request(), is_retry=True) == first
    assert guard.slept == []


def test_of_two_equal_jobs_the_older_is_used_and_a_warning_names_both(
    sim: Simulator, submitted: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "nightly [af-20261124-0123456789]"
    older = sim.create_job("Messages", "2026-01-01", "2026-01-03", FriendlyName=name).sid
    newer = sim.create_job("Messages", "2026-01-01", "2026-01-03", FriendlyName=name).sid
    sim.knobs.newest_job_first = True

    assert submitted(request()) == [older]

    warning = next(line for line in capsys.readouterr().out.splitlines() if "not needed" in line)
    assert newer in warning
    assert f"{older} stays in use" in warning
    assert len(sim.state.jobs) == 2


def test_after_a_kill_nothing_is_submitted(sim: Simulator, submitted: Any, guard: Guard) -> None:
    guard.kill()

    with pytest.raises(BulkExportsTaskError, match="was killed"):
        submitted(request())

    assert posts(sim) == 0
