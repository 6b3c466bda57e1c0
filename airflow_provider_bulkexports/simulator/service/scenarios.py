"""How days end: as a test scripted them, or at random."""

from __future__ import annotations

from datetime import date
from random import Random

from airflow_provider_bulkexports.model.details import DayStatus
from airflow_provider_bulkexports.model.plain import counted
from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.simulator.knobs import Knobs

__all__ = ["DayScenarios"]

_Key = tuple[ResourceType, date]


class DayScenarios:
    """Decides how each day ends: as scripted, else by the rates of the knobs; the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._endings: dict[_Key, list[DayStatus]] = {}
        self._always: dict[_Key, DayStatus] = {}
        self._attempts: dict[_Key, int] = {}
        self._counts: dict[_Key, int] = {}

    def end_as(self, key: _Key, status: DayStatus, times: int | None) -> None:
        """Make the next ``times`` exports of a day end in ``status``; ``None``: all."""
        if times is None:
            self._always[key] = status
        else:
            self._endings.setdefault(key, []).extend([status] * times)

    def fail_attempts(self, key: _Key, attempts: int) -> None:
        """Make a day go through ``ErrorDuringRun`` this many times, in jobs created from now on."""
        self._attempts[key] = attempts

    def set_record_count(self, key: _Key, count: int) -> None:
        """Set how many records a day has."""
        self._counts[key] = count

    def scripts(self) -> list[tuple[ResourceType, date, str]]:
        """Return what is scripted for each day, in words; by resource type and day."""
        scripted: dict[_Key, list[str]] = {}
        for key, attempts in self._attempts.items():
            scripted.setdefault(key, []).append(f"ErrorDuringRun {counted(attempts, 'time')}")
        for key, endings in self._endings.items():
            scripted.setdefault(key, []).extend(f"{status.value}, next export" for status in endings)
        for key, status in self._always.items():
            scripted.setdefault(key, []).append(f"{status.value}, every export")
        for key, count in self._counts.items():
            scripted.setdefault(key, []).append(counted(count, "record"))
        order = list(ResourceType)
        rows = [(*key, "; ".join(words)) for key, words in scripted.items() if words]
        return sorted(rows, key=lambda row: (order.index(row[0]), row[1]))

    def failed_attempts(self, resource_type: ResourceType, day: date, *, knobs: Knobs) -> int:
        """Return how many times a day goes through ``ErrorDuringRun``; by default once if it will fail."""
        key = (resource_type, day)
        if key in self._attempts:
            return self._attempts[key]
        has_error = self._by_chance(key, "error", knobs.error_rate)
        return int(has_error or self._planned(key, knobs) is DayStatus.FAILED)

    def ending(self, resource_type: ResourceType, day: date, knobs: Knobs) -> tuple[DayStatus, int]:
        """Return the final status and the number of records of a day that is exported now."""
        key = (resource_type, day)
        status = self._planned(key, knobs)
        if self._endings.get(key):
            self._endings[key].pop(0)
        records = self._counts.get(key, knobs.records_per_day) if status is DayStatus.COMPLETED else 0
        if status is DayStatus.COMPLETED and not records:
            status = DayStatus.COMPLETED_EMPTY_RECORDS
        return status, records

    def _planned(self, key: _Key, knobs: Knobs) -> DayStatus:
        if self._endings.get(key):
            return self._endings[key][0]
        if key in self._always:
            return self._always[key]
        if self._by_chance(key, "failed", knobs.failed_rate):
            return DayStatus.FAILED
        if key not in self._counts and self._by_chance(key, "empty", knobs.empty_rate):
            return DayStatus.COMPLETED_EMPTY_RECORDS
        return DayStatus.COMPLETED

    def _by_chance(self, key: _Key, what: str, rate: float) -> bool:
        return rate > 0 and Random(f"{self._seed}/{what}/{key[0].value}/{key[1].isoformat()}").random() < rate
