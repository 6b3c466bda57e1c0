"""Tasks warn when less than a day is left to store files."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from support.logs import KeptLog

from airflow_provider_bulkexports import (
    BulkExportsToObjectStorageOperator,
    CreateExportCustomJobOperator,
    ExportCustomJobSensor,
)
from airflow_provider_bulkexports.compat import AirflowException
from airflow_provider_bulkexports.model.results import WaitResult
from airflow_provider_bulkexports.simulator import Fault, Simulator
from airflow_provider_bulkexports.tasks.expiry import warn_if_expiring

EXPIRY = datetime(2026, 1, 8, tzinfo=timezone.utc)


def warned(left: timedelta, **changes: Any) -> list[str]:
    result = WaitResult(
        job_sids=["JS" + "0" * 32],
        resource_type="Messages",
        start_day="2026-01-01",
        end_day="2026-01-01",
        completed=["2026-01-01"],
        empty=[],
        failed=[],
        expires_at=EXPIRY.isoformat(),
    )
    lines = KeptLog()
    warn_if_expiring(result | changes, log=lines, now=EXPIRY - left)  # type: ignore[arg-type]
    return lines.warnings


def test_no_warning_with_a_day_left() -> None:
    assert warned(timedelta(days=1)) == []


def test_warning_with_less_than_a_day_left() -> None:
    (warning,) = warned(timedelta(hours=23, minutes=30))

    assert "expires at 2026-01-08 00:00 UTC, in 23.5 hours" in warning
    assert "Store them before that with BulkExportsToObjectStorageOperator" in warning


@pytest.mark.parametrize("late", [timedelta(0), timedelta(hours=5)])
def test_warning_after_expiry_says_how_to_export_again(late: timedelta) -> None:
    (warning,) = warned(-late)

    assert "may have expired at 2026-01-08 00:00 UTC" in warning
    assert "if_exists='submit'" in warning


@pytest.mark.parametrize("changes", [{"expires_at": None}, {"completed": [], "empty": ["2026-01-01"]}])
def test_no_warning_without_files(changes: dict[str, Any]) -> None:
    assert warned(timedelta(0), **changes) == []


DAYS = {"resource_type": "Messages", "start_day": "2026-01-01", "end_day": "2026-01-02", "deferrable": False}


@pytest.mark.parametrize("late", [True, False])
@pytest.mark.parametrize("kind", ["sensor", "create"])
def test_late_task_warns_of_expiring_files(
    connection: str,
    sim: Simulator,
    timeline: Any,
    run_task: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    late: bool,
) -> None:
    lines = KeptLog()
    monkeypatch.setattr(CreateExportCustomJobOperator, "log", lines)
    monkeypatch.setattr(ExportCustomJobSensor, "log", lines)
    sim.knobs.queue_seconds = sim.knobs.seconds_per_day_run = sim.knobs.error_pause_seconds = 0
    job = run_task(lambda: CreateExportCustomJobOperator(task_id="create", **DAYS)).value
    timeline.advance((6.25 if late else 0) * 86400)

    if kind == "sensor":
        end = run_task(lambda: ExportCustomJobSensor(task_id="wait", job_sid=job, deferrable=False))
    else:
        end = run_task(lambda: CreateExportCustomJobOperator(task_id="create", wait_for_completion=True, **DAYS))

    assert end.value["job_sids"] == [job]
    ours = [warning for warning in lines.warnings if "of these files" in warning]
    assert ["in 6.0 hours" in warning for warning in ours] == [True] * late


def test_failed_transfer_names_the_deadline_of_its_retry(
    connection: str, sim: Simulator, context: dict[str, Any], tmp_path: Path
) -> None:
    sim.knobs.queue_seconds = sim.knobs.seconds_per_day_run = 0
    sim.create_job("Messages", "2026-01-01", "2026-01-02")
    sim.faults.add(Fault(status=503, origin="storage", path=r".*2026-01-02.*", times=50))
    store = BulkExportsToObjectStorageOperator(
        task_id="store",
        resource_type="Messages",
        start_day="2026-01-01",
        end_day="2026-01-02",
        destination=f"file://{tmp_path}",
    )

    with pytest.raises(AirflowException, match="Retry before 2026-12-01 00:00 UTC, when Twilio deletes the first"):
        store.execute(context)
