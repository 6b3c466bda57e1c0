"""One call that submits a request."""

from __future__ import annotations

from typing import Any

import pytest
from support.submissions import Guard, Log

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.simulator import Simulator
from airflow_provider_bulkexports.submission.submit import ExportRequest, submit


@pytest.fixture
def guard(client: BulkExportsClient, sim: Simulator) -> Guard:
    return Guard(client, sim)


@pytest.fixture
def submitted(sim: Simulator, client: BulkExportsClient, guard: Guard) -> Any:
    """Submit a request and return the job sids."""

    def run(request: ExportRequest, **how: Any) -> list[str]:
        return submit(client, request, today=sim.clock.now().date(), log=Log(), guard=guard, **how)

    return run
