"""Every operator and sensor rejects an argument without a value in the run, before a request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.airflow import DAG

from airflow_provider_bulkexports.compat import AIRFLOW_VERSION, BaseOperator
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.operators.bulkexports import CreateExportCustomJobOperator, DeleteExportJobOperator
from airflow_provider_bulkexports.sensors.bulkexports import ExportCustomJobSensor, ExportDaySensor
from airflow_provider_bulkexports.simulator import Simulator
from airflow_provider_bulkexports.transfers.bulkexports import BulkExportsToObjectStorageOperator

DAY = "2026-01-01"
JOB = "JS" + "0" * 32

#: Each task with what it needs, and all arguments that a template or another task can give.
TASKS: dict[str, tuple[type[Any], dict[str, Any], tuple[str, ...]]] = {
    "create": (
        CreateExportCustomJobOperator,
        {"resource_type": "Messages"},
        (
            "resource_type",
            "start_day",
            "end_day",
            "friendly_name",
            "webhook_url",
            "webhook_method",
            "email",
            "if_exists",
        ),
    ),
    "delete": (DeleteExportJobOperator, {"job_sid": JOB}, ("job_sid",)),
    "wait for job": (
        ExportCustomJobSensor,
        {"job_sid": JOB},
        ("job_sid", "resource_type", "start_day", "end_day", "failed_days"),
    ),
    "wait for days": (ExportDaySensor, {"resource_type": "Messages"}, ("resource_type", "start_day", "end_day")),
    "store": (
        BulkExportsToObjectStorageOperator,
        {"resource_type": "Messages", "destination": "file:///tmp/never"},
        (
            "resource_type",
            "destination",
            "days",
            "start_day",
            "end_day",
            "object_storage_conn_id",
            "if_exists",
            "missing_days",
        ),
    ),
}
GIVEN = [pytest.param(name, argument, id=f"{name}, {argument}") for name, task in TASKS.items() for argument in task[2]]
NOTHING = [None, "", "None", " ", "null", "[]", [], {}, ()]


@pytest.fixture
def run(connection: str, run_task: Callable[..., Any], context: dict[str, Any], sim: Simulator) -> Callable[..., Any]:
    """Run a task with these rendered arguments; the run covers a day, which must not be used instead."""
    context["partition_key"] = DAY

    def run(name: str, given: dict[str, Any], comes_out: dict[str, Any]) -> Any:
        kind, needed, _ = TASKS[name]

        def make() -> Any:
            with DAG("exports", schedule=None):
                task = kind(task_id="task", **needed | given)
            for argument, value in comes_out.items():
                setattr(task, "completion_email" if argument == "email" else argument, value)
            return task

        return run_task(make)

    return run


@pytest.mark.parametrize("value", NOTHING, ids=repr)
@pytest.mark.parametrize(("name", "argument"), GIVEN)
def test_template_that_renders_to_nothing_is_rejected(
    run: Any, sim: Simulator, name: str, argument: str, value: Any
) -> None:
    end = run(name, {argument: "{{ ti.xcom_pull('upstream') }}"}, {argument: value})

    assert end.state == "failed", end.error
    assert f"{argument} is set in the DAG, but its value in this run is {value!r}" in str(end.error)
    assert len(sim.requests) == 0


@pytest.mark.parametrize(("name", "argument"), GIVEN)
def test_output_of_a_skipped_task_is_rejected(run: Any, sim: Simulator, name: str, argument: str) -> None:
    output = BaseOperator(task_id="skipped").output

    end = run(name, {argument: output}, {argument: None})

    assert end.state == "failed", end.error
    assert f"{argument} is set in the DAG, but its value in this run is None" in str(end.error)
    assert len(sim.requests) == 0


@pytest.mark.parametrize("value", [None, "", "None", []], ids=repr)
@pytest.mark.parametrize(
    ("name", "argument"), [param for param in GIVEN if param.values[1] not in ("email", "twilio_conn_id")]
)
def test_empty_mapped_value_is_rejected(
    connection: str,
    run_task: Callable[..., Any],
    context: dict[str, Any],
    sim: Simulator,
    name: str,
    argument: str,
    value: Any,
) -> None:
    context["partition_key"] = DAY
    kind, needed, _ = TASKS[name]
    fixed = {key: fixed for key, fixed in needed.items() if key != argument}

    def make() -> Any:
        with DAG("exports", schedule=None):
            mapped = kind.partial(task_id="task", **fixed).expand(**{argument: [value]})
        if AIRFLOW_VERSION.startswith("2."):
            return mapped.operator_class(**fixed, **{argument: value}, task_id="task", _airflow_from_mapped=True)
        return mapped.unmap({argument: value})

    try:
        end = run_task(make)
    except BulkExportsInputError as refusal:  # when Airflow makes the task of the value
        words = str(refusal)
    else:
        words = str(end.error)

    assert any(told in words for told in (argument, "is missing: pass both days", "without webhook", "is not a day"))
    assert len(sim.requests) == 0


def test_omitted_argument_keeps_its_default(run: Any, sim: Simulator) -> None:
    end = run("create", {"start_day": None, "end_day": None}, {})

    assert end.state == "success", end.error
    assert str(sim.state.jobs[end.value].request.start_day) == DAY


def test_mapped_task_without_days_uses_those_of_the_run(
    connection: str, run_task: Callable[..., Any], context: dict[str, Any], sim: Simulator
) -> None:
    context["partition_key"] = DAY

    def make() -> Any:
        with DAG("exports", schedule=None):
            CreateExportCustomJobOperator.partial(task_id="create").expand(resource_type=["Calls"])
            return CreateExportCustomJobOperator(task_id="made", resource_type="Calls", _airflow_from_mapped=True)

    end = run_task(make)

    assert end.state == "success", end.error
    assert str(sim.state.jobs[end.value].request.start_day) == DAY
