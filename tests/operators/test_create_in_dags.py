"""The operator in a DAG: default arguments, mapping, serialization."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from airflow_provider_bulkexports.operators.bulkexports import CreateExportCustomJobOperator
from airflow_provider_bulkexports.sensors.bulkexports import ExportCustomJobSensor, ExportDaySensor
from airflow_provider_bulkexports.simulator import Simulator
from airflow_provider_bulkexports.transfers.bulkexports import BulkExportsToObjectStorageOperator

Create = Callable[..., Any]


@pytest.mark.filterwarnings("ignore:Setting email")
def test_address_for_alerts_is_not_sent_to_twilio(
    create: Create, make_create: Callable[..., Any], sim: Simulator
) -> None:
    alerts = {"email": ["oncall@example.com"]}

    assert create(default_args=alerts).state == "success"

    (job,) = sim.state.jobs.values()
    assert job.request.email is None
    assert make_create(default_args=alerts).email == ["oncall@example.com"]


def test_address_for_twilio_is_not_used_for_alerts(
    create: Create, make_create: Callable[..., Any], sim: Simulator
) -> None:
    assert create(email="data@example.com").state == "success"

    (job,) = sim.state.jobs.values()
    assert job.request.email == "data@example.com"
    assert not make_create(email="data@example.com").email


def test_naming_arguments_are_templated() -> None:
    assert set(CreateExportCustomJobOperator.template_fields) >= {
        "resource_type",
        "start_day",
        "end_day",
        "friendly_name",
        "webhook_url",
        "webhook_method",
        "if_exists",
        "twilio_conn_id",
    }


@pytest.mark.parametrize("day", ["2026-01-01", "{{ ds }}", date(2026, 1, 1), None], ids=repr)
def test_dag_is_serializable_with_every_kind_of_day(make_dag: Callable[..., Any], day: Any) -> None:
    serialization = pytest.importorskip("airflow.serialization.serialized_objects")
    dag_serialization = getattr(serialization, "DagSerialization", None) or serialization.SerializedDAG
    with make_dag() as dag:
        submit = CreateExportCustomJobOperator(
            task_id="submit", resource_type="Messages", start_day=day, end_day=day, deferrable=True
        )
        wait = ExportCustomJobSensor(task_id="wait", job_sid=submit.output, start_day=day, end_day=day)
        ExportDaySensor(task_id="days", resource_type="Messages", start_day=day, end_day=day)
        BulkExportsToObjectStorageOperator(
            task_id="store", resource_type="Messages", days=wait.output, destination="s3://bucket"
        )
        CreateExportCustomJobOperator.partial(task_id="mapped", resource_type="Messages").expand_kwargs(
            [{"start_day": "2026-01-01", "end_day": "2026-01-31"}]
        )

    revived = dag_serialization.deserialize_dag(dag_serialization.serialize_dag(dag))

    assert sorted(revived.task_dict) == ["days", "mapped", "store", "submit", "wait"]
