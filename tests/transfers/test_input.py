"""Wrong arguments are refused before anything is stored: at parse time if they are literal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_bulkexports import BulkExportsToObjectStorageOperator, CreateExportCustomJobOperator
from airflow_provider_bulkexports.compat import AirflowFailException, file_system_registry
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.object_storage import schemes
from airflow_provider_bulkexports.object_storage.destination import Destination
from airflow_provider_bulkexports.simulator import Simulator

WRONG = [
    ("my-bucket/twilio", "write 's3://my-bucket/twilio'"),
    ("~/exports", "'~' is a different folder"),
    ("file://data", "is relative"),
    ("s3://", "has no bucket"),
    ("s4://bucket/twilio", "unknown scheme s4://; write s3://, gs://"),
    (None, "write a folder's URL"),
]
SUBMIT = {"resource_type": "Messages", "start_day": "2026-01-01", "end_day": "2026-01-01"}


@pytest.mark.parametrize(("destination", "sentence"), WRONG)
def test_wrong_destination_is_refused_at_parse_time(destination: Any, sentence: str) -> None:
    with pytest.raises(BulkExportsInputError) as refused:
        BulkExportsToObjectStorageOperator(
            task_id="store", resource_type="Messages", days="2026-01-01", destination=destination
        )
    assert sentence in str(refused.value)
    if destination is not None:
        with pytest.raises(BulkExportsInputError):
            CreateExportCustomJobOperator(task_id="submit", destination=destination, **SUBMIT)


@pytest.mark.parametrize(
    ("url", "missing", "extra"),
    [
        ("s3://bucket/twilio", "s3fs", "s3"),
        ("s3a://bucket/twilio", "airflow.providers.amazon.aws.fs.s3", "s3"),
        ("gs://bucket/twilio", "gcsfs", "gcs"),
        ("abfs://container/twilio", "airflow.providers.microsoft.azure.fs.adls", "azure"),
    ],
)
def test_store_that_is_not_installed_is_refused(
    monkeypatch: pytest.MonkeyPatch, url: str, missing: str, extra: str
) -> None:
    real = schemes.find_spec
    monkeypatch.setattr(schemes, "find_spec", lambda name: None if name == missing else real(name))
    monkeypatch.setattr(schemes, "attached_stores", list)  # other tests use S3 in this process
    if missing.startswith("airflow."):
        monkeypatch.setattr(file_system_registry(), "has_fs", lambda scheme: scheme == "file")

    for make in (
        lambda: BulkExportsToObjectStorageOperator(
            task_id="store", resource_type="Messages", days="2026-01-01", destination=url
        ),
        lambda: CreateExportCustomJobOperator(task_id="submit", destination=url, **SUBMIT),
        lambda: Destination(url),
    ):
        with pytest.raises(BulkExportsInputError, match=rf"pip install 'airflow-provider-bulkexports\[{extra}\]'"):
            make()


@pytest.mark.slow
def test_parsing_loads_no_provider_and_the_engine_no_http() -> None:
    code = """
import sys
import airflow_provider_bulkexports.object_storage.day_store
print(*sys.modules)
from airflow_provider_bulkexports import BulkExportsToObjectStorageOperator
BulkExportsToObjectStorageOperator(
    task_id="store", resource_type="Messages", days="2026-01-01", destination="s3://bucket/twilio"
)
print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    engine, parsed = (set(line.split()) for line in done.stdout.splitlines()[-2:])
    assert "airflow_provider_bulkexports.object_storage.destination" in engine
    assert (
        not {f"airflow_provider_bulkexports.api.{name}" for name in ("client", "file_check", "storage_host")} & engine
    )
    assert not {"boto3", "s3fs"} & parsed


@pytest.mark.parametrize(("destination", "sentence"), WRONG[:-1])
def test_wrong_rendered_destination_fails_before_anything_is_stored(
    sim: Simulator,
    connection: str,
    context: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    destination: Any,
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    store = BulkExportsToObjectStorageOperator(
        task_id="store", resource_type="Messages", days="2026-01-01", destination="{{ var.value.folder }}"
    )
    submit = CreateExportCustomJobOperator(task_id="submit", destination="{{ var.value.folder }}", **SUBMIT)
    store.destination = submit.destination = destination

    for task in (store, submit):
        with pytest.raises(AirflowFailException) as refused:
            task.execute(context)
        assert sentence in str(refused.value)
    assert sim.state.jobs == {}
    assert list(tmp_path.iterdir()) == [], "nothing is stored in the current folder"


@pytest.mark.parametrize("layout", [None, "", " ", 7, "{day}\n.gz"])
def test_invalid_layout_is_refused_at_parse_time(layout: Any) -> None:
    with pytest.raises(BulkExportsInputError, match="write a relative path of a file"):
        BulkExportsToObjectStorageOperator(
            task_id="store", resource_type="Messages", days="2026-01-01", destination="s3://bucket", layout=layout
        )


def test_checking_a_local_folder_leaves_it_empty(
    sim: Simulator, connection: str, context: dict[str, Any], tmp_path: Path
) -> None:
    submit = CreateExportCustomJobOperator(task_id="submit", destination=str(tmp_path / "new"), **SUBMIT)

    assert str(submit.execute(context)).startswith("JS")
    assert list((tmp_path / "new").iterdir()) == []


def test_folder_that_cannot_be_created_fails_the_submission(
    sim: Simulator, connection: str, context: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    submit = CreateExportCustomJobOperator(task_id="submit", destination=str(tmp_path / "file"), **SUBMIT)

    with pytest.raises(
        AirflowFailException, match=r"Could not write file:///.*file/_bulkexports_check: .* Remove what"
    ):
        submit.execute(context)
    assert sim.state.jobs == {}


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"layout": "{resource_type}/part.gz"}, "without {day} the days would overwrite each other"),
        ({"layout": "../{day}.gz"}, "write a relative path"),
        ({"layout": "/{day}.gz"}, "write a relative path"),
        ({"layout": "{day.__class__}/{day}"}, "is unknown; use"),
        ({"layout": "{hour}/{day}"}, "{hour} is unknown"),
        ({"if_exists": "replace"}, "if_exists must be 'skip' or 'overwrite' or 'fail', got 'replace'"),
        ({"missing_days": "skip"}, "missing_days must be 'fail' or 'ignore', got 'skip'"),
        ({"max_parallel_days": 0}, "max_parallel_days must be 1 or more, got 0"),
        ({"destination": ""}, "destination is empty"),
        ({"days": ["soon"]}, "write it as YYYY-MM-DD"),
        ({"resource_type": "message"}, "write 'Messages'"),
    ],
)
def test_bad_input_is_refused_at_parse_time(wrong: dict[str, Any], sentence: str) -> None:
    arguments = {"resource_type": "Messages", "days": ["2026-01-01"], "destination": "s3://bucket"} | wrong

    with pytest.raises(BulkExportsInputError) as refused:
        BulkExportsToObjectStorageOperator(task_id="store", **arguments)
    assert sentence in str(refused.value)
