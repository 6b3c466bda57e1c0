"""Natural mistakes in a DAG file are import errors that name the task and say what to write."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from datetime import date, datetime, timezone
from pathlib import Path
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
from airflow_provider_bulkexports.compat import XComArg
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.tasks.constructors import argument_names
from airflow_provider_bulkexports.tasks.schedules import BulkExportsScheduleWarning

TASKS = [
    BulkExportsToObjectStorageOperator,
    CreateExportCustomJobOperator,
    DeleteExportJobOperator,
    ExportCustomJobSensor,
    ExportDaySensor,
]
MOMENT = datetime(2026, 1, 1, tzinfo=timezone.utc)


def create(**arguments: Any) -> Any:
    return CreateExportCustomJobOperator(**{"task_id": "t", "resource_type": "Messages"} | arguments)


def wait(**arguments: Any) -> Any:
    return ExportCustomJobSensor(task_id="t", **{"job_sid": "JS" + "0" * 32} | arguments)


def days(**arguments: Any) -> Any:
    return ExportDaySensor(**{"task_id": "t", "resource_type": "Messages"} | arguments)


def store(**arguments: Any) -> Any:
    return BulkExportsToObjectStorageOperator(
        task_id="t", **{"resource_type": "Messages", "destination": "file:///data"} | arguments
    )


SLIPS: dict[str, tuple[Callable[[], Any], str]] = {
    "conn_id": (lambda: create(conn_id="x"), "has no argument 'conn_id'; did you mean 'twilio_conn_id'?"),
    "misspelt connection": (lambda: days(twillio_conn_id="x"), "did you mean 'twilio_conn_id'?"),
    "interval of a sensor": (lambda: wait(poll_interval=3), "did you mean 'poke_interval'?"),
    "interval of an operator": (lambda: create(poke_interval=3), "did you mean 'poll_interval'?"),
    "days of an operator": (lambda: create(days="2026-01-01"), "did you mean 'start_day' and 'end_day'?"),
    "start_days": (lambda: create(start_days="2026-01-01"), "did you mean 'start_day' and 'end_day'?"),
    "job_id": (lambda: wait(job_id="JS"), "did you mean 'job_sid'?"),
    "bucket": (lambda: store(bucket="x"), "did you mean 'destination'?"),
    "aws_conn_id": (lambda: store(aws_conn_id="aws"), "did you mean 'object_storage_conn_id'?"),
    "retry": (lambda: store(retrys=3), "did you mean 'retries'?"),
    "nothing like it": (lambda: create(qqqq=1), "CreateExportCustomJobOperator has no argument 'qqqq'"),
    "start_date": (
        lambda: create(start_date="2026-01-01"),
        "start_date '2026-01-01': to export days, write start_day=",
    ),
    "end_date": (lambda: wait(end_date="2026-01-01"), "end_date '2026-01-01': to export days, write end_day="),
    "start_date, a date": (lambda: days(start_date=date(2026, 1, 1)), "write start_day='2026-01-01'"),
    "start_date, a template": (lambda: store(start_date="{{ ds }}"), "write start_day='{{ ds }}'"),
    "start_date and end_day": (lambda: create(start_date=MOMENT, end_day="2026-01-02"), "write start_day='2026-01-01'"),
    "days twice": (
        lambda: store(days="2026-01-01", start_day="2026-01-01", end_day="2026-01-01"),
        "days as well as start_day or end_day",
    ),
    "no resource type": (
        lambda: CreateExportCustomJobOperator(task_id="t"),
        "CreateExportCustomJobOperator: missing keyword argument 'resource_type'",
    ),
    "no job": (lambda: ExportCustomJobSensor(task_id="t"), "missing keyword argument 'job_sid'"),
    "small letters": (lambda: create(resource_type="messages"), "resource_type 'messages': write 'Messages'"),
    "a number as connection": (
        lambda: days(twilio_conn_id=3),
        "twilio_conn_id must be a string, such as 'twilio_bulkexports_default'; got 3",
    ),
    "no connection": (lambda: days(twilio_conn_id=None), "twilio_conn_id is None"),
    "a number as the store's": (
        lambda: store(object_storage_conn_id=3),
        "object_storage_conn_id must be a string, such as 'aws_default'; got 3",
    ),
    "a path": (lambda: store(destination=Path("/data")), "is a path object: write the text '/data'"),
    "an interval as timeout": (lambda: create(timeout=MOMENT - MOMENT), "timeout must be a number of seconds"),
    "a list of addresses": (
        lambda: create(email=["a@example.com"]),
        "email must be a string, such as 'exports@example.com'; got ['a@example.com']",
    ),
    "a job as days": (lambda: store(days="JS" + "0" * 32), "which is a job, not a day"),
}


@pytest.mark.sample(len(SLIPS))
@pytest.mark.parametrize(("slip", "sentence"), SLIPS.values(), ids=SLIPS)
def test_slip_is_an_import_error_that_names_the_task(slip: Callable[[], Any], sentence: str) -> None:
    with DAG("exports", schedule=None), pytest.raises((BulkExportsInputError, TypeError)) as refusal:
        slip()

    text = str(refusal.value)
    assert text.startswith("Task t: ")
    assert sentence in text
    assert "\n" not in text


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.__name__)
def test_every_task_names_itself_and_keeps_its_signature(task: Any) -> None:
    with pytest.raises(TypeError, match=f"^Task t: {task.__name__} "):
        task(task_id="t", **dict.fromkeys(argument_names(task) & {"destination", "job_sid", "resource_type"}), zzzz=1)

    assert "twilio_conn_id" in argument_names(task)
    assert "kwargs" in inspect.signature(task).parameters


def test_default_args_and_moments_stay_airflows() -> None:
    with (
        DAG("exports", schedule=None, default_args={"start_date": MOMENT, "end_date": MOMENT, "retries": 3}),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("error")
        assert create(task_id="submit").start_date == MOMENT
        assert days(task_id="days", retries=1).retries == 1
        assert store(start_day="2026-01-01", end_day="2026-01-01", end_date=MOMENT).retries == 3


def test_moments_of_one_task_without_days_are_warned_of() -> None:
    with (
        DAG("exports", schedule=None),
        pytest.warns(BulkExportsScheduleWarning, match="Task t: start_date and end_date"),
    ):
        create(start_date=MOMENT, end_date=MOMENT)


def test_task_depends_on_the_outputs_it_is_given() -> None:
    with DAG("exports", schedule=None):
        submit = CreateExportCustomJobOperator(task_id="submit", resource_type="Calls")
        task = wait(job_sid=submit.output)

    assert task.upstream_task_ids == {"submit"}
    assert isinstance(task.job_sid, XComArg)


def test_subclass_with_a_constructor_is_named_and_connected() -> None:
    class OwnSensor(ExportCustomJobSensor):
        def __init__(self, *, sid: Any, **kwargs: Any) -> None:
            super().__init__(job_sid=sid, **kwargs)

    with DAG("exports", schedule=None):
        submit = CreateExportCustomJobOperator(task_id="submit", resource_type="Calls")
        assert OwnSensor(task_id="own", sid=submit.output).upstream_task_ids == {"submit"}
        with pytest.raises(BulkExportsInputError, match=r"^Task other: job_sid 'JS1' is not a job sid"):
            OwnSensor(task_id="other", sid="JS1")


def test_task_in_a_group_is_named_with_its_group() -> None:
    from airflow_provider_bulkexports.compat import task_group

    @task_group(group_id="calls")
    def group() -> None:
        create(resource_type="calls")

    with DAG("exports", schedule=None), pytest.raises(BulkExportsInputError, match=r"^Task calls\.t: "):
        group()
