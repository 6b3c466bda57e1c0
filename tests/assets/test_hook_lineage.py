"""Hook lineage: exports are inputs, files and folders are outputs."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_bulkexports import BulkExportsHook, BulkExportsToObjectStorageOperator
from airflow_provider_bulkexports.simulator import Simulator


class Collected:
    """Airflow's collector of lineage, without a reader that would switch the real one on."""

    def __init__(self, module: Any) -> None:
        self._collector = module.HookLineageCollector()

    def uris(self, direction: str) -> set[str]:
        kind = "collected_assets" if hasattr(self._collector, "collected_assets") else "collected_datasets"
        found = getattr(getattr(self._collector, kind), direction)
        return {getattr(entry, "asset", None).uri if hasattr(entry, "asset") else entry.dataset.uri for entry in found}


@pytest.fixture
def collected(monkeypatch: pytest.MonkeyPatch) -> Collected:
    try:
        module = import_module("airflow.sdk.lineage")
    except ImportError:  # before Airflow 3.2
        module = import_module("airflow.lineage.hook")
    collected = Collected(module)
    monkeypatch.setattr(module, "get_hook_lineage_collector", lambda: collected._collector)
    return collected


@pytest.fixture
def exports(sim: Simulator, connection: str) -> str:
    """URI of the exports of the account, one day of which is there."""
    sim.knobs.queue_seconds = sim.knobs.seconds_per_day_run = 0
    sim.create_job("Messages", "2026-01-01", "2026-01-01")
    return f"twilio-bulkexports://{sim.account_sid}/Messages"


def test_download_of_a_hook_is_reported(exports: str, collected: Collected, tmp_path: Path) -> None:
    target = tmp_path / "day.json.gz"

    BulkExportsHook().download_day("Messages", "2026-01-01", target)

    assert target.exists()
    assert collected.uris("inputs") == {exports}
    assert collected.uris("outputs") == {target.as_uri()}


def test_transfer_is_reported(exports: str, collected: Collected, tmp_path: Path, context: dict[str, Any]) -> None:
    BulkExportsToObjectStorageOperator(
        task_id="store", resource_type="Messages", days="2026-01-01", destination=f"file://{tmp_path}/"
    ).execute(context)

    assert collected.uris("inputs") == {exports}
    assert collected.uris("outputs") == {f"file://{tmp_path}"}


def test_unknown_account_is_left_out(
    exports: str, collected: Collected, sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import json

    fields = json.loads(sim.connection_json(api_key=True)) | {"extra": {}}
    monkeypatch.setenv("AIRFLOW_CONN_KEY", json.dumps(fields))

    BulkExportsHook("key").download_day("Messages", "2026-01-01", tmp_path / "day.json.gz")

    assert collected.uris("inputs") == set()
    assert len(collected.uris("outputs")) == 1


@pytest.mark.usefixtures("collected")
def test_rejected_uri_does_not_fail_the_task(exports: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_provider_bulkexports.assets import lineage

    def refuse(*_: Any, **__: Any) -> None:
        raise ValueError("no bucket")

    monkeypatch.setattr(lineage, "collect_lineage", refuse)

    lineage.report_hook_lineage(BulkExportsHook(), outputs=["s3://"])
