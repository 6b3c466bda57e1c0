"""OpenLineage events have the names of the assets, and no signed link."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_bulkexports.assets.bulkexports import asset_for, convert_asset_to_openlineage
from airflow_provider_bulkexports.compat import Asset
from airflow_provider_bulkexports.simulator import Simulator

pytest.importorskip("airflow.providers.openlineage")

RUN = """
import sys
import pendulum
from airflow_provider_bulkexports import BulkExportsToObjectStorageOperator, CreateExportCustomJobOperator
try:
    from airflow.sdk import DAG
except ImportError:
    from airflow import DAG
with DAG("lineage", schedule=None, start_date=pendulum.datetime(2026, 1, 1, tz="UTC")) as dag:
    days = {"resource_type": "Messages", "start_day": "2026-01-01", "end_day": "2026-01-03"}
    create = CreateExportCustomJobOperator(task_id="create", **days)
    store = BulkExportsToObjectStorageOperator(task_id="store", destination=sys.argv[1], **days)
    create >> store
if __name__ == "__main__":
    assert dag.test().state == "success"
"""


@pytest.fixture
def events(airflow_db: None, sim: Simulator, tmp_path: Path) -> dict[tuple[str, str], Any]:
    """The events of a DAG that creates and stores, by task and type, as the file transport writes them."""
    sim.knobs.queue_seconds = sim.knobs.seconds_per_day_run = 0
    (tmp_path / "dags").mkdir()
    file = tmp_path / "dags" / "lineage.py"
    file.write_text(RUN)
    written = tmp_path / "events.json"
    environment = os.environ | {
        "AIRFLOW__CORE__DAGS_FOLDER": str(file.parent),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps({"type": "file", "log_file_path": str(written), "append": True}),
        "AIRFLOW_CONN_TWILIO_BULKEXPORTS_DEFAULT": sim.connection_json(),
    }
    command = [sys.executable, str(file), f"file://{tmp_path}/stored"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    text = written.read_text()
    assert "Signature" not in text
    assert "X-Amz" not in text
    assert sim.auth_token not in text
    lines = [json.loads(line) for line in text.splitlines()]
    return {(line["job"]["name"], line["eventType"]): line for line in lines}


def names(datasets: list[dict[str, Any]]) -> list[str]:
    return [f"{dataset['namespace']}/{dataset['name']}" for dataset in datasets]


@pytest.mark.slow
@pytest.mark.timeout(300)  # another Airflow starts, and sends each event from a process of its own
def test_operator_and_transfer_report_the_asset(
    events: dict[tuple[str, str], Any], sim: Simulator, tmp_path: Path
) -> None:
    asset = asset_for("Messages", sim.account_sid)
    create, store = events["lineage.create", "COMPLETE"], events["lineage.store", "COMPLETE"]
    (job,) = sim.state.jobs

    assert names(create["outputs"]) == names(store["inputs"]) == [asset.uri]
    assert create["run"]["facets"]["externalQuery"]["externalQueryId"] == job
    (output,) = store["outputs"]
    assert (output["namespace"], output["name"]) == ("file", f"{tmp_path}/stored")
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == 150
    for facets in (create["outputs"][0]["outputFacets"], output["outputFacets"]):
        days = [partition["identifier"] for partition in facets["subset"]["outputCondition"]["partitions"]]
        assert days == ["2026-01-01", "2026-01-02", "2026-01-03"]


@pytest.mark.parametrize("resource_type", ["Messages", "Calls"])
def test_outlet_is_the_dataset_that_tasks_report(resource_type: str) -> None:
    asset = asset_for(resource_type, "AC" + "0a" * 16)

    dataset = convert_asset_to_openlineage(asset, None)

    assert (dataset.namespace, dataset.name) == ("twilio-bulkexports://AC" + "0a" * 16, resource_type)
    assert f"{dataset.namespace}/{dataset.name}" == asset.uri


def test_airflow_converts_our_assets() -> None:
    from airflow.providers.openlineage.utils.utils import translate_airflow_asset

    dataset = translate_airflow_asset(asset_for("Calls", "AC" + "0a" * 16), None)

    assert dataset is not None and dataset.name == "Calls"
    assert isinstance(asset_for("Calls", "AC" + "0a" * 16), Asset)
