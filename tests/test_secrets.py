"""Tasks never log, raise, return or hand to the triggerer a credential or a signed link."""

from __future__ import annotations

import base64
import json
import logging
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_bulkexports.operators.bulkexports import CreateExportCustomJobOperator
from airflow_provider_bulkexports.sensors.bulkexports import ExportCustomJobSensor, ExportDaySensor
from airflow_provider_bulkexports.simulator import Fault, Simulator
from airflow_provider_bulkexports.transfers.bulkexports import BulkExportsToObjectStorageOperator

RANGE = {"resource_type": "Messages", "start_day": "2026-01-01", "end_day": "2026-01-03"}


def secrets_of(sim: Simulator) -> list[str]:
    basic = base64.b64encode(f"{sim.account_sid}:{sim.auth_token}".encode()).decode()
    return [sim.auth_token, sim.api_key_secret, basic, "X-Amz-Signature=", "X-Amz-Credential="]


@pytest.fixture
def run_all_tasks(connection: str, run_task: Callable[..., Any], tmp_path: Path) -> Callable[..., list[Any]]:
    """Submit, wait in every mode and store; return how each task ended."""

    def run() -> list[Any]:
        submit = run_task(lambda: CreateExportCustomJobOperator(task_id="submit", deferrable=True, **RANGE))
        waits = [
            run_task(lambda mode=mode: ExportCustomJobSensor(task_id="wait", job_sid=submit.value or "JS", **mode))
            for mode in ({"mode": "poke"}, {"mode": "reschedule"}, {"deferrable": True})
            if submit.value
        ]
        days = run_task(lambda: ExportDaySensor(task_id="days", timeout=600, deferrable=True, **RANGE))
        store = run_task(
            lambda: BulkExportsToObjectStorageOperator(
                task_id="store", destination=f"file://{tmp_path}", missing_timeout=0, **RANGE
            )
        )
        return [submit, *waits, days, store]

    return run


@pytest.mark.parametrize(
    "faults",
    [
        [],
        [{"status": 401, "body": {"code": 20003, "message": "Authenticate"}}],
        [{"status": 503, "path": r".*/Jobs/JS.*"}, {"origin": "storage", "status": 403}],
        [{"drop": True, "path": r".*/Jobs/JS.*"}, {"origin": "storage", "drop_at": 100}],
    ],
    ids=["no fault", "wrong token", "refusals", "broken connections"],
)
def test_no_task_leaks_a_secret(
    run_all_tasks: Callable[[], list[Any]],
    sim: Simulator,
    faults: list[dict[str, Any]],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    caplog.set_level(logging.DEBUG)
    sim.faults.add(*(Fault(times=1000, **fault) for fault in faults))

    ends = run_all_tasks()

    texts = [caplog.text, *capfd.readouterr()]
    texts += [json.dumps(end.value) for end in ends]
    texts += ["".join(traceback.format_exception(end.error)) for end in ends if end.error]
    texts += [repr(deferred.trigger.serialize()) for end in ends for deferred in end.deferrals]
    texts += [file.read_text() for file in tmp_path.rglob("*.json")]
    assert (ends[-1].state == "success") is not bool(faults)
    assert len(sim.requests) > len(ends) / 2, "the tasks sent requests"
    for secret in secrets_of(sim):
        assert not [text for text in texts if secret in text]
