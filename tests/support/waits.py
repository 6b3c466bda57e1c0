"""Many waits in one event loop, as the triggerer has them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from airflow_provider_bulkexports.simulator import Simulator
from airflow_provider_bulkexports.triggers.bulkexports import ExportCustomJobTrigger

LIST = r"/v1/Exports/\w+/Jobs"
ONE_JOB = r"/v1/Exports/Jobs/\w+"


@pytest.fixture
def pending(sim: Simulator) -> Callable[[int], list[str]]:
    """Jobs that stay in the queue until a test changes them; without an estimate."""
    sim.knobs.queue_seconds = 10**7
    sim.knobs.position_and_eta = "null"
    sim.knobs.quota_days = 10**6

    def create(number: int, resource_type: str = "Messages") -> list[str]:
        return [sim.create_job(resource_type, "2026-01-01", "2026-01-01").sid for _ in range(number)]

    return create


@pytest.fixture
def complete(sim: Simulator) -> Callable[..., None]:
    """Complete the only day of jobs."""

    def complete_jobs(*job_sids: str) -> None:
        for sid in job_sids:
            sim.state.set_details(sid, [{"status": "Completed", "count": 1, "days": ["2026-01-01"]}])

    return complete_jobs


async def ends_of(triggers: Sequence[Any]) -> list[Any]:
    """Every trigger's one event; each must fire exactly once."""

    async def end_of(trigger: Any) -> Any:
        (event,) = [event.payload async for event in trigger.run()]
        return event

    return await asyncio.gather(*map(end_of, triggers), return_exceptions=True)


def waits(job_sids: Sequence[str], **kwargs: Any) -> list[ExportCustomJobTrigger]:
    arguments = {"resource_type": "Messages", "poll_interval": 60, "max_poll_interval": 0, **kwargs}
    return [ExportCustomJobTrigger(job_sids=[sid], **arguments) for sid in job_sids]
