"""Days become asset events of the outlets: partitions on Airflow 3.3, a list on every version."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.airflow import DAG

from airflow_provider_bulkexports import (
    BulkExportsToObjectStorageOperator,
    CreateExportCustomJobOperator,
    ExportCustomJobSensor,
    ExportDaySensor,
    asset_for,
)
from airflow_provider_bulkexports.compat import AIRFLOW_VERSION, Asset
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.simulator import Simulator

try:
    from airflow.sdk import AssetAlias
    from airflow.sdk.execution_time.context import OutletEventAccessors
except ImportError:  # Airflow 2.11
    from airflow.datasets import DatasetAlias as AssetAlias
    from airflow.utils.context import OutletEventAccessors

HAS_PARTITIONS = tuple(map(int, AIRFLOW_VERSION.split(".")[:2])) >= (3, 3)

ACCOUNT = "AC" + "0a" * 16
DAYS = ["2026-01-01", "2026-01-02", "2026-01-03"]


@pytest.fixture
def messages() -> Any:
    return asset_for("Messages", ACCOUNT)


@pytest.fixture
def events(context: dict[str, Any]) -> Any:
    """What Airflow collects of a task's outlets."""
    context["outlet_events"] = OutletEventAccessors()
    return context["outlet_events"]


@pytest.fixture
def job(sim: Simulator) -> str:
    """A finished job of three days, the second of which is empty."""
    sim.knobs.queue_seconds = sim.knobs.seconds_per_day_run = sim.knobs.error_pause_seconds = 0
    sim.state.empty_day("Messages", DAYS[1])
    return sim.create_job("Messages", DAYS[0], DAYS[-1]).sid


def partitions(event: Any) -> set[str]:
    return getattr(event, "partition_keys", set())


@pytest.fixture(params=["create", "deferred create", "job sensor", "day sensor", "transfer"])
def run(
    request: pytest.FixtureRequest, connection: str, job: str, run_task: Callable[..., Any], tmp_path: Path
) -> Callable[..., Any]:
    """Run each of the tasks that add days to events."""
    days = {"resource_type": "Messages", "start_day": DAYS[0], "end_day": DAYS[-1]}

    def make(**kwargs: Any) -> Any:
        if "create" in request.param:
            with DAG("exports", schedule=None):
                how = {"wait_for_completion": True, "deferrable": "deferred" in request.param}
                return CreateExportCustomJobOperator(task_id="task", **how, **days, **kwargs)
        if request.param == "job sensor":
            return ExportCustomJobSensor(task_id="task", job_sid=job, **kwargs)
        if request.param == "day sensor":
            return ExportDaySensor(task_id="task", **days, **kwargs)
        return BulkExportsToObjectStorageOperator(task_id="task", destination=f"file://{tmp_path}", **days, **kwargs)

    return lambda **kwargs: run_task(lambda: make(**kwargs))


def test_event_lists_its_days(run: Callable[..., Any], events: Any, messages: Any) -> None:
    end = run(outlets=[messages])

    assert end.state == "success", end.error
    assert events[messages].extra["days"] == DAYS
    assert events[messages].extra["resource_type"] == "Messages"
    assert not partitions(events[messages])


def test_each_day_is_a_partition_on_airflow_3_3(
    run: Callable[..., Any], events: Any, messages: Any, caplog: pytest.LogCaptureFixture
) -> None:
    end = run(outlets=[messages], emit_partitions=True)

    assert end.state == "success", end.error
    assert partitions(events[messages]) == (set(DAYS) if HAS_PARTITIONS else set())
    assert events[messages].extra["days"] == DAYS


def test_every_outlet_asset_gets_an_event(run: Callable[..., Any], events: Any, messages: Any) -> None:
    folder, alias = Asset("s3://bucket/twilio"), AssetAlias("an-alias")

    run(outlets=[messages, alias, folder], emit_partitions=True)

    assert events[folder].extra["days"] == DAYS
    assert events[alias].extra == {}


def test_partitions_without_an_asset_are_rejected_at_parse_time(run: Callable[..., Any]) -> None:
    for outlets in ([], [AssetAlias("an-alias")]):
        with pytest.raises(BulkExportsInputError, match=r"add outlets=\[asset_for"):
            run(outlets=outlets, emit_partitions=True)


def test_submitting_task_reports_no_days(
    connection: str, run_task: Callable[..., Any], events: Any, messages: Any
) -> None:
    arguments = {"resource_type": "Messages", "start_day": DAYS[0], "end_day": DAYS[-1], "outlets": [messages]}

    end = run_task(lambda: CreateExportCustomJobOperator(task_id="submit", **arguments))

    assert end.state == "success", end.error
    assert events[messages].extra == {}
    with pytest.raises(BulkExportsInputError, match="without wait_for_completion=True"):
        CreateExportCustomJobOperator(task_id="submit", emit_partitions=True, **arguments)


def test_no_events_without_outlets(run: Callable[..., Any], events: Any) -> None:
    assert run().state == "success"
    assert len(events) == 0


def test_failed_days_are_not_partitions(
    connection: str, sim: Simulator, run_task: Callable[..., Any], events: Any, messages: Any
) -> None:
    sim.knobs.queue_seconds = sim.knobs.seconds_per_day_run = 0
    sim.state.fail_day("Messages", DAYS[1])
    job = sim.create_job("Messages", DAYS[0], DAYS[-1])
    arguments = {"outlets": [messages], "emit_partitions": True, "failed_days": "ignore"}

    end = run_task(lambda: ExportCustomJobSensor(task_id="wait", job_sid=job.sid, **arguments))

    assert end.state == "success", end.error
    assert events[messages].extra["days"] == [DAYS[0], DAYS[2]]


def test_day_without_a_file_is_not_a_partition_of_the_folder(
    connection: str, job: str, sim: Simulator, context: dict[str, Any], events: Any, messages: Any, tmp_path: Path
) -> None:
    sim.state.remove_files("Messages", DAYS[2])

    BulkExportsToObjectStorageOperator(
        task_id="store",
        resource_type="Messages",
        days=DAYS,
        destination=f"file://{tmp_path}",
        missing_days="ignore",
        missing_timeout=0,
        outlets=[messages],
    ).execute(context)

    assert events[messages].extra["days"] == DAYS[:2]
    assert events[messages].extra["destination"] == f"file://{tmp_path}"
