"""The UI names mapped tasks by their days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from support.airflow import DAG

from airflow_provider_bulkexports import (
    BulkExportsToObjectStorageOperator,
    CreateExportCustomJobOperator,
    DeleteExportJobOperator,
    ExportCustomJobSensor,
    ExportDaySensor,
    split_months,
)
from airflow_provider_bulkexports.simulator import Simulator

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
MONTHS = split_months("2024-09-01", "2024-11-15")
DAY = {"logical_date": datetime(2024, 9, 3, tzinfo=timezone.utc)}
TO = {"destination": "file:///tmp/twilio"}
RESULT = {
    "job_sids": ["JS" + "0" * 32],
    "resource_type": "Calls",
    "start_day": "2024-09-01",
    "end_day": "2024-09-03",
    "completed": ["2024-09-01", "2024-09-03"],
    "empty": ["2024-09-02"],
    "failed": [],
    "expires_at": None,
}


def names(mapped: Any, copies: list[dict[str, Any]], **context: Any) -> list[str]:
    """Render the names of all copies, as Airflow does before it runs them."""
    with DAG("exports", schedule=None, start_date=START):
        task = mapped()
    environment = task.dag.get_template_env()
    template = environment.from_string(task.map_index_template)
    return [
        template.render({"task": task.unmap(copy), "ti": SimpleNamespace(map_index=number), **context})
        for number, copy in enumerate(copies)
    ]


def expanded(operator: Any, copies: list[dict[str, Any]], **constant: Any) -> Callable[[], Any]:
    return lambda: operator.partial(task_id="task", **constant).expand_kwargs(copies)


@pytest.mark.parametrize("operator", [CreateExportCustomJobOperator, ExportDaySensor])
def test_tasks_of_ranges_are_named_by_their_range(operator: Any) -> None:
    shown = names(expanded(operator, MONTHS, resource_type="Messages"), MONTHS)
    assert shown == ["2024-09", "2024-10", "2024-11-01 to 2024-11-15"]


@pytest.mark.parametrize(
    ("copies", "constant", "shown"),
    [
        ([{"resource_type": "Calls"}, {"resource_type": "Messages"}], {}, ["Calls 2024-09-03", "Messages 2024-09-03"]),
        (
            [{"resource_type": "Calls", **MONTHS[0]}, {"resource_type": "Messages", **MONTHS[0]}],
            {},
            ["Calls 2024-09", "Messages 2024-09"],
        ),
        ([{"twilio_conn_id": "eu", **MONTHS[1]}], {"resource_type": "Calls"}, ["eu 2024-10"]),
        ([{"twilio_conn_id": "eu", "resource_type": "Calls"}], {}, ["eu Calls 2024-09-03"]),
        ([{"friendly_name": "one"}, {"friendly_name": "two"}], {"resource_type": "Calls"}, ["0", "1"]),
        ([{"start_day": "soon", "end_day": "later"}], {"resource_type": "{{ 'Calls' }}"}, ["0"]),
    ],
    ids=["types", "types and ranges", "connections", "connections and types", "by nothing of that", "invalid days"],
)
def test_names_tell_copies_apart(copies: list[dict[str, Any]], constant: dict[str, Any], shown: list[str]) -> None:
    if "soon" in str(copies):  # refused where it is a literal; another task may give it
        copies = [dict.fromkeys(copies[0], "{{ 'soon' }}")]
    assert names(expanded(CreateExportCustomJobOperator, copies, **constant), copies, **DAY) == shown


@pytest.mark.parametrize(
    ("days", "shown"),
    [
        ("2024-09-03", "2024-09-03"),
        (["2024-09-01", "2024-09-02", "2024-10-01"], "2024-09-01 to 2024-09-02, 2024-10-01"),
        (RESULT, "2024-09-01 to 2024-09-03"),
        ({**RESULT, "empty": [], "failed": ["2024-09-02"], "failed_days": "store"}, "2024-09-01 to 2024-09-03"),
        ({**RESULT, "completed": [], "empty": []}, "0"),
    ],
    ids=["day", "days", "result", "result with failed days", "nothing"],
)
def test_transfers_are_named_by_the_days_that_they_store(days: Any, shown: str) -> None:
    mapped = expanded(BulkExportsToObjectStorageOperator, [{"days": days}], resource_type="Calls", **TO)
    assert names(mapped, [{"days": days}]) == [shown]


def test_task_of_jobs_is_named_by_them_until_their_days_are_known() -> None:
    sid, other = "JS" + "1" * 32, "JS" + "2" * 32
    copies = [{"job_sid": sid}, {"job_sid": [sid, other]}]
    assert names(expanded(ExportCustomJobSensor, copies), copies) == [sid, f"{sid} and 1 more"]
    assert names(expanded(DeleteExportJobOperator, copies), copies) == [sid, f"{sid} and 1 more"]


@pytest.mark.parametrize("default", [False, True], ids=["argument", "default_args"])
def test_name_in_the_dag_wins(default: bool) -> None:
    own = {"map_index_template": "month {{ task.start_day }} ({{ task.name_in_ui() }})"}
    given: dict[str, Any] = {"default_args": own} if default else own

    mapped = expanded(CreateExportCustomJobOperator, MONTHS, resource_type="Calls", **given)
    assert names(mapped, MONTHS)[0] == "month 2024-09-01 (2024-09)"
    with DAG("exports", schedule=None, start_date=START, default_args=own if default else {}):
        task = CreateExportCustomJobOperator(task_id="task", resource_type="Calls", **({} if default else own))
    assert task.map_index_template == own["map_index_template"]


@pytest.mark.parametrize(
    ("context", "shown"), [(DAY, "2024-09-03"), ({"partition_key": "2024-09"}, "2024-09"), ({}, "")]
)
def test_task_that_is_not_mapped_shows_the_days_of_its_run(context: dict[str, Any], shown: str) -> None:
    with DAG("exports", schedule=None, start_date=START):
        task = CreateExportCustomJobOperator(task_id="task", resource_type="Calls")
    template = task.dag.get_template_env().from_string(task.map_index_template)
    assert template.render({"task": task, "ti": SimpleNamespace(map_index=-1), **context}) == shown


def test_days_are_an_xcom_while_the_task_waits(
    connection: str, sim: Simulator, context: dict[str, Any], run_task: Callable[..., Any]
) -> None:
    """A task that waits two days for the day of its run says so from the beginning."""
    today = sim.clock.now().date().isoformat()
    context["logical_date"] = sim.clock.now()
    seen: list[Any] = []

    def make() -> Any:
        seen.append(dict(context["ti"].xcoms))
        return CreateExportCustomJobOperator(task_id="task", resource_type="Calls", deferrable=True)

    end = run_task(make)

    assert end.state == "success"
    assert len(end.deferrals) == 1
    assert seen[1]["days"] == today


def test_waiting_sensor_gets_the_name_of_the_days_of_its_job(
    connection: str, sim: Simulator, context: dict[str, Any], run_task: Callable[..., Any]
) -> None:
    """It was not known before the first poll; Airflow stores the name when the task defers."""
    job = sim.create_job("Calls", "2026-01-01", "2026-01-03")
    seen: list[Any] = []
    context["ti"].map_index = 4
    with DAG("exports", schedule=None, start_date=START):
        mapped = ExportCustomJobSensor.partial(task_id="wait", deferrable=True).expand(job_sid=[job.sid])
    context["map_index_template"] = mapped.map_index_template

    def make() -> Any:
        seen.append((dict(context["ti"].xcoms), getattr(context["ti"], "rendered_map_index", None)))
        return mapped.unmap({"job_sid": job.sid})

    end = run_task(make)

    assert end.state == "success"
    (_, first), (xcoms, name), *_ = seen
    assert first is None
    assert (xcoms["days"], name) == ("2026-01-01 to 2026-01-03", "Calls 2026-01-01 to 2026-01-03")
