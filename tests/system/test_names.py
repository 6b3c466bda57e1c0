"""What the UI shows of tasks, assets and forms: names instead of numbers, and the days before the end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone

import pytest
from support.harness import Airflow
from support.harness.browser import Page, expect, open_page, take_picture

from airflow_provider_bulkexports.simulator import Simulator

MONTHS = ["2024-09", "2024-10", "2024-11-01 to 2024-11-15"]
TYPES = ["Calls 2024-09", "Messages 2024-09"]
ASSET = f"Twilio Messages (AC49{'0' * 30})"
RANGE = "example_bulkexports_range"
BY_EVENTS = "named_by_events"


@pytest.fixture
def page() -> Iterator[Page]:
    with open_page() as page:
        yield page


def names(airflow: Airflow, dag_id: str, run_id: str, task_id: str, count: int) -> list[str]:
    return [airflow.task_instance(dag_id, run_id, task_id, index)["rendered_map_index"] for index in range(count)]


def test_mapped_tasks_are_named_by_their_days_from_wait_to_end(
    airflow: Airflow, simulator: Simulator, page: Page
) -> None:
    run_id = airflow.trigger("named_group")
    for index in range(len(MONTHS)):
        airflow.wait_for_state("named_group", run_id, "export.wait", {"deferred"}, map_index=index, timeout=180)
    for task in ("submit", "wait"):
        assert names(airflow, "named_group", run_id, f"export.{task}", 3) == MONTHS
    page.goto(f"{airflow.url}/dags/named_group/runs/{run_id}/tasks/export.wait/mapped")
    for month in MONTHS:
        expect(page.get_by_role("link", name=month, exact=True).first).to_be_visible()
    take_picture(page, "mapped tasks by month")
    page.goto(f"{airflow.url}/dags/named_group/runs/{run_id}/tasks/export.wait/mapped/0")
    expect(page.get_by_role("heading", name="wait [2024-09]")).to_be_visible()
    take_picture(page, "one mapped task by month")

    simulator.finish_jobs()
    assert airflow.wait_for_run("named_group", run_id, timeout=240) == "success"
    assert names(airflow, "named_group", run_id, "export.store", 3) == MONTHS


def test_types_come_first_where_they_are_mapped(airflow: Airflow, simulator: Simulator) -> None:
    """The sensor knows neither type nor days before its first poll: it has its name when it defers."""
    run_id = airflow.trigger("named_operators")
    copies = f"/dags/named_operators/dagRuns/{run_id}/taskInstances/wait/listMapped"  # empty until it is expanded

    def states() -> list[str]:
        return [copy["state"] for copy in airflow.rest("GET", copies)["task_instances"]]

    airflow.wait_until(lambda: states() == ["deferred"] * 2, "Both wait", timeout=180)
    for task in ("submit", "wait"):
        assert names(airflow, "named_operators", run_id, task, 2) == TYPES


def test_days_of_a_run_are_shown_while_it_waits_for_them(airflow: Airflow, simulator: Simulator, page: Page) -> None:
    dag_id, now = "example_bulkexports_daily", datetime.now(timezone.utc)
    with airflow.unpaused(dag_id):
        run_id = airflow.trigger(dag_id, logical_date=now.isoformat())
        airflow.wait_for_state(dag_id, run_id, "submit", {"deferred"}, timeout=180)
    day = now.date().isoformat()

    assert airflow.xcom(dag_id, run_id, "submit", key="days") == day
    page.goto(f"{airflow.url}/dags/{dag_id}/runs/{run_id}")
    expect(page.get_by_role("row").filter(has_text="submit").get_by_text(day, exact=True)).to_be_visible()
    take_picture(page, "days in the list of tasks")
    page.goto(f"{airflow.url}/dags/{dag_id}/runs/{run_id}/tasks/submit/xcom")
    expect(page.get_by_role("row").filter(has_text="days")).to_contain_text(day)
    take_picture(page, "days of a waiting task")


def test_form_of_the_range_example_has_pickers_and_choices(airflow: Airflow, simulator: Simulator, page: Page) -> None:
    with airflow.unpaused(RANGE):
        page.goto(f"{airflow.url}/dags/{RANGE}")
        page.get_by_role("button", name="Trigger").first.click()
        form = page.get_by_role("dialog")
        choice = form.get_by_role("combobox", name="Resource type")
        expect(choice).to_be_visible()
        take_picture(page, "trigger form of the range example")
        days = form.locator("input[type=date]")
        expect(days).to_have_count(2)
        for number, day in enumerate(["2026-01-01", "2026-01-07"]):
            expect(days.nth(number)).to_have_value(day)
        choice.click()
        expect(page.get_by_role("option")).to_have_text(["Messages", "Calls", "Conferences", "Participants"])
        take_picture(page, "trigger form with choices")


def test_asset_has_a_name_and_a_group(airflow: Airflow, simulator: Simulator, page: Page) -> None:
    with airflow.unpaused(BY_EVENTS):
        page.goto(f"{airflow.url}/assets")
        expect(page.get_by_role("row").filter(has_text=ASSET)).to_contain_text("twilio-bulkexports")
        take_picture(page, "assets")
        page.get_by_role("link", name=ASSET).click()
        expect(page.get_by_role("heading", name=ASSET)).to_be_visible()
        take_picture(page, "asset")


def test_events_created_by_hand_give_their_days(airflow: Airflow, simulator: Simulator) -> None:
    """Two events start one run, which stores the days of both."""
    simulator.knobs.queue_seconds = simulator.knobs.seconds_per_day_run = 0
    simulator.create_job("Messages", "2026-01-01", "2026-01-05")
    before = len(airflow.runs(BY_EVENTS))
    with airflow.unpaused(BY_EVENTS):
        for name, days in {"named_files": ["2026-01-03", "2026-01-01"], ASSET: ["2026-01-02"]}.items():
            (asset,) = airflow.rest("GET", "/assets", name_pattern=name)["assets"]
            airflow.rest("POST", "/assets/events", json={"asset_id": asset["id"], "extra": {"days": days}})
        airflow.wait_until(lambda: len(airflow.runs(BY_EVENTS)) > before, "The events start a run", timeout=120)
        run_id = airflow.runs(BY_EVENTS)[before]["dag_run_id"]
        assert airflow.wait_for_run(BY_EVENTS, run_id) == "success"

    # The second asset is another account's, so its day is left out.
    assert [entry["day"] for entry in airflow.xcom(BY_EVENTS, run_id, "store")] == ["2026-01-01", "2026-01-03"]


def test_run_by_hand_says_how_to_give_days_and_takes_them(airflow: Airflow, simulator: Simulator) -> None:
    simulator.knobs.queue_seconds = simulator.knobs.seconds_per_day_run = 0
    simulator.create_job("Messages", "2026-01-01", "2026-01-05")
    now = datetime.now(timezone.utc).isoformat()
    with airflow.unpaused(BY_EVENTS):
        run_id = airflow.trigger(BY_EVENTS, logical_date=now)
        assert airflow.wait_for_run(BY_EVENTS, run_id) == "failed"
        assert "this run was triggered by hand" in airflow.task_log(BY_EVENTS, run_id, "store")

        run_id = airflow.trigger(BY_EVENTS, conf={"days": "2026-01-04, 2026-01-02"})
        assert airflow.wait_for_run(BY_EVENTS, run_id) == "success"
    assert [entry["day"] for entry in airflow.xcom(BY_EVENTS, run_id, "store")] == ["2026-01-02", "2026-01-04"]
