"""Deleting a job that is already gone succeeds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.operators.bulkexports import DeleteExportJobOperator
from airflow_provider_bulkexports.simulator import Simulator

UNKNOWN = "JS" + "0" * 32


@pytest.fixture
def delete(connection: str, run_task: Callable[..., Any]) -> Callable[..., Any]:
    return lambda job_sid: run_task(lambda: DeleteExportJobOperator(task_id="delete", job_sid=job_sid))


def test_job_is_deleted(delete: Callable[..., Any], sim: Simulator) -> None:
    job = sim.create_job("Messages", "2026-01-01", "2026-01-03")

    assert delete(job.sid).state == "success"

    assert [(request.method, request.status) for request in sim.requests] == [("DELETE", 204)]


def test_deleting_a_missing_job_succeeds(delete: Callable[..., Any], sim: Simulator) -> None:
    jobs = [sim.create_job("Messages", "2026-01-01", "2026-01-03").sid for _ in range(2)]

    assert delete([jobs[0], UNKNOWN, jobs[1]]).state == "success"

    assert [request.status for request in sim.requests] == [204, 404, 204]


def test_invalid_sid_is_rejected_without_a_request(delete: Callable[..., Any], sim: Simulator) -> None:
    with pytest.raises(BulkExportsInputError, match="is not a job sid"):
        DeleteExportJobOperator(task_id="delete", job_sid="EX1")
    assert len(sim.requests) == 0
