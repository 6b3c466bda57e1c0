"""The quota: days that a parent account and its subaccounts may request per UTC day."""

from __future__ import annotations

from collections import Counter
from datetime import date

from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.simulator.errors import RefusedError
from airflow_provider_bulkexports.simulator.knobs import Knobs

__all__ = ["Quota"]


class Quota:
    """Requested days, counted by parent account, UTC day and resource type."""

    def __init__(self) -> None:
        self._used: Counter[tuple[str, date, ResourceType]] = Counter()

    def used(self, family_sid: str, on: date, resource_type: ResourceType | None = None) -> int:
        """Return the days requested on a UTC day, of one resource type or of all."""
        kinds = ResourceType if resource_type is None else (resource_type,)
        return sum(self._used[family_sid, on, kind] for kind in kinds)

    def spend(self, family_sid: str, on: date, resource_type: ResourceType, days: int, knobs: Knobs) -> None:
        """
        Count the days of a submission.

        :raises RefusedError: if they exceed the quota; they are not counted then.
        """
        used = self.used(family_sid, on, resource_type if knobs.quota_per_type else None)
        if used + days > knobs.quota_days:
            raise RefusedError.from_rejection(
                knobs.quota_exceeded,
                f"Daily limit of {knobs.quota_days} export days exceeded for account {family_sid}: "
                f"{used} requested, {days} more asked for",
            )
        self._used[family_sid, on, resource_type] += days

    def refund(self, family_sid: str, on: date, resource_type: ResourceType, days: int) -> None:
        """Give days back."""
        key = (family_sid, on, resource_type)
        self._used[key] = max(0, self._used[key] - days)

    def renew(self) -> None:
        """Forget every submission so far, as at the start of a UTC day."""
        self._used.clear()
