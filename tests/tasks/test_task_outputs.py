"""A task, or the output of the wrong kind of task, is refused when the DAG file is parsed."""

from __future__ import annotations

from collections.abc import Callable
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
from airflow_provider_bulkexports.exceptions import BulkExportsInputError


def submit(**arguments: Any) -> Any:
    return CreateExportCustomJobOperator(task_id="submit", resource_type="Messages", **arguments)


def many(**arguments: Any) -> Any:
    job = CreateExportCustomJobOperator.partial(task_id="submit", **arguments)
    return job.expand(resource_type=["Messages", "Calls"])


def wait() -> Any:
    return ExportCustomJobSensor(task_id="wait", job_sid=submit().output)


def mapped_wait() -> Any:
    return ExportCustomJobSensor.partial(task_id="wait").expand(job_sid=many().output)


def stored() -> Any:
    return store(days="2026-01-01", resource_type="Messages", task_id="stored")


def store(**arguments: Any) -> Any:
    return BulkExportsToObjectStorageOperator(**{"task_id": "store", "destination": "file:///data"} | arguments)


def sensor(job_sid: Any) -> Any:
    return ExportCustomJobSensor(task_id="t", job_sid=job_sid)


WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    "the submitting task": (
        lambda: sensor(submit()),
        "Task t: job_sid is the task 'submit' itself: write job_sid=submit.output",
    ),
    "the mapped submitting task": (lambda: sensor(many()), "job_sid is the task 'submit' itself"),
    "a list of tasks": (lambda: sensor([submit()]), "write job_sid=submit.output"),
    "the waiting task": (lambda: store(days=wait()), "days is the task 'wait' itself: write days=wait.output"),
    "a task in a list": (lambda: store(days=[wait()]), "write days=wait.output"),
    "a task to delete": (
        lambda: DeleteExportJobOperator(task_id="t", job_sid=submit()),
        "job_sid is the task 'submit' itself",
    ),
    "a result as a job": (lambda: sensor(wait().output), "write job_sid=wait.output['job_sids']"),
    "the result of an operator that waits as a job": (
        lambda: sensor(submit(wait_for_completion=True).output),
        "write job_sid=submit.output['job_sids']",
    ),
    "a job as days": (lambda: store(days=submit().output), "days is what 'submit' returns, which is a job: wait for"),
    "many jobs as days": (lambda: store(days=many().output), "days is what 'submit' returns, which is a job: wait for"),
    "a key of a job": (lambda: store(days=submit().output["completed"]), "'submit', which returns a job. The result"),
    "a misspelt key": (lambda: store(days=wait().output["complete"]), "has no such key: write 'completed'"),
    "stored files as days": (lambda: store(days=stored().output), "which is a list of stored files"),
    "a result as a day": (
        lambda: ExportDaySensor(task_id="t", resource_type="Calls", start_day=wait().output, end_day="2026-01-01"),
        "write start_day=wait.output['start_day']",
    ),
}

RIGHT: dict[str, Callable[[], Any]] = {
    "a job": lambda: sensor(submit().output),
    "jobs of a result": lambda: sensor(wait().output["job_sids"]),
    "a result": lambda: store(days=wait().output),
    "a result of an operator that waits": lambda: store(days=submit(wait_for_completion=True).output),
    "results of a mapped operator that waits": lambda: store(days=many(wait_for_completion=True).output),
    "results of a mapped sensor": lambda: store(days=mapped_wait().output),
    "a list of results": lambda: store(days=[wait().output]),
    "part of a result": lambda: store(days=wait().output["completed"], resource_type="Messages"),
    "a day of a result": lambda: ExportDaySensor(
        task_id="t",
        resource_type="Calls",
        start_day=wait().output["start_day"],
        end_day=ExportCustomJobSensor(task_id="other", job_sid="JS" + "0" * 32).output["end_day"],
    ),
    "another XCom": lambda: store(days=wait().output["own_key"], resource_type="Messages"),
}


@pytest.mark.parametrize(("make", "sentence"), WRONG.values(), ids=WRONG)
def test_wrong_output_is_refused_at_parse_time(make: Callable[[], Any], sentence: str) -> None:
    with DAG("exports", schedule=None), pytest.raises(BulkExportsInputError) as refusal:
        make()

    assert sentence in str(refusal.value)


@pytest.mark.parametrize("make", RIGHT.values(), ids=RIGHT)
def test_right_output_is_accepted(make: Callable[[], Any]) -> None:
    with DAG("exports", schedule=None):
        assert make().upstream_task_ids


@pytest.mark.parametrize(
    ("make", "pushes"),
    [(wait, True), (lambda: submit(wait_for_completion=True), True), (submit, False), (stored, False)],
    ids=["sensor", "operator that waits", "operator", "transfer"],
)
def test_tasks_that_return_a_result_push_its_keys(make: Callable[[], Any], pushes: bool) -> None:
    with DAG("exports", schedule=None):
        assert make().multiple_outputs is pushes
