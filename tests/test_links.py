"""A task's link leads to its export, while the task runs, while it is deferred, and afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from support.airflow import DAG

from airflow_provider_bulkexports import (
    BulkExportsToObjectStorageOperator,
    CreateExportCustomJobOperator,
    ExportCustomJobSensor,
    ExportDaySensor,
)
from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.compat import TaskDeferred
from airflow_provider_bulkexports.links import BulkExportsLink, push_link
from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.simulator import Simulator

JOB, OTHER = "JS" + "0" * 32, "JS" + "1" * 32
DAYS = {"resource_type": "Messages", "start_day": "2026-01-01", "end_day": "2026-01-02"}


def link_in(context: dict[str, Any]) -> str | None:
    return context["ti"].xcoms.get(BulkExportsLink().xcom_key)


@pytest.mark.parametrize(
    ("kind", "job_sids", "path"),
    [
        (None, [JOB], f"/Jobs/{JOB}"),
        (ResourceType.CALLS, [JOB], f"/Jobs/{JOB}"),
        (ResourceType.CALLS, [JOB, OTHER], "/Calls/Jobs"),
        (None, [JOB, OTHER], f"/Jobs/{JOB}"),
        (ResourceType.CALLS, [], "/Calls/Jobs"),
        (ResourceType.CALLS, None, "/Calls/Days"),
    ],
)
def test_own_host_is_linked_directly(
    context: dict[str, Any], client: BulkExportsClient, kind: Any, job_sids: list[str] | None, path: str
) -> None:
    push_link(context, client, resource_type=kind, job_sids=job_sids)

    assert link_in(context) == f"{client.base_url}/v1/Exports{path}"


@pytest.mark.parametrize(
    ("kind", "product"), [(ResourceType.MESSAGES, "messaging"), (ResourceType.PARTICIPANTS, "voice"), (None, "voice")]
)
@pytest.mark.parametrize("base_url", ["https://bulkexports.twilio.com", "https://bulkexports.dublin.us1.twilio.com"])
def test_twilio_is_linked_to_its_console(context: dict[str, Any], kind: Any, product: str, base_url: str) -> None:
    client = BulkExportsClient("AC" + "0" * 32, "token", base_url=base_url)

    push_link(context, client, resource_type=kind, job_sids=[JOB])

    assert (link_in(context) or "").startswith("https://1console.twilio.com/")
    assert f"/{product}/settings/log-archives-settings" in (link_in(context) or "")


def test_link_exists_while_the_task_is_deferred(connection: str, sim: Simulator, context: dict[str, Any]) -> None:
    wait = CreateExportCustomJobOperator(task_id="create", wait_for_completion=True, deferrable=True, **DAYS)

    with pytest.raises(TaskDeferred):
        wait.execute(context)

    (job,) = sim.state.jobs
    assert link_in(context) == f"{sim.base_url}/v1/Exports/Jobs/{job}"


def test_link_exists_before_the_first_poll(connection: str, sim: Simulator, context: dict[str, Any]) -> None:
    sensor = ExportCustomJobSensor(task_id="wait", job_sid=JOB, deferrable=False)

    with pytest.raises(Exception, match="does not know job"):
        sensor.execute(context)

    assert link_in(context) == f"{sim.base_url}/v1/Exports/Jobs/{JOB}"


def test_task_without_a_job_links_to_the_files(
    connection: str, sim: Simulator, context: dict[str, Any], run_task: Callable[..., Any], tmp_path: Path
) -> None:
    sim.knobs.queue_seconds = sim.knobs.seconds_per_day_run = 0
    sim.create_job("Messages", "2026-01-01", "2026-01-02")
    for task in (
        ExportDaySensor(task_id="days", deferrable=False, **DAYS),
        BulkExportsToObjectStorageOperator(task_id="store", destination=f"file://{tmp_path}", **DAYS),
    ):
        context["ti"].xcoms.clear()
        task.execute(context)

        assert link_in(context) == f"{sim.base_url}/v1/Exports/Messages/Days"


def test_task_runs_without_a_task_instance(connection: str, sim: Simulator) -> None:
    created = CreateExportCustomJobOperator(task_id="create", deferrable=False, **DAYS).execute({"run_id": "mine"})

    assert created in sim.state.jobs


@pytest.mark.parametrize(("kept", "shown"), [("http://127.0.0.1/x", "http://127.0.0.1/x"), (None, "")])
def test_link_is_read_from_xcom(monkeypatch: pytest.MonkeyPatch, kept: str | None, shown: str) -> None:
    asked: list[Any] = []
    xcom = SimpleNamespace(get_value=lambda **request: asked.append(request) or kept)
    monkeypatch.setattr("airflow_provider_bulkexports.links.XCom", xcom)
    link = BulkExportsLink()

    assert link.get_link(None, ti_key="this task") == shown
    assert asked == [{"ti_key": "this task", "key": link.xcom_key}]


def test_link_survives_serialization() -> None:
    from airflow.serialization import serialized_objects

    # Airflow 3.2 moved serialization to a class of its own.
    serialization = getattr(serialized_objects, "DagSerialization", serialized_objects.SerializedDAG)
    with DAG("linked", schedule=None) as dag:
        CreateExportCustomJobOperator(task_id="create", **DAYS)

    task = serialization.from_dict(serialization.to_dict(dag)).get_task("create")

    assert list(task.extra_links) == [BulkExportsLink.name]


def test_link_shows_the_job_in_a_browser(connection: str, sim: Simulator, context: dict[str, Any]) -> None:
    job = CreateExportCustomJobOperator(task_id="create", deferrable=False, **DAYS).execute(context)

    page = requests.get(link_in(context) or "", headers={"Accept": "text/html,*/*;q=0.8"}, timeout=10)

    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    assert str(job) in page.text
    assert "Submitted" in page.text
