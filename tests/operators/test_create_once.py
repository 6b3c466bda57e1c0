"""One job per task: retries and cleared tasks adopt it, any other task gets its own."""

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


def test_task_submits_one_job_and_returns_its_sid(create: Create, sim: Simulator) -> None:
    end = create()

    assert end.state == "success", end.error
    assert type(end.value) is str
    assert end.value == only_job(sim).sid
    sent = only_job(sim).request
    assert (sent.resource_type, str(sent.start_day), str(sent.end_day)) == ("Messages", "2026-01-01", "2026-01-07")


def test_friendly_name_defaults_to_dag_and_task_with_marker(create: Create, sim: Simulator) -> None:
    create()

    assert re.fullmatch(r"exports\.create \[af-20261124-[0-9a-f]{10}\]", only_job(sim).request.friendly_name)


def test_custom_friendly_name_keeps_the_marker(create: Create, sim: Simulator) -> None:
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


def test_long_dag_and_task_ids_fit(create: Create, sim: Simulator) -> None:
    end = create(dag_id="d" * 200, task_id="t" * 200)

    assert end.state == "success"
    assert create(dag_id="d" * 200, task_id="t" * 200).value == end.value


def test_second_attempt_adopts_the_first_job(create: Create, sim: Simulator, context: dict[str, Any]) -> None:
    first = create()
    context["ti"].try_number = 2

    assert create().value == first.value
    assert only_job(sim).sid == first.value


def test_task_cleared_days_later_adopts_its_finished_job(create: Create, sim: Simulator, timeline: Any) -> None:
    first = create()
    sim.finish_jobs()
    timeline.advance(5 * 24 * 3600)

    assert create().value == first.value


def test_changed_name_and_webhook_still_adopt_the_job(create: Create) -> None:
    first = create()

    changed = create(friendly_name="other", webhook_url="https://hooks.example.com", webhook_method="POST")

    assert changed.value == first.value


def test_mapped_tasks_with_the_same_days_share_one_job(create: Create, sim: Simulator, context: dict[str, Any]) -> None:
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
def test_any_other_task_gets_its_own_job(create: Create, sim: Simulator, other: dict[str, str]) -> None:
    first, second = create(), create(**other)

    assert first.value != second.value
    assert set(sim.state.jobs) == {first.value, second.value}


def test_if_exists_submit_makes_a_new_job_each_time(create: Create, sim: Simulator) -> None:
    sids = {create(if_exists="submit").value for _ in range(3)}

    assert len(sids) == 3
    assert set(sim.state.jobs) == sids


def cleared(context: dict[str, Any]) -> None:
    """Change the task instance as Airflow does when a task without retries is cleared."""
    context["ti"].max_tries = context["ti"].try_number
    context["ti"].try_number += 1


def test_cleared_task_with_if_exists_submit_makes_a_new_job(
    create: Create, sim: Simulator, context: dict[str, Any]
) -> None:
    first = create(if_exists="submit").value
    cleared(context)

    assert create(if_exists="submit").value != first
    assert len(sim.state.jobs) == 2


@pytest.mark.parametrize("fault", [{"drop": True}, {"status": 503}], ids=str)
def test_retry_with_if_exists_submit_adopts_the_job_of_a_lost_response(
    create: Create, sim: Simulator, context: dict[str, Any], fault: dict[str, Any]
) -> None:
    context["ti"].max_tries = 1
    old = create(if_exists="submit").value
    cleared(context)
    context["ti"].max_tries += 1
    # This attempt gets neither the response nor the list.
    sim.faults.add(Fault(**fault, method="POST", processed=True), Fault(status=503, method="GET", after=1, times=None))

    lost = create(if_exists="submit")
    sim.faults.clear()
    context["ti"].try_number += 1
    retried = create(if_exists="submit")

    assert lost.state == "up_for_retry"
    assert retried.state == "success", retried.error
    assert set(sim.state.jobs) == {old, retried.value}


def test_failed_days_are_submitted_again_and_both_sids_returned(create: Create, sim: Simulator) -> None:
    sim.state.fail_day("Messages", "2026-01-03", times=1)
    first = create().value
    sim.finish_jobs()

    end = create()

    assert end.value == list(sim.state.jobs)
    assert end.value[0] == first
    again = sim.state.jobs[end.value[1]].request
    assert str(again.start_day) == str(again.end_day) == "2026-01-03"


def test_deleted_job_is_submitted_again(create: Create, sim: Simulator) -> None:
    first = create().value
    sim.state.delete_job(sim.account, first)

    end = create()

    assert type(end.value) is str
    assert end.value != first


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
def test_only_transient_errors_may_be_retried(
    create: Create, sim: Simulator, fault: dict[str, Any], state: str
) -> None:
    sim.faults.add(Fault(**fault, times=None))

    assert create().state == state


def test_marker_has_the_day_of_the_submission(create: Create, sim: Simulator, timeline: Any) -> None:
    timeline.advance(timedelta(hours=13).total_seconds())

    create()

    assert "[af-20261125-" in only_job(sim).request.friendly_name
