"""Submission requests, and a guard that sleeps by the simulator's clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.model.days import DayRange
from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.simulator import Simulator
from airflow_provider_bulkexports.submission.cancellation import JobGuard
from airflow_provider_bulkexports.submission.submit import ExportRequest

DAYS = DayRange(date(2026, 1, 1), date(2026, 1, 3))
CREATE = {"method": "POST", "path": r"/v1/Exports/Messages/Jobs"}
LIST = {"method": "GET", "path": r"/v1/Exports/Messages/Jobs"}


class Log:
    def info(self, message: str, *args: Any) -> None:
        print(message % args)

    warning = info


def request(identity: str = "0123456789", *, adopts: Any = None, **changes: Any) -> ExportRequest:
    wanted = {"resource_type": ResourceType.MESSAGES, "days": DAYS, "name": "nightly"} | changes
    return ExportRequest(**wanted, identity=identity, adopts=(identity,) if adopts is None else adopts)


class Guard(JobGuard):
    """A guard whose sleep advances the simulator's clock and runs the actions that are due by then."""

    def __init__(self, client: BulkExportsClient, sim: Simulator) -> None:
        super().__init__(client, Log())
        self.slept: list[float] = []
        self.actions: list[tuple[float, Callable[[], Any]]] = []
        self._clock = sim.clock

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._clock.advance(seconds)
        while self.actions and sum(self.slept) >= self.actions[0][0]:
            self.actions.pop(0)[1]()


def posts(sim: Simulator) -> int:
    return len(sim.requests.matching(method="POST"))
