"""The sensor in its three modes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_bulkexports.sensors.bulkexports import ExportCustomJobSensor


@pytest.fixture(params=["poke", "reschedule", "deferrable"])
def mode(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def wait_in(connection: str, run_task: Callable[..., Any]) -> Callable[..., Any]:
    """Run a sensor to its end in a mode."""

    def wait(mode: str, job_sid: Any, **kwargs: Any) -> Any:
        how = {"deferrable": True} if mode == "deferrable" else {"mode": mode, "deferrable": False}
        return run_task(lambda: ExportCustomJobSensor(task_id="wait", job_sid=job_sid, **how, **kwargs))

    return wait


@pytest.fixture
def wait_for(mode: str, wait_in: Callable[..., Any]) -> Callable[..., Any]:
    """Run a sensor to its end in every mode in turn."""

    def wait(job_sid: Any, **kwargs: Any) -> Any:
        return wait_in(mode, job_sid, **kwargs)

    return wait
