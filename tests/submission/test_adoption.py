"""A job that was submitted before is found, and nothing is submitted that is on its way."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from support.submissions import DAYS, LIST, Guard, posts, request

from airflow_provider_bulkexports.exceptions import TaskKilledError
from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.simulator import Simulator


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
    assert len(sim.requests.matching(**LIST)) == 4, (
        "two lists of a page, before and after the submission, and one of two pages"
    )


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

    with pytest.raises(TaskKilledError, match="was killed"):
        submitted(request())

    assert posts(sim) == 0
