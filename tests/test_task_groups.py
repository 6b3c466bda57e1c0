"""export_to_object_storage makes three tasks, for one range or many."""

from __future__ import annotations

import gzip
import inspect
import json
import os
import subprocess
import sys
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from support.airflow import DAG

from airflow_provider_bulkexports import (
    BulkExportsHook,
    BulkExportsToObjectStorageOperator,
    CreateExportCustomJobOperator,
    ExportCustomJobSensor,
    export_to_object_storage,
)
from airflow_provider_bulkexports.compat import BaseOperator
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.simulator import Simulator
from airflow_provider_bulkexports.simulator.service import records


def group(**arguments: Any) -> Any:
    with DAG("exports", schedule=None) as dag:
        export_to_object_storage(resource_type="Calls", destination="s3://bucket/twilio", **arguments)
    return dag


def test_group_submits_waits_and_stores() -> None:
    dag = group(group_id="calls", start_day="2026-01-01", end_day="2026-01-31", layout="{year}/{day}.gz")

    assert sorted(dag.task_ids) == ["calls.store", "calls.submit", "calls.wait"]
    assert dag.get_task("calls.wait").upstream_task_ids == {"calls.submit"}
    assert dag.get_task("calls.store").upstream_task_ids == {"calls.wait"}
    assert dag.get_task("calls.store").layout == "{year}/{day}.gz"


def test_group_is_mapped_over_ranges() -> None:
    dag = group(
        ranges=[
            {"start_day": "2026-01-01", "end_day": "2026-01-31"},
            {"start_day": "2026-02-01", "end_day": "2026-02-28"},
        ]
    )

    submit = dag.get_task("export.submit")
    assert submit.start_day is not None
    assert submit.get_closest_mapped_task_group() is not None


def test_invalid_input_is_rejected_at_parse_time() -> None:
    with pytest.raises(ValueError, match="write 'Calls'"), DAG("exports", schedule=None):
        export_to_object_storage(resource_type="calls", destination="s3://bucket/twilio")


def test_other_days_are_stored_by_default_if_one_fails() -> None:
    assert group().get_task("export.wait").failed_days == "store"
    assert group(failed_days="ignore").get_task("export.wait").failed_days == "ignore"


def test_destination_is_checked_before_submission_by_default() -> None:
    options = {"ServerSideEncryption": "aws:kms"}
    dag = group(object_storage_conn_id="aws", upload_options=options)

    for task_id in ("submit", "store"):
        task = dag.get_task(f"export.{task_id}")
        assert task.destination == "s3://bucket/twilio"
        assert (task.object_storage_conn_id, task.upload_options) == ("aws", options)
    assert group(check_destination=False).get_task("export.submit").destination is None


@pytest.mark.parametrize("destination", ["my-bucket/twilio", "~/twilio", "s3://", "s4://bucket"])
def test_invalid_destination_is_rejected_at_parse_time(destination: str) -> None:
    with pytest.raises(ValueError, match="destination"), DAG("exports", schedule=None):
        export_to_object_storage(resource_type="Calls", destination=destination)


@pytest.mark.parametrize(
    ("given", "of_submit", "of_store"),
    [
        ({}, "adopt", "skip"),
        ({"if_exists": "adopt"}, "adopt", "skip"),
        ({"if_exists": "submit"}, "submit", "overwrite"),
        ({"if_exists": "skip"}, "adopt", "skip"),
        ({"if_exists": "overwrite"}, "adopt", "overwrite"),
        ({"if_exists": "{{ params.again }}"}, "adopt", "{{ params.again }}"),
    ],
    ids=str,
)
def test_if_exists_goes_to_the_tasks_it_belongs_to(given: dict[str, str], of_submit: str, of_store: str) -> None:
    dag = group(**given)

    assert dag.get_task("export.submit").if_exists == of_submit
    assert dag.get_task("export.store").if_exists == of_store


#: A DAG file that runs itself; Airflow 3 reads it from the DAGs folder, too.
RUN = """
import json, os
import pendulum
from airflow_provider_bulkexports import export_to_object_storage
try:
    from airflow.sdk import DAG
except ImportError:
    from airflow import DAG
with DAG("hidden_columns", schedule=None, start_date=pendulum.datetime(2026, 1, 1, tz="UTC")) as dag:
    export_to_object_storage(
        resource_type="Messages", start_day="2026-02-03", end_day="2026-02-03", **json.loads(os.environ["ARGUMENTS"])
    )
if __name__ == "__main__":
    print("ended as", dag.test().state)
"""


@pytest.mark.slow
@pytest.mark.timeout(300)  # a run of a DAG, on a machine that may be busy
@pytest.mark.parametrize(
    ("file_format", "pii", "new_fields"),
    [
        ("json", "drop", "fail"),
        ("json", "hash", "drop"),
        ("parquet", "hash", "keep"),
        ("parquet", "drop", "fail"),
    ],
)
def test_columns_are_hidden_in_a_run(
    airflow_db: None,
    sim: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    file_format: str,
    pii: str,
    new_fields: str,
) -> None:
    """The records of the day have a field that is not a column."""
    pq = pytest.importorskip("pyarrow.parquet")
    sim.knobs.queue_seconds = sim.knobs.seconds_per_day_run = 0
    sim.knobs.records_per_day = 7  # no other test makes this day with as many, so it gets no cached file of this one
    make = records._MAKERS[ResourceType.MESSAGES]
    monkeypatch.setitem(records._MAKERS, ResourceType.MESSAGES, lambda *key: make(*key) | {"carrier": "Quillberry"})
    connection = json.loads(sim.connection_json())
    connection["extra"] = {**connection.get("extra", {}), "hash_key": "a secret of 24 characters"}
    arguments = {"file_format": file_format, "pii": pii, "new_fields": new_fields, "deferrable": True}
    lake, file = tmp_path / "lake", tmp_path / "dags" / "hidden_columns.py"
    file.parent.mkdir()
    file.write_text(RUN)
    environment = os.environ | {
        "AIRFLOW__CORE__DAGS_FOLDER": str(file.parent),
        "ARGUMENTS": json.dumps({"destination": f"file://{lake}", **arguments}),
        f"AIRFLOW_CONN_{BulkExportsHook.default_conn_name.upper()}": json.dumps(connection),
    }

    command = [sys.executable, str(file)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280, check=False)

    said = ended.stdout + ended.stderr
    assert f"ended as {'failed' if new_fields == 'fail' else 'success'}" in said
    assert "+1500555" not in said and "Quillberry" not in said
    files = [path for path in lake.rglob("part-0.*") if not path.name.startswith("_")]
    if new_fields == "fail":
        assert not files
        assert "line 1 has a field that is not a column, \"carrier\", and new_fields is 'fail'" in said
        return
    (file,) = files
    if file_format == "parquet":
        rows = pq.read_table(file, partitioning=None).to_pylist()
    else:
        rows = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]
    assert len(rows) == 7
    assert ("Quillberry" in str(rows)) == (new_fields == "keep")
    assert "+1500555" not in str(rows)
    assert {"body", "from", "to"} & set(rows[0]) == ({"body", "from", "to"} if pii == "hash" else set())
    assert all(len(row["to"]) == 64 for row in rows if pii == "hash")


def test_arguments_go_to_the_tasks_they_belong_to() -> None:
    dag = group(
        retries=5,
        pool="twilio",
        execution_timeout=timedelta(hours=1),
        trigger_rule="all_done",
        friendly_name="calls of the day",
        wait_for_quota=False,
        cancel_on_kill=True,
        timeout=600,
        poll_interval=7,
        max_poll_interval=8,
        mode="reschedule",
        empty_days="skip",
        on_success_callback=print,
        default_args={"owner": "exports", "retries": 1},
    )
    submit, wait, store = (dag.get_task(f"export.{name}") for name in ("submit", "wait", "store"))

    for task in (submit, wait, store):
        assert (task.retries, task.pool, task.owner) == (5, "twilio", "exports")
        assert task.execution_timeout == timedelta(hours=1)
    assert [task.trigger_rule == "all_done" for task in (submit, wait, store)] == [True, False, False]
    assert (submit.friendly_name, submit.wait_for_quota, submit.cancel_on_kill) == ("calls of the day", False, True)
    assert (wait.timeout, wait.poke_interval, wait.max_poll_interval, wait.mode) == (600, 7, 8, "reschedule")
    assert store.empty_days == "skip"
    assert print in to_list(store.on_success_callback)
    assert not to_list(wait.on_success_callback)


def to_list(callbacks: Any) -> list[Any]:
    return list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks] if callbacks else []


def test_default_args_of_the_dag_apply_to_what_is_not_given() -> None:
    with DAG("exports", schedule=None, default_args={"retries": 2, "layout": "{day}.gz", "timeout": 60}) as dag:
        export_to_object_storage(resource_type="Calls", destination="s3://bucket/twilio")

    assert dag.get_task("export.store").layout == "{day}.gz"
    assert dag.get_task("export.wait").timeout == 60
    assert dag.get_task("export.submit").retries == 2


def test_defaults_are_those_of_the_tasks() -> None:
    tasks = (CreateExportCustomJobOperator, ExportCustomJobSensor, BulkExportsToObjectStorageOperator)
    own = {"check_destination", "failed_days", "group_id", "if_exists", "poll_interval", "ranges"}
    defaults = export_to_object_storage.__kwdefaults__

    for name in defaults.keys() - own:
        of_tasks = [
            parameter.default
            for task in tasks
            for base in task.__mro__
            if "__init__" in vars(base)
            if (parameter := inspect.signature(base.__init__).parameters.get(name))
            if base.__module__.startswith("airflow_provider_bulkexports")
        ]
        assert of_tasks, name
        assert all(default == defaults[name] for default in of_tasks), name


def test_every_argument_of_the_tasks_can_be_given() -> None:
    taken = inspect.signature(export_to_object_storage).parameters
    made_by_group = {"days", "job_sid", "poke_interval", "wait_for_completion"}

    for task in (CreateExportCustomJobOperator, BulkExportsToObjectStorageOperator, ExportCustomJobSensor):
        ours = inspect.signature(task.__init__).parameters.keys() - {"self", "kwargs"}
        assert ours - made_by_group <= taken.keys()


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "start_days": (
        {"start_days": "2026-01-01"},
        "has no argument 'start_days'; did you mean 'start_day' and 'end_day'?",
    ),
    "retry": ({"retrys": 1}, "did you mean 'retries'?"),
    "poke_interval": ({"poke_interval": 5}, "did you mean 'poll_interval'?"),
    "task_id": ({"task_id": "export"}, "pass group_id instead of task_id"),
    "start_date": ({"start_date": "2026-01-01"}, "write start_day='2026-01-01'"),
    "of the first task": ({"start_day": "x", "end_day": "x"}, "task export.submit: start_day 'x' is not a day"),
    "of the second task": ({"failed_days": "skip"}, "task export.wait: failed_days must be"),
    "of the last task": ({"layout": "x"}, "task export.store: layout 'x': without {day}"),
    "other choice": ({"if_exists": "replace"}, "task export.store: if_exists must be 'skip' or 'overwrite'"),
    "ranges and days": (
        {"ranges": [], "start_day": "2026-01-01", "end_day": "2026-01-01"},
        "ranges as well as start_day",
    ),
    "one range": ({"ranges": {"start_day": "2026-01-01", "end_day": "2026-01-01"}}, "is not a list: write ranges=[{"),
    "text as ranges": ({"ranges": "2026-01-01"}, "ranges '2026-01-01' is not a list"),
    "pairs": ({"ranges": [("2026-01-01", "2026-01-02")]}, "ranges has ('2026-01-01', '2026-01-02'): write ranges=[{"),
    "other keys": ({"ranges": [{"start": "2026-01-01", "end": "2026-01-02"}]}, "ranges has {'start':"),
    "swapped": ({"ranges": [{"start_day": "2026-01-02", "end_day": "2026-01-01"}]}, "swap them"),
    "naive": ({"ranges": [{"start_day": datetime(2026, 1, 1), "end_day": datetime(2026, 1, 2)}]}, "has no time zone"),
    "too long": ({"ranges": [{"start_day": "2024-01-01", "end_day": "2026-01-01"}]}, "split it into ranges"),
}


@pytest.mark.sample(len(WRONG))
@pytest.mark.parametrize(("wrong", "sentence"), WRONG.values(), ids=WRONG)
def test_errors_name_the_function(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises((BulkExportsInputError, TypeError)) as refusal:
        group(**wrong)

    assert str(refusal.value).startswith("export_to_object_storage")
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_task_as_ranges_is_refused_and_its_output_taken() -> None:
    with DAG("exports", schedule=None) as dag:
        plan = BaseOperator(task_id="plan")
        with pytest.raises(BulkExportsInputError, match=r"ranges is the task 'plan' itself: write ranges=plan\.output"):
            export_to_object_storage(resource_type="Calls", destination="file:///data", ranges=plan)
        export_to_object_storage(
            resource_type="Calls", destination="file:///data", ranges=plan.output, group_id="other"
        )

    assert dag.get_task("other.submit").get_closest_mapped_task_group() is not None


def test_ranges_of_dates_become_text() -> None:
    dag = group(ranges=[{"start_day": date(2026, 1, 1), "end_day": datetime(2026, 1, 2, tzinfo=timezone.utc)}])

    mapped = dag.get_task("export.submit").get_closest_mapped_task_group()
    assert mapped._expand_input.value == [{"start_day": "2026-01-01", "end_day": "2026-01-02"}]


@pytest.mark.parametrize("group_id", [None, "exports"])
def test_second_group_needs_an_id(group_id: str | None) -> None:
    arguments = {"destination": "file:///data"} | ({"group_id": group_id} if group_id else {})
    with DAG("exports", schedule=None):
        export_to_object_storage(resource_type="Messages", **arguments)
        with pytest.raises(BulkExportsInputError) as refusal:
            export_to_object_storage(resource_type="Calls", **arguments)

    used = group_id or "export"
    assert f"already has a group '{used}': give this one its own id, such as group_id='{used}_calls'" in str(
        refusal.value
    )


def test_group_takes_its_dag() -> None:
    dag = DAG("exports", schedule=None)
    export_to_object_storage(resource_type="Calls", destination="file:///data", dag=dag, tooltip="calls")

    assert sorted(dag.task_ids) == ["export.store", "export.submit", "export.wait"]
