"""What a trigger is made of survives Airflow's database, old rows included, and holds no secret."""

from __future__ import annotations

import inspect
import json
from typing import Any

import pytest

from airflow_provider_bulkexports.hooks.bulkexports import BulkExportsHook
from airflow_provider_bulkexports.triggers.bulkexports import ExportCustomJobTrigger

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
}


@pytest.mark.parametrize("arguments", [FULL, {}, {"job_sids": [JOB]}], ids=["full", "none", "one job"])
def test_a_trigger_comes_back_from_airflow_s_database_as_it_went(arguments: dict[str, Any]) -> None:
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


def test_job_sids_may_come_as_any_sequence() -> None:
    assert ExportCustomJobTrigger(job_sids=(JOB,)).serialize()[1]["job_sids"] == [JOB]


def test_every_argument_is_serialized_and_has_a_default_since_old_rows_are_revived_by_new_code() -> None:
    parameters = inspect.signature(ExportCustomJobTrigger.__init__).parameters.values()

    named = [parameter for parameter in parameters if parameter.name != "self"]
    assert not [parameter.name for parameter in named if parameter.default is inspect.Parameter.empty]
    assert set(ExportCustomJobTrigger().serialize()[1]) == {parameter.name for parameter in named}


def test_the_connection_is_named_not_contained() -> None:
    assert ExportCustomJobTrigger().serialize()[1]["twilio_conn_id"] == BulkExportsHook.default_conn_name


def test_equal_waits_have_equal_arguments() -> None:
    assert ExportCustomJobTrigger(**FULL).serialize() == ExportCustomJobTrigger(**FULL).serialize()
