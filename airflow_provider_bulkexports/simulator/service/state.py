"""The simulated service and the means by which a test decides what becomes of it."""

from __future__ import annotations

from datetime import date
from typing import Any

from airflow_provider_bulkexports.model.details import DayStatus
from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.simulator.service.accounts import Account
from airflow_provider_bulkexports.simulator.service.day_files import DayFile
from airflow_provider_bulkexports.simulator.service.exports import ExportService
from airflow_provider_bulkexports.simulator.service.jobs import SimulatedJob

__all__ = ["SimulatorState"]


class SimulatorState(ExportService):
    """
    The service, open to inspection and scripting.

    What is scripted about a day holds for every account, and counts until the moment at which the day is done.
    """

    @property
    def jobs(self) -> dict[str, SimulatedJob]:
        """Every job ever created, by sid, oldest first."""
        with self.lock:
            self.settle()
            return dict(self._jobs)

    @property
    def day_files(self) -> list[DayFile]:
        """Every file ever made, in the order in which they were made."""
        with self.lock:
            self.settle()
            return list(self._files)

    def fail_day(self, resource_type: str, day: date | str, *, times: int | None = None) -> None:
        """Let a day end ``Failed``: the next so many times that it is exported, or always."""
        self._end_as(resource_type, day, DayStatus.FAILED, times)

    def empty_day(self, resource_type: str, day: date | str, *, times: int | None = None) -> None:
        """Let a day have no records: the next so many times that it is exported, or always."""
        self._end_as(resource_type, day, DayStatus.COMPLETED_EMPTY_RECORDS, times)

    def error_day(self, resource_type: str, day: date | str, *, attempts: int = 1) -> None:
        """Let a day go through ``ErrorDuringRun``, so often, in jobs created from now on."""
        with self.lock:
            self._scripts.fail_attempts(_key(resource_type, day), attempts)

    def set_record_count(self, resource_type: str, day: date | str, records: int) -> None:
        """Fix how many records a day has when it is next exported."""
        with self.lock:
            self.settle()
            self._scripts.set_record_count(_key(resource_type, day), records)

    def set_details(self, job_sid: str, details: Any) -> None:
        """Answer any JSON value as a job's ``details``, whatever the truth is."""
        self.set_fields(job_sid, details=details)

    def set_fields(self, job_sid: str, **fields: Any) -> None:
        """Answer any JSON values as a job's fields, whatever the truth is."""
        with self.lock:
            self._jobs[job_sid].overrides.update(fields)

    def clear_fields(self, job_sid: str) -> None:
        """Answer the truth again."""
        with self.lock:
            self._jobs[job_sid].overrides.clear()

    def forget_job(self, job_sid: str) -> None:
        """Let a job be unknown from now on, as if it had aged out; its files stay."""
        with self.lock:
            self._jobs[job_sid].is_removed = True

    def remove_files(self, resource_type: str, day: date | str) -> None:
        """Remove the files of a day, as if they had aged out."""
        kind, wanted = _key(resource_type, day)
        with self.lock:
            self.settle()
            self._files = [file for file in self._files if (file.resource_type, file.day) != (kind, wanted)]

    def set_enabled(self, resource_type: str, enabled: bool = True, *, account: Account | None = None) -> None:
        """Switch automatic daily export on or off."""
        self.switch(account or self.accounts[0], ResourceType(resource_type), enabled)

    def spend_quota(self, days: int, *, resource_type: str = "Messages", account: Account | None = None) -> None:
        """Use up days of today's quota."""
        family_sid = (account or self.accounts[0]).family_sid
        with self.lock:
            today = self.clock.now().date()
            self.quota.spend(family_sid, today, ResourceType(resource_type), days, self.knobs)

    def _end_as(self, resource_type: str, day: date | str, status: DayStatus, times: int | None) -> None:
        with self.lock:
            self.settle()
            self._scripts.end_as(_key(resource_type, day), status, times)


def _key(resource_type: str, day: date | str) -> tuple[ResourceType, date]:
    return ResourceType(resource_type), day if isinstance(day, date) else date.fromisoformat(day)
