"""A destination that cannot be right is refused before anything else happens, at parse time where it is literal."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import pytest

from airflow_provider_bulkexports import BulkExportsToObjectStorageOperator, CreateExportCustomJobOperator
from airflow_provider_bulkexports.compat import AirflowFailException
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.object_storage import file_systems as compat_io
from airflow_provider_bulkexports.object_storage.destination import Destination
from airflow_provider_bulkexports.simulator import Simulator

try:
    from airflow.sdk.io import store as airflow_store
except ImportError:  # Airflow 2
    from airflow.io import store as airflow_store

WRONG = [
    ("my-bucket/twilio", "write 's3://my-bucket/twilio'"),
    ("~/exports", "'~' is another folder"),
    ("file://data", "is relative"),
    ("s3://", "names no bucket"),
    ("s4://bucket/twilio", "unknown scheme s4://; write s3://, gs://"),
    (None, "write a folder's URL"),
]
SUBMIT = {"resource_type": "Messages", "start_day": "2026-01-01", "end_day": "2026-01-01"}


@pytest.mark.parametrize(("destination", "sentence"), WRONG)
def test_it_is_refused_when_the_dag_is_parsed(destination: Any, sentence: str) -> None:
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
def test_a_store_whose_provider_or_library_is_not_installed_is_refused_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, url: str, missing: str, extra: str
) -> None:
    real = compat_io.find_spec
    monkeypatch.setattr(compat_io, "find_spec", lambda name: None if name == missing else real(name))
    if missing.startswith("airflow."):
        monkeypatch.setattr(compat_io._registry(), "has_fs", lambda scheme: scheme == "file")

    for make in (
        lambda: BulkExportsToObjectStorageOperator(
            task_id="store", resource_type="Messages", days="2026-01-01", destination=url
        ),
        lambda: CreateExportCustomJobOperator(task_id="submit", destination=url, **SUBMIT),
        lambda: Destination(url),
    ):
        with pytest.raises(BulkExportsInputError, match=rf"pip install 'airflow-provider-bulkexports\[{extra}\]'"):
            make()


def test_a_store_of_one_s_own_needs_no_library_of_airflow_s(monkeypatch: pytest.MonkeyPatch, azure: EarlyAzure) -> None:
    monkeypatch.setattr(compat_io, "find_spec", lambda name: None)

    BulkExportsToObjectStorageOperator(
        task_id="store", resource_type="Messages", days="2026-01-01", destination="abfs://container/twilio"
    )


@pytest.mark.slow
def test_parsing_a_dag_that_stores_in_an_object_store_loads_no_provider() -> None:
    code = """
from airflow_provider_bulkexports import BulkExportsToObjectStorageOperator
BulkExportsToObjectStorageOperator(
    task_id="store", resource_type="Messages", days="2026-01-01", destination="s3://bucket/twilio"
)
"""
    script = f"import sys\n{code}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert not {"boto3", "s3fs"}.intersection(done.stdout.split())


@pytest.mark.parametrize(("destination", "sentence"), WRONG[:-1])
def test_it_is_refused_when_a_template_made_it(
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
def test_a_layout_that_is_none_is_refused(layout: Any) -> None:
    with pytest.raises(BulkExportsInputError, match="write a relative path of a file"):
        BulkExportsToObjectStorageOperator(
            task_id="store", resource_type="Messages", days="2026-01-01", destination="s3://bucket", layout=layout
        )


def test_a_local_folder_is_checked_and_left_empty(
    sim: Simulator, connection: str, context: dict[str, Any], tmp_path: Path
) -> None:
    submit = CreateExportCustomJobOperator(task_id="submit", destination=str(tmp_path / "new"), **SUBMIT)

    assert str(submit.execute(context)).startswith("JS")
    assert list((tmp_path / "new").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_one_sentence(
    sim: Simulator, connection: str, context: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    submit = CreateExportCustomJobOperator(task_id="submit", destination=str(tmp_path / "file"), **SUBMIT)

    with pytest.raises(
        AirflowFailException, match=r"Could not write file:///.*file/_bulkexports_check: .* Remove what"
    ):
        submit.execute(context)
    assert sim.state.jobs == {}


class EarlyAzure(fsspec.AbstractFileSystem):
    """As adlfs 2023.10: it does not replace a file unless it is told to, and drops arguments that it does not know."""

    protocol = "abfs"
    cachable = False

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, bytes] = {}

    def put_file(  # type: ignore[override]
        self,
        lpath: str,
        rpath: str,
        delimiter: str = "/",
        overwrite: bool = False,
        callback: Any = None,
        **kwargws: Any,
    ) -> None:
        if rpath in self.files and not overwrite:
            raise FileExistsError("File already exists!")
        self.files[rpath] = Path(lpath).read_bytes()

    def pipe_file(self, path: str, value: bytes, overwrite: bool = True, **kwargs: Any) -> None:  # type: ignore[override]
        assert overwrite
        self.files[path] = value

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any) -> bytes:
        if path not in self.files:
            raise FileNotFoundError(path)
        return self.files[path][start:end]

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        if path not in self.files:
            raise FileNotFoundError(path)
        return {"name": path, "size": len(self.files[path]), "type": "file"}

    def rm_file(self, path: str) -> None:
        del self.files[path]


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> EarlyAzure:
    fs = EarlyAzure()
    monkeypatch.setitem(
        airflow_store._STORE_CACHE,
        "abfs-azure_of_test",
        airflow_store.ObjectStore(protocol="abfs", conn_id="azure_of_test", fs=fs),
    )
    return fs


def test_the_oldest_allowed_azure_library_replaces_files(
    store_as: Callable[..., list[dict[str, Any]]], simulated: Simulator, azure: EarlyAzure
) -> None:
    pytest.importorskip("upath")
    simulated.create_job("Messages", "2026-01-01", "2026-01-01")
    arguments = {
        "destination": "abfs://container/twilio",
        "object_storage_conn_id": "azure_of_test",
        "if_exists": "overwrite",
    }

    for _ in range(2):
        assert [entry["status"] for entry in store_as(simulated.connection_json(), **arguments)] == ["stored"]
    assert len(azure.files) == 2
    with pytest.raises(AirflowFailException, match="abfs knows no 'encryption_scope' for an upload"):
        store_as(simulated.connection_json(), **arguments, upload_options={"encryption_scope": "keys"})
