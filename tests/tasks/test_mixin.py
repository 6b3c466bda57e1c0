"""Operators, sensors and the transfer share arguments, the hook and the link."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from support.airflow import DAG

from airflow_provider_bulkexports import (
    BulkExportsToObjectStorageOperator,
    CreateExportCustomJobOperator,
    DeleteExportJobOperator,
    ExportCustomJobSensor,
    ExportDaySensor,
)
from airflow_provider_bulkexports.links import BulkExportsLink

JOB = "JS" + "0" * 32
DAY = {"start_day": "2026-01-01", "end_day": "2026-01-01"}

TASKS: dict[type[Any], dict[str, Any]] = {
    CreateExportCustomJobOperator: {"resource_type": "Calls", **DAY},
    ExportCustomJobSensor: {"job_sid": JOB},
    ExportDaySensor: {"resource_type": "Calls", **DAY},
    BulkExportsToObjectStorageOperator: {"resource_type": "Calls", "destination": "file:///data", **DAY},
    DeleteExportJobOperator: {"job_sid": JOB},
}
SENSORS = [ExportCustomJobSensor, ExportDaySensor]

every_task = pytest.mark.parametrize("kind", TASKS, ids=lambda kind: kind.__name__)
every_sensor = pytest.mark.parametrize("kind", SENSORS, ids=lambda kind: kind.__name__)


@every_task
def test_hook_has_the_connection_of_the_task(kind: type[Any]) -> None:
    task = kind(task_id="task", twilio_conn_id="mine", **TASKS[kind])

    assert task.hook.twilio_conn_id == "mine"
    assert task.hook is task.hook


@every_task
def test_default_connection_is_that_of_the_hook(kind: type[Any]) -> None:
    task = kind(task_id="task", **TASKS[kind])

    assert task.twilio_conn_id == task.hook.default_conn_name


@every_task
def test_every_task_with_an_export_has_a_link(kind: type[Any]) -> None:
    links = [link.name for link in kind.operator_extra_links]

    assert links == ([] if kind is DeleteExportJobOperator else [BulkExportsLink.name])


@every_sensor
def test_shared_sensor_arguments_can_be_mapped(kind: type[Any]) -> None:
    fixed = dict(TASKS[kind])
    name = next(iter(fixed))
    value = fixed.pop(name)
    with DAG("mapped", schedule=None):
        mapped = kind.partial(task_id="task", poke_interval=5, timeout=60, deferrable=True, **fixed).expand(
            **{name: [value]}, max_poll_interval=[30]
        )

    assert mapped.partial_kwargs["poke_interval"] == 5
    assert mapped.partial_kwargs["deferrable"] is True


@every_sensor
def test_unknown_sensor_argument_cannot_be_mapped(kind: type[Any]) -> None:
    with DAG("mapped", schedule=None), pytest.raises(TypeError, match="max_pool_interval"):
        kind.partial(task_id="task", max_pool_interval=5, **TASKS[kind])


@every_sensor
def test_default_arguments_reach_shared_sensor_arguments(kind: type[Any]) -> None:
    with DAG(
        "defaults", schedule=None, default_args={"poke_interval": 5, "twilio_conn_id": "mine", "deferrable": True}
    ):
        sensor = kind(task_id="task", **TASKS[kind])

    assert (sensor.poke_interval, sensor.twilio_conn_id, sensor.deferrable) == (5, "mine", True)


@every_task
def test_docstring_describes_every_argument(kind: type[Any]) -> None:
    documented = {line.split(":")[1].removeprefix("param ") for line in _lines(kind) if line.startswith(":param ")}
    taken = {
        name
        for owner in kind.__mro__
        if owner.__module__.startswith("airflow_provider_bulkexports") and "__init__" in vars(owner)
        for name in inspect.signature(owner.__init__).parameters
    } - {"self", "kwargs"}

    assert taken - {"object_storage_conn_id", "upload_options"} <= documented <= taken


def _lines(kind: type[Any]) -> list[str]:
    return [line.strip() for line in (kind.__doc__ or "").splitlines()]
