"""A trigger's arguments survive Airflow's database, old rows included, and hold no secret."""

from __future__ import annotations

import asyncio
import inspect
import json
from importlib import import_module
from typing import Any

import pytest

from airflow_provider_bulkexports.hooks.bulkexports import BulkExportsHook
from airflow_provider_bulkexports.simulator import Simulator
from airflow_provider_bulkexports.triggers.bulkexports import (
    ExportCustomJobTrigger,
    ExportDayEventTrigger,
    ExportDayTrigger,
)
from airflow_provider_bulkexports.triggers.submission_time import SubmissionTimeTrigger

JOB = "JS" + "0" * 32

FULL = {
    "job_sids": [JOB, "JS" + "1" * 32],
    "resource_type": "Messages",
    "start_day": "2026-01-01",
    "end_day": "2026-01-31",
    "twilio_conn_id": "mine",
    "poll_interval": 30.0,
    "max_poll_interval": 600.0,
    "end_time": 1795608000.25,
    "cancel_on_kill": True,
    "start_time": 1795521600.0,
}


@pytest.mark.parametrize("arguments", [FULL, {}, {"job_sids": [JOB]}], ids=["full", "none", "one job"])
def test_trigger_survives_the_database_of_airflow(arguments: dict[str, Any]) -> None:
    from airflow.models.trigger import Trigger

    trigger = ExportCustomJobTrigger(**arguments)
    row = Trigger.from_object(trigger)

    assert row.classpath == "airflow_provider_bulkexports.triggers.bulkexports.ExportCustomJobTrigger"
    assert row.kwargs == trigger.serialize()[1]
    assert ExportCustomJobTrigger(**row.kwargs).serialize() == trigger.serialize()


def test_arguments_are_plain_json() -> None:
    arguments = ExportCustomJobTrigger(**FULL).serialize()[1]

    assert arguments == FULL
    assert json.loads(json.dumps(arguments)) == arguments


def test_job_sids_may_be_any_sequence() -> None:
    assert ExportCustomJobTrigger(job_sids=(JOB,)).serialize()[1]["job_sids"] == [JOB]


def test_every_argument_is_serialized_and_has_a_default() -> None:
    parameters = inspect.signature(ExportCustomJobTrigger.__init__).parameters.values()

    named = [parameter for parameter in parameters if parameter.name != "self"]
    assert not [parameter.name for parameter in named if parameter.default is inspect.Parameter.empty]
    assert set(ExportCustomJobTrigger().serialize()[1]) == {parameter.name for parameter in named}


def test_connection_is_stored_by_name() -> None:
    assert ExportCustomJobTrigger().serialize()[1]["twilio_conn_id"] == BulkExportsHook.default_conn_name


def test_equal_waits_have_equal_arguments() -> None:
    assert ExportCustomJobTrigger(**FULL).serialize() == ExportCustomJobTrigger(**FULL).serialize()


PUBLIC_MODULE = "airflow_provider_bulkexports.triggers.bulkexports"

ARGUMENTS_OF_0_1 = {"twilio_conn_id": "twilio_bulkexports_default", "poll_interval": 60.0}
DAYS_OF_0_1 = {"resource_type": "Messages", "start_day": "2026-01-01", "end_day": "2026-01-02"}
WAIT_OF_0_1 = {**ARGUMENTS_OF_0_1, **DAYS_OF_0_1, "max_poll_interval": 300.0, "end_time": None}

#: Class paths and arguments as release 0.1.0 stored them; ``None`` stands for the job.
ROWS_OF_0_1 = [
    (f"{PUBLIC_MODULE}.ExportCustomJobTrigger", {**WAIT_OF_0_1, "job_sids": None, "cancel_on_kill": False}),
    (f"{PUBLIC_MODULE}.ExportDayTrigger", WAIT_OF_0_1),
    (
        "airflow_provider_bulkexports.triggers.day_events.ExportDayEventTrigger",
        {**ARGUMENTS_OF_0_1, "resource_type": "Messages", "announce_existing": True},
    ),
]


@pytest.mark.parametrize(("path", "arguments"), ROWS_OF_0_1, ids=[path.rpartition(".")[2] for path, _ in ROWS_OF_0_1])
def test_row_of_release_0_1_is_revived_and_fires(
    sim: Simulator, connection: str, path: str, arguments: dict[str, Any]
) -> None:
    job = sim.create_job("Messages", "2026-01-01", "2026-01-02")
    sim.finish_jobs()
    if "job_sids" in arguments:
        arguments = {**arguments, "job_sids": [job.sid]}
    arguments = {**arguments, "twilio_conn_id": connection}
    module, _, name = path.rpartition(".")

    trigger = getattr(import_module(module), name)(**arguments)
    event = asyncio.run(first_event(trigger))

    assert event["days"] == ["2026-01-01", "2026-01-02"] if "files" in event else event["status"] == "finished"


async def first_event(trigger: Any) -> Any:
    events = trigger.run()
    try:
        return (await anext(events)).payload
    finally:
        await events.aclose()


@pytest.mark.parametrize(
    "trigger",
    [
        ExportCustomJobTrigger(),
        ExportDayTrigger("Messages"),
        ExportDayEventTrigger("Messages"),
        SubmissionTimeTrigger(1795608000.0),
    ],
    ids=lambda trigger: type(trigger).__name__,
)
def test_public_class_path_is_stored_wherever_the_class_is_defined(trigger: Any) -> None:
    assert trigger.serialize()[0] == f"{PUBLIC_MODULE}.{type(trigger).__name__}"


def test_class_path_of_a_users_subclass_is_its_own() -> None:
    class Patient(ExportCustomJobTrigger):
        pass

    assert Patient().serialize()[0] == f"{Patient.__module__}.{Patient.__qualname__}"
