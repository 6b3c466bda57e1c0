"""
What the OpenLineage methods of tasks return.

Airflow calls them in a process that it forks for each event; ``test_openlineage.py`` reads those events.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_bulkexports.assets.bulkexports import asset_for
from airflow_provider_bulkexports.operators.bulkexports import CreateExportCustomJobOperator
from airflow_provider_bulkexports.simulator import Simulator
from airflow_provider_bulkexports.transfers.bulkexports import BulkExportsToObjectStorageOperator

pytest.importorskip("airflow.providers.openlineage")

DAYS = {"resource_type": "Messages", "start_day": "2026-01-01", "end_day": "2026-01-03"}
NAMES = ["2026-01-01", "2026-01-02", "2026-01-03"]


@pytest.fixture
def create(connection: str) -> Callable[..., CreateExportCustomJobOperator]:
    def make(**arguments: Any) -> CreateExportCustomJobOperator:
        return CreateExportCustomJobOperator(task_id="create", deferrable=False, **DAYS, **arguments)

    return make


def uri_of(dataset: Any) -> str:
    return f"{dataset.namespace}/{dataset.name}"


def days_of(subset: Any) -> list[str]:
    """Days of an input's or output's subset facet."""
    condition = getattr(subset, "outputCondition", None) or subset.inputCondition
    return [partition.identifier for partition in condition.partitions]


def test_submission_has_the_asset_as_output_and_its_job_as_query(
    create: Callable[..., Any], sim: Simulator, context: dict[str, Any]
) -> None:
    task = create()
    sid = task.execute(context)

    lineage = task.get_openlineage_facets_on_complete(None)

    (output,) = lineage.outputs
    assert uri_of(output) == asset_for("Messages", sim.account_sid).uri
    assert days_of(output.outputFacets["subset"]) == NAMES
    assert (lineage.run_facets["externalQuery"].externalQueryId, lineage.inputs) == (sid, [])


def test_task_that_exported_nothing_has_no_lineage(create: Callable[..., Any]) -> None:
    lineage = create().get_openlineage_facets_on_complete(None)

    assert (lineage.inputs, lineage.outputs, lineage.run_facets) == ([], [], {})


def test_without_a_known_account_there_is_no_output(
    create: Callable[..., Any], sim: Simulator, context: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An API key does not name its account."""
    connection = {"login": sim.api_key_sid, "password": sim.api_key_secret, "host": sim.base_url}
    stored = json.dumps({"conn_type": "twilio_bulkexports", **connection})
    monkeypatch.setenv("AIRFLOW_CONN_TWILIO_BULKEXPORTS_DEFAULT", stored)
    task = create()
    sid = task.execute(context)

    lineage = task.get_openlineage_facets_on_complete(None)

    assert (lineage.outputs, lineage.run_facets["externalQuery"].externalQueryId) == ([], sid)


def test_transfer_leads_from_the_asset_to_the_folder(
    connection: str, sim: Simulator, context: dict[str, Any], tmp_path: Path
) -> None:
    sim.create_job("Messages", DAYS["start_day"], DAYS["end_day"])
    sim.finish_jobs()
    task = BulkExportsToObjectStorageOperator(task_id="store", destination=f"file://{tmp_path}", **DAYS)
    entries = task.execute(context)

    lineage = task.get_openlineage_facets_on_complete(None)

    (source,), (target,) = lineage.inputs, lineage.outputs
    assert uri_of(source) == asset_for("Messages", sim.account_sid).uri
    assert (target.namespace, target.name) == ("file", str(tmp_path))
    statistics = target.outputFacets["outputStatistics"]
    assert statistics.rowCount == sum(entry["records"] for entry in entries) == 150
    assert statistics.size == sum(entry["bytes"] for entry in entries)
    assert days_of(source.inputFacets["subset"]) == days_of(target.outputFacets["subset"]) == NAMES
