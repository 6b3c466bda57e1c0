"""A task finds the jobs that it submitted before, and submits only what none of them serves."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from support.submissions import DAYS, LIST, Guard, posts, request

from airflow_provider_bulkexports.exceptions import TaskKilledError
from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.simulator import Simulator


def test_submitted_job_has_all_requested_values(sim: Simulator, submitted: Any) -> None:
    options = {"webhook_url": "https://hooks.example.com/x", "webhook_method": "POST", "email": "data@example.com"}

    (sid,) = submitted(request(**options))

    sent = sim.state.jobs[sid].request
    assert (sent.resource_type, sent.start_day, sent.end_day) == ("Messages", DAYS.start, DAYS.end)
    assert sent.friendly_name == "nightly [af-20261124-0123456789]"
    assert (sent.webhook_url, sent.webhook_method, sent.email) == tuple(options.values())


def test_second_submission_adopts_the_first_job(sim: Simulator, submitted: Any) -> None:
    assert submitted(request()) == submitted(request())
    assert len(sim.state.jobs) == 1


def test_finished_job_is_adopted_while_twilio_lists_it(sim: Simulator, submitted: Any) -> None:
    first = submitted(request())
    sim.finish_jobs()
    sim.clock.advance(6 * 24 * 3600)
    assert submitted(request()) == first

    sim.clock.advance(2 * 24 * 3600)
    assert submitted(request()) != first


def test_job_on_a_later_page_is_found(sim: Simulator, submitted: Any) -> None:
    first = submitted(request())
    sim.knobs.quota_days = 10**6
    for _ in range(1100):
        sim.create_job("Messages", "2026-01-01", "2026-01-01")
    sim.knobs.newest_job_first = True

    assert submitted(request()) == first
    assert len(sim.requests.matching(**LIST)) == 4, (
        "two lists of a page, before and after the submission, and one of two pages"
    )


@pytest.mark.parametrize(
    "other", [{"identity": "9876543210"}, {"resource_type": ResourceType.CALLS}], ids=["identity", "resource type"]
)
def test_job_of_another_task_is_not_adopted(sim: Simulator, submitted: Any, other: dict[str, Any]) -> None:
    assert submitted(request()) != submitted(request(**other))
    assert len(sim.state.jobs) == 2


def test_job_with_our_name_but_no_marker_is_not_adopted(sim: Simulator, submitted: Any) -> None:
    foreign = sim.create_job("Messages", "2026-01-01", "2026-01-03", FriendlyName="nightly").sid

    assert submitted(request()) != [foreign]


def test_request_that_adopts_nothing_submits_a_new_job(sim: Simulator, submitted: Any) -> None:
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
    assert submitted(request()) == sids, "only once"


def test_each_gap_of_failed_days_is_a_job_of_its_own(sim: Simulator, submitted: Any) -> None:
    for day in ("2026-01-01", "2026-01-03"):
        sim.state.fail_day("Messages", day, times=1)
    submitted(request())
    sim.finish_jobs()

    assert len(submitted(request())) == 3


def test_deleted_job_is_submitted_again(sim: Simulator, submitted: Any) -> None:
    (first,) = submitted(request())
    sim.state.delete_job(sim.account, first)

    (second,) = submitted(request())

    assert first != second


def test_retry_waits_for_a_job_that_is_not_listed_yet(sim: Simulator, submitted: Any) -> None:
    """The previous attempt may have died right after its POST."""
    sim.knobs.list_delay_seconds = 20
    first = submitted(request())

    assert submitted(request(), is_retry=True) == first


def test_retry_that_finds_its_job_does_not_wait(submitted: Any, guard: Guard) -> None:
    first = submitted(request())

    assert submitted(request(), is_retry=True) == first
    assert guard.slept == []


def test_older_of_two_equal_jobs_is_used_with_a_warning(
    sim: Simulator, submitted: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "nightly [af-20261124-0123456789]"
    older = sim.create_job("Messages", "2026-01-01", "2026-01-03", FriendlyName=name).sid
    newer = sim.create_job("Messages", "2026-01-01", "2026-01-03", FriendlyName=name).sid
    sim.knobs.newest_job_first = True

    assert submitted(request()) == [older]

    warning = next(line for line in capsys.readouterr().out.splitlines() if "duplicate" in line)
    assert newer in warning
    assert f"Using {older}" in warning
    assert len(sim.state.jobs) == 2


def test_killed_task_submits_nothing(sim: Simulator, submitted: Any, guard: Guard) -> None:
    guard.kill()

    with pytest.raises(TaskKilledError, match="was killed"):
        submitted(request())

    assert posts(sim) == 0
