"""One job per task: retries and cleared tasks find it again, anything else gets its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_bulkexports.simulator import Fault, Simulator

Create = Callable[..., Any]


def only_job(sim: Simulator) -> Any:
    (job,) = sim.state.jobs.values()
    return job


def test_a_task_submits_one_job_and_returns_its_sid(create: Create, sim: Simulator) -> None:
    end = create()

    assert end.state == "success", end.error
    assert type(end.value) is str
    assert end.value == only_job(sim).sid
    asked = only_job(sim).request
    assert (asked.resource_type, str(asked.start_day), str(asked.end_day)) == ("Messages", "2026-01-01", "2026-01-07")


def test_the_friendly_name_says_whose_job_it_is(create: Create, sim: Simulator) -> None:
    create()

    assert re.fullmatch(r"exports\.create \[af-20261124-[0-9a-f]{10}\]", only_job(sim).request.friendly_name)


def test_the_friendly_name_may_be_the_user_s_but_keeps_the_marker(create: Create, sim: Simulator) -> None:
    create(friendly_name="nightly messages")

    assert re.fullmatch(r"nightly messages \[af-20261124-[0-9a-f]{10}\]", only_job(sim).request.friendly_name)


@pytest.mark.parametrize("name", ["n" * 200, "Übersicht für die Märkte von Zürich bis Åland " * 3, "\n\t", "日次"])
def test_any_friendly_name_fits_into_64_plain_characters(create: Create, sim: Simulator, name: str) -> None:
    assert create(friendly_name=name).state == "success"

    given = only_job(sim).request.friendly_name
    assert len(given) <= 64
    assert given.isascii()
    assert given.isprintable()
    assert re.search(r"\[af-20261124-[0-9a-f]{10}\]$", given)


def test_long_dag_and_task_ids_fit_too(create: Create, sim: Simulator) -> None:
    end = create(dag_id="d" * 200, task_id="t" * 200)

    assert end.state == "success"
    assert create(dag_id="d" * 200, task_id="t" * 200).value == end.value


def test_a_second_attempt_adopts_the_first_job(create: Create, sim: Simulator, context: dict[str, Any]) -> None:
    first = create()
    context["ti"].try_number = 2

    assert create().value == first.value
    assert only_job(sim).sid == first.value


def test_a_task_that_is_cleared_days_later_adopts_its_finished_job(
    create: Create, sim: Simulator, timeline: Any
) -> None:
    first = create()
    sim.finish_jobs()
    timeline.advance(5 * 24 * 3600)

    assert create().value == first.value


def test_the_name_and_the_webhook_may_change_in_between(create: Create) -> None:
    first = create()

    changed = create(friendly_name="other", webhook_url="https://hooks.example.com", webhook_method="POST")

    assert changed.value == first.value


def test_two_mapped_tasks_that_want_the_same_days_share_one_job(
    create: Create, sim: Simulator, context: dict[str, Any]
) -> None:
    first = create()
    context["ti"].map_index = 1

    assert create().value == first.value


@pytest.mark.parametrize(
    "other",
    [
        {"run_id": "scheduled__2026-01-08"},
        {"task_id": "create_again"},
        {"dag_id": "other_exports"},
        {"end_day": "2026-01-06"},
        {"start_day": "2026-01-02"},
        {"resource_type": "Calls"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_another_task_gets_a_job_of_its_own(create: Create, sim: Simulator, other: dict[str, str]) -> None:
    first, second = create(), create(**other)

    assert first.value != second.value
    assert set(sim.state.jobs) == {first.value, second.value}


def test_if_exists_submit_makes_a_new_job_each_time(create: Create, sim: Simulator) -> None:
    sids = {create(if_exists="submit").value for _ in range(3)}

    assert len(sids) == 3
    assert set(sim.state.jobs) == sids


def cleared(context: dict[str, Any]) -> None:
    """What Airflow does to a task that is cleared, with no retries."""
    context["ti"].max_tries = context["ti"].try_number
    context["ti"].try_number += 1


def test_a_cleared_task_that_submits_anew_makes_a_new_job(
    create: Create, sim: Simulator, context: dict[str, Any]
) -> None:
    first = create(if_exists="submit").value
    cleared(context)

    assert create(if_exists="submit").value != first
    assert len(sim.state.jobs) == 2


@pytest.mark.parametrize("fault", [{"drop": True}, {"status": 503}], ids=str)
def test_a_fresh_snapshot_whose_answer_was_lost_is_one_new_job(
    create: Create, sim: Simulator, context: dict[str, Any], fault: dict[str, Any]
) -> None:
    context["ti"].max_tries = 1
    old = create(if_exists="submit").value
    cleared(context)
    context["ti"].max_tries += 1
    # Neither the answer nor the list is to be had in this try.
    sim.faults.add(Fault(**fault, method="POST", processed=True), Fault(status=503, method="GET", after=1, times=None))

    lost = create(if_exists="submit")
    sim.faults.clear()
    context["ti"].try_number += 1
    retried = create(if_exists="submit")

    assert lost.state == "up_for_retry"
    assert retried.state == "success", retried.error
    assert set(sim.state.jobs) == {old, retried.value}


def test_days_that_failed_are_submitted_again_and_both_jobs_returned(create: Create, sim: Simulator) -> None:
    sim.state.fail_day("Messages", "2026-01-03", times=1)
    first = create().value
    sim.finish_jobs()

    end = create()

    assert end.value == list(sim.state.jobs)
    assert end.value[0] == first
    again = sim.state.jobs[end.value[1]].request
    assert str(again.start_day) == str(again.end_day) == "2026-01-03"


def test_a_deleted_job_is_submitted_again(create: Create, sim: Simulator) -> None:
    first = create().value
    sim.state.delete_job(sim.account, first)

    end = create()

    assert type(end.value) is str
    assert end.value != first


@pytest.mark.parametrize(
    "fault",
    [
        {"drop": True},
        {"status": 500},
        {"status": 503, "headers": {"Retry-After": "30"}},
        {"status": 502, "body": "<html>Bad Gateway</html>"},
        {"status": 201, "body": "created!"},
        {"status": 201, "body": {}},
    ],
    ids=str,
)
@pytest.mark.parametrize("processed", [True, False], ids=["created", "not created"])
def test_a_lost_answer_leads_to_exactly_one_job(
    create: Create, sim: Simulator, fault: dict[str, Any], processed: bool
) -> None:
    sim.faults.add(Fault(**fault, method="POST", processed=processed))

    end = create()
    if end.state == "up_for_retry":
        end = create()

    assert end.state == "success", end.error
    assert end.value == only_job(sim).sid


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        ({"status": 400}, "failed"),
        ({"status": 401}, "failed"),
        ({"status": 403}, "failed"),
        ({"status": 404}, "failed"),
        ({"status": 429}, "up_for_retry"),
        ({"status": 503}, "up_for_retry"),
        ({"drop": True}, "up_for_retry"),
    ],
    ids=str,
)
def test_a_server_that_refuses_for_good_is_not_retried(
    create: Create, sim: Simulator, fault: dict[str, Any], state: str
) -> None:
    sim.faults.add(Fault(**fault, times=None))

    assert create().state == state


def test_a_manual_retry_after_hours_has_the_marker_of_the_day_of_its_submission(
    create: Create, sim: Simulator, timeline: Any
) -> None:
    timeline.advance(timedelta(hours=13).total_seconds())

    create()

    assert "[af-20261125-" in only_job(sim).request.friendly_name
