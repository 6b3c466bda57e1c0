"""What a test sees of the simulated service, and how it scripts days, jobs and quota."""

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


class SimulatorState:
    """
    What exists in the simulated service, and scripts for it: ``Simulator.state``.

    A script for a day applies to every account, until the day is done.
    """

    def __init__(self, service: ExportService) -> None:
        self.service = service

    @property
    def jobs(self) -> dict[str, SimulatedJob]:
        """
        Every job ever created, by sid, oldest first.

        A job has ``sid``, ``account_sid``, ``is_finished``, ``request`` (resource type, days, FriendlyName, webhook,
        e-mail) and ``runs``: one per day, with ``day`` and the final status ``outcome``, ``None`` until then.
        """
        with self.service.lock:
            self.service.settle()
            return dict(self.service.jobs)

    @property
    def day_files(self) -> list[DayFile]:
        """
        Every file that was made and not removed by :meth:`remove_files`, oldest first.

        A file has ``day``, ``resource_type``, ``account_sid``, ``created_at``, ``friendly_name`` and ``records``, their
        number.
        """
        with self.service.lock:
            self.service.settle()
            return list(self.service.files)

    def fail_day(self, resource_type: str, day: date | str, *, times: int | None = None) -> None:
        """
        Make a day end ``Failed``.

        :param times: How many exports of the day fail; ``None``: all.
        """
        self._end_as(resource_type, day, DayStatus.FAILED, times)

    def empty_day(self, resource_type: str, day: date | str, *, times: int | None = None) -> None:
        """
        Make a day have no records.

        :param times: How many exports of the day are empty; ``None``: all.
        """
        self._end_as(resource_type, day, DayStatus.COMPLETED_EMPTY_RECORDS, times)

    def error_day(self, resource_type: str, day: date | str, *, attempts: int = 1) -> None:
        """
        Make a day go through ``ErrorDuringRun`` in jobs created from now on.

        :param attempts: How many times; 0: never.
        """
        with self.service.lock:
            self.service.scenarios.fail_attempts(_key(resource_type, day), attempts)

    def set_record_count(self, resource_type: str, day: date | str, records: int) -> None:
        """Set how many records later exports of a day have."""
        with self.service.lock:
            self.service.settle()
            self.service.scenarios.set_record_count(_key(resource_type, day), records)

    def set_details(self, job_sid: str, details: Any) -> None:
        """Show any JSON value as the ``details`` of a job, until :meth:`clear_fields`."""
        self.set_fields(job_sid, details=details)

    def set_fields(self, job_sid: str, **fields: Any) -> None:
        """Show any JSON values as fields of a job, until :meth:`clear_fields`."""
        with self.service.lock:
            self.service.jobs[job_sid].overrides.update(fields)

    def clear_fields(self, job_sid: str) -> None:
        """Show a job's own fields again."""
        with self.service.lock:
            self.service.jobs[job_sid].overrides.clear()

    def delete_job(self, account: Account, job_sid: str) -> None:
        """
        Delete a job as a ``DELETE`` request of an account would.

        :raises RefusedError: if the account has no such job, or ``delete_finished_status`` refuses it.
        """
        self.service.delete_job(account, job_sid)

    def forget_job(self, job_sid: str) -> None:
        """Make a job unknown from now on, as after seven days; its files stay."""
        with self.service.lock:
            self.service.jobs[job_sid].is_removed = True

    def remove_files(self, resource_type: str, day: date | str) -> None:
        """Remove the files of a day, of every account, as after seven days."""
        wanted = _key(resource_type, day)
        with self.service.lock:
            self.service.settle()
            files = self.service.files
            files[:] = [file for file in files if (file.resource_type, file.day) != wanted]

    def set_enabled(self, resource_type: str, enabled: bool = True, *, account: Account | None = None) -> None:
        """Switch automatic daily export on or off, of the parent account by default."""
        self.service.switch(account or self.service.accounts[0], ResourceType(resource_type), enabled)

    def spend_quota(self, days: int, *, resource_type: str = "Messages", account: Account | None = None) -> None:
        """
        Use up days of today's quota.

        :raises RefusedError: if fewer are left.
        """
        service = self.service
        family_sid = (account or service.accounts[0]).family_sid
        with service.lock:
            today = service.clock.now().date()
            service.quota.spend(family_sid, today, ResourceType(resource_type), days, service.knobs)

    def renew_quota(self) -> None:
        """Give every account its whole quota of today again, as at 00:00 UTC."""
        with self.service.lock:
            self.service.quota.renew()

    def _end_as(self, resource_type: str, day: date | str, status: DayStatus, times: int | None) -> None:
        with self.service.lock:
            self.service.settle()
            self.service.scenarios.end_as(_key(resource_type, day), status, times)


def _key(resource_type: str, day: date | str) -> tuple[ResourceType, date]:
    return ResourceType(resource_type), day if isinstance(day, date) else date.fromisoformat(day)
