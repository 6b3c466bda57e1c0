"""Storing in Azure with the oldest library that the extra allows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import pytest

from airflow_provider_bulkexports import BulkExportsToObjectStorageOperator
from airflow_provider_bulkexports.compat import AirflowFailException
from airflow_provider_bulkexports.object_storage import schemes
from airflow_provider_bulkexports.simulator import Simulator

try:
    from airflow.sdk.io import store as airflow_store
except ImportError:  # Airflow 2
    from airflow.io import store as airflow_store

Store = Callable[..., list[dict[str, Any]]]


class EarlyAzure(fsspec.AbstractFileSystem):
    """Behaves like adlfs 2023.10: does not replace a file by default, and drops unknown arguments."""

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


def test_attached_store_needs_no_provider(monkeypatch: pytest.MonkeyPatch, azure: EarlyAzure) -> None:
    monkeypatch.setattr(schemes, "find_spec", lambda name: None)

    BulkExportsToObjectStorageOperator(
        task_id="store", resource_type="Messages", days="2026-01-01", destination="abfs://container/twilio"
    )


def test_oldest_allowed_azure_library_replaces_files(store: Store, simulated: Simulator, azure: EarlyAzure) -> None:
    pytest.importorskip("upath")
    simulated.create_job("Messages", "2026-01-01", "2026-01-01")
    arguments = {
        "destination": "abfs://container/twilio",
        "object_storage_conn_id": "azure_of_test",
        "if_exists": "overwrite",
    }

    for _ in range(2):
        assert [entry["status"] for entry in store(**arguments)] == ["stored"]
    assert len(azure.files) == 2
    with pytest.raises(AirflowFailException, match="abfs does not support 'encryption_scope' for an upload"):
        store(**arguments, upload_options={"encryption_scope": "keys"})
