"""export_to_object_storage makes three tasks, for one range or many."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_bulkexports import BulkExportsHook, export_to_object_storage
from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.simulator import Simulator
from airflow_provider_bulkexports.simulator.service import records

try:
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow import DAG


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

    submit = dag.get_task("export_to_object_storage.submit")
    assert submit.start_day is not None
    assert submit.get_closest_mapped_task_group() is not None


def test_invalid_input_is_rejected_at_parse_time() -> None:
    with pytest.raises(ValueError, match="write 'Calls'"), DAG("exports", schedule=None):
        export_to_object_storage(resource_type="calls", destination="s3://bucket/twilio")


def test_other_days_are_stored_by_default_if_one_fails() -> None:
    assert group().get_task("export_to_object_storage.wait").failed_days == "store"
    assert group(failed_days="ignore").get_task("export_to_object_storage.wait").failed_days == "ignore"


def test_destination_is_checked_before_submission_by_default() -> None:
    options = {"ServerSideEncryption": "aws:kms"}
    dag = group(object_storage_conn_id="aws", upload_options=options)

    for task_id in ("submit", "store"):
        task = dag.get_task(f"export_to_object_storage.{task_id}")
        assert task.destination == "s3://bucket/twilio"
        assert (task.object_storage_conn_id, task.upload_options) == ("aws", options)
    assert group(check_destination=False).get_task("export_to_object_storage.submit").destination is None


@pytest.mark.parametrize("destination", ["my-bucket/twilio", "~/twilio", "s3://", "s4://bucket"])
def test_invalid_destination_is_rejected_at_parse_time(destination: str) -> None:
    with pytest.raises(ValueError, match="destination"), DAG("exports", schedule=None):
        export_to_object_storage(resource_type="Calls", destination=destination)


@pytest.mark.parametrize(
    ("given", "of_submit", "of_store"),
    [
        ({}, "adopt", "skip"),
        ({"if_exists": "submit"}, "submit", "overwrite"),
        ({"if_exists": "skip"}, "adopt", "skip"),
        ({"if_exists": "overwrite"}, "adopt", "overwrite"),
        ({"if_exists": "{{ params.again }}"}, "adopt", "{{ params.again }}"),
    ],
    ids=str,
)
def test_if_exists_goes_to_the_tasks_it_belongs_to(given: dict[str, str], of_submit: str, of_store: str) -> None:
    dag = group(**given)

    assert dag.get_task("export_to_object_storage.submit").if_exists == of_submit
    assert dag.get_task("export_to_object_storage.store").if_exists == of_store


def test_unknown_if_exists_names_the_choices() -> None:
    with pytest.raises(ValueError, match="must be 'skip' or 'overwrite' or 'fail' or 'submit', got 'replace'"):
        group(if_exists="replace")


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
