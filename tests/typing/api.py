"""
The public API as users write it, for type checkers: mypy reads this file, nothing runs it.

A line that stops type-checking would break the checks of users' own DAG files.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timezone
from pathlib import Path

from typing_extensions import assert_type

from airflow_provider_bulkexports import (
    BulkExportsHook,
    BulkExportsToObjectStorageOperator,
    CreateExportCustomJobOperator,
    DeleteExportJobOperator,
    ExportCustomJobSensor,
    ExportCustomJobTrigger,
    ExportDayEventTrigger,
    ExportDaySensor,
    ExportDayTrigger,
    asset_for,
    export_to_object_storage,
    join_days,
    plan_quota,
    split_days,
    split_months,
)
from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.exceptions import BulkExportsAPIError, BulkExportsError, DayNotExportableError
from airflow_provider_bulkexports.simulator import Fault, Knobs, Rejection, SimulatedClock, Simulator, problem_body


def three_tasks() -> None:
    submit = CreateExportCustomJobOperator(
        task_id="submit", resource_type="Messages", start_day="2026-01-01", end_day=date(2026, 1, 7), deferrable=True
    )
    wait = ExportCustomJobSensor(task_id="wait", job_sid=submit.output, poke_interval=30, timeout=3600)
    store = BulkExportsToObjectStorageOperator(
        task_id="store",
        resource_type="Messages",
        days=wait.output,
        destination="s3://bucket/twilio",
        outlets=[asset_for("Messages", "AC" + "0" * 32)],
        emit_partitions=True,
    )
    submit >> wait >> store


def other_ways() -> None:
    CreateExportCustomJobOperator(
        task_id="all_in_one",
        resource_type="Calls",
        friendly_name="nightly",
        webhook_url="https://example.com/done",
        webhook_method="POST",
        email="data@example.com",
        if_exists="submit",
        wait_until_exportable=False,
        wait_for_quota=False,
        wait_for_completion=True,
        cancel_on_kill=True,
        poll_interval=10,
        max_poll_interval=0,
        timeout=7200.0,
        retries=2,
    )
    wait = ExportCustomJobSensor(task_id="several", job_sid=["JS" + "0" * 32, "JS" + "1" * 32], failed_days="store")
    BulkExportsToObjectStorageOperator(
        task_id="type_of_the_result",
        days=wait.output,
        destination="s3://bucket/twilio",
        upload_options={"ServerSideEncryption": "aws:kms"},
        empty_days="skip",
        manifests="aside",
    )
    ExportDaySensor(task_id="days", resource_type="Calls", start_day=date(2026, 1, 1), end_day="2026-01-02")
    BulkExportsToObjectStorageOperator(
        task_id="listed", resource_type="Calls", days=["2026-01-01", date(2026, 1, 2)], destination="file:///data"
    )
    DeleteExportJobOperator(task_id="delete", job_sid="JS" + "0" * 32)


def groups() -> None:
    export_to_object_storage(resource_type="Calls", destination="gs://bucket/twilio", layout="{day}.json.gz")
    export_to_object_storage(
        resource_type="Calls",
        destination="s3://bucket/twilio",
        ranges=split_months("2023-01-01", "2025-12-31"),
        object_storage_conn_id="aws_default",
        failed_days="fail",
        check_destination=False,
    )


def triggers() -> None:
    ExportCustomJobTrigger(job_sids=["JS" + "0" * 32], poll_interval=5)
    ExportDayTrigger(resource_type="Calls", start_day="2026-01-01", end_day="2026-01-02")
    ExportDayEventTrigger(resource_type="Calls", announce_existing=True)


def ranges() -> None:
    assert_type(split_days("2026-01-01", date(2026, 12, 31), max_days=100), list[dict[str, str]])
    assert_type(join_days(["2026-01-01", date(2026, 1, 2)]), list[dict[str, str]])
    plan = plan_quota(split_months("2026-01-01", "2026-03-31"), today="2026-11-24", used_today=3)
    assert_type(plan, dict[str, list[dict[str, str]]])


def hook_and_client(target: Path) -> None:
    client = BulkExportsHook("twilio_bulkexports_default").get_conn()
    assert_type(client, BulkExportsClient)
    assert_type(BulkExportsHook().test_connection(), tuple[bool, str])
    job = client.create_job("Messages", start_day="2026-01-01", end_day="2026-01-02", friendly_name="by hand")
    assert_type(job.job_sid, str)
    assert_type(job.start_day, date | None)
    assert_type(client.get_job(job.job_sid).estimated_completion_time, datetime | None)
    for listed in client.list_jobs("Messages"):
        assert_type(listed.friendly_name, str | None)
    for day in client.list_days("Messages"):
        assert_type(day.size, int)
    file = client.download_day("Messages", "2026-01-01", target)
    assert_type(file.records, int)
    assert_type(file.path, Path)
    assert_type(client.get_configuration("Messages").enabled, bool | None)
    client.update_configuration("Messages", enabled=True)
    client.delete_job(job.job_sid)
    client.close()


def errors(client: BulkExportsClient) -> str:
    try:
        client.get_job("JS" + "0" * 32)
    except DayNotExportableError as error:
        assert_type(error.exportable_at, datetime)
    except BulkExportsAPIError as error:
        assert_type(error.status, int)
        assert_type(error.code, int | None)
    except BulkExportsError as error:
        assert_type(error.is_transient, bool)
    return ""


def simulated() -> Iterator[Simulator]:
    clock = SimulatedClock(datetime(2026, 11, 24, tzinfo=timezone.utc), speed=0)
    knobs = Knobs(queue_seconds=0, quota_exceeded=Rejection(429, 20429))
    with Simulator(clock=clock, seed=7, knobs=knobs, records_per_day=3) as simulator:
        simulator.state.fail_day("Messages", date(2026, 1, 2), times=1)
        simulator.faults.add(Fault(status=400, body=problem_body(400, 20001, "Bad Request")))
        simulator.knobs.empty_day_file = "absent"
        simulator.clock.advance(60)
        assert_type(simulator.connection_json(), str)
        assert_type(simulator.requests[0].method, str)
        yield simulator
