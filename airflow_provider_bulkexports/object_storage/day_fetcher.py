"""Download one day's file, verified, or say why it has none."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_bulkexports.api.first_record import HEAD_BYTES, account_of_gzip
from airflow_provider_bulkexports.compat import Log
from airflow_provider_bulkexports.exceptions import (
    BulkExportsError,
    BulkExportsNotFoundError,
    DayMissingError,
    TaskKilledError,
)
from airflow_provider_bulkexports.model.days import FILE_LIFETIME, DayRange
from airflow_provider_bulkexports.model.details import DayStatus
from airflow_provider_bulkexports.model.plain import counted
from airflow_provider_bulkexports.model.resources import ExportDay, Job, ResourceType
from airflow_provider_bulkexports.object_storage.day_source import FetchedDay, empty_day
from airflow_provider_bulkexports.object_storage.manifest import Manifest
from airflow_provider_bulkexports.planning.clock_skew import twilio_time
from airflow_provider_bulkexports.planning.progress import progress_of

if TYPE_CHECKING:  # importing it loads HTTP, which a DAG file does not need
    from airflow_provider_bulkexports.api.client import BulkExportsClient

__all__ = ["DayFetcher", "generation_of", "listed_sizes"]

#: Seconds between requests for the file of a day that its job calls completed.
MISSING_INTERVAL = 15.0

#: Seconds to connect to Twilio's storage, and to wait for its first bytes, when only the first record is read.
_TIMEOUTS = (10.0, 30.0)


@dataclass
class DayFetcher:
    """
    Downloads days of one resource type.

    :param missing_timeout: Seconds to wait for the file of a day that its job calls completed.
    :param known_empty: Days known to have no records.
    :param stop: Set when Airflow kills the task.
    """

    client: BulkExportsClient
    resource_type: ResourceType
    missing_timeout: float
    log: Log
    known_empty: Collection[date] = ()
    stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._account_lock = threading.Lock()
        self._account = self.client.account_sid

    @property
    def account_sid(self) -> str | None:
        """Account of the connection, if it says so."""
        return self.client.account_sid

    def list_days(self) -> Iterable[ExportDay]:
        """List the files that Twilio has."""
        return self.client.list_days(self.resource_type)

    def columns(self, day: date) -> str | None:
        """Nothing: Twilio's files have every column."""
        return None

    def is_newest(self, manifest: Manifest, day: date, listed: Sequence[ExportDay]) -> bool:
        """Whether a stored file is of the newest generation that Twilio lists."""
        return manifest.is_newest_of(listed)

    def fetch(self, day: date, target: Path, listed: Sequence[ExportDay]) -> FetchedDay:
        """
        Download a day's file to ``target``; a day without records becomes an empty gzip file.

        :param listed: The day's entries in Twilio's list, the newest last.
        :raises DayMissingError: if Twilio has no file of it.
        """
        give_up_at = time.monotonic() + self.missing_timeout
        while True:
            try:
                return self._download(day, target, listed)
            except BulkExportsNotFoundError as error:
                status = DayStatus.COMPLETED_EMPTY_RECORDS if day in self.known_empty else self._status_of(day)
                if status is DayStatus.COMPLETED_EMPTY_RECORDS:
                    return empty_day(target)  # Twilio has no file for some empty days
                if status is not DayStatus.COMPLETED or time.monotonic() >= give_up_at:
                    raise self._missing(day, status, error) from None
                self.log.info("%s is exported, but has no file yet; checking again in %.0f s", day, MISSING_INTERVAL)
            if self.stop.wait(MISSING_INTERVAL):
                raise TaskKilledError(f"{day} has no file yet, and the task was killed")

    def account(self, day: date) -> str | None:
        """
        Account that the credentials act on: the connection's, otherwise the one that Twilio's records name.

        :param day: A day whose first record to read, if the account is still unknown.
        :return: ``None`` if it stays unknown.
        """
        with self._account_lock:
            if self._account is None:
                # Downloading the day meets the same error, and reports it.
                with suppress(BulkExportsError):
                    self._account = self._account_in(day)
            return self._account

    def _account_in(self, day: date) -> str | None:
        from airflow_provider_bulkexports.api.storage_host import Storage

        link = self.client.get_day_link(self.resource_type, day)
        storage, head = Storage(_TIMEOUTS), b""
        try:
            with storage.open(link) as stored:
                for piece in stored.pieces:
                    head += piece
                    if len(head) >= HEAD_BYTES:
                        break
        finally:
            storage.close()
        return account_of_gzip(head)

    def _download(self, day: date, target: Path, listed: Sequence[ExportDay]) -> FetchedDay:
        file = self.client.download_day(
            self.resource_type,
            day,
            target,
            expected_sizes=listed_sizes(listed),
            may_be_empty=lambda: self._is_called_empty(day),
        )
        generation = generation_of(file.size, listed)
        if len(listed) > 1 and generation:
            self.log.info(
                "Twilio lists %d files of %s; storing the one of %s, made on %s (%s)",
                len(listed),
                day,
                counted(file.size, "byte"),
                generation.create_date or "an unknown date",
                generation.friendly_name or "unnamed",
            )
        if file.account_sid:
            with self._account_lock:
                self._account = self._account or file.account_sid
        return FetchedDay(target, file.size, file.records, file.sha256, file.account_sid, generation)

    def _is_called_empty(self, day: date) -> bool:
        return day in self.known_empty or self._status_of(day) is DayStatus.COMPLETED_EMPTY_RECORDS

    def _status_of(self, day: date) -> DayStatus | None:
        """Status of the day by the listed jobs; ``None`` if none covers it."""
        jobs = self._jobs_covering(day)
        return progress_of(jobs, DayRange(day, day)).states.get(day) if jobs else None

    def _jobs_covering(self, day: date) -> list[Job]:
        return [job for job in self.client.list_jobs(self.resource_type) if (own := job.days) and day in own]

    def _has_expired(self, day: date, now: datetime) -> bool:
        """Whether every job that exported the day finished longer ago than Twilio keeps files."""
        finished = [job.estimated_completion_time for job in self._jobs_covering(day) if job.estimated_completion_time]
        return bool(finished) and max(finished) + FILE_LIFETIME <= now

    def _missing(self, day: date, status: DayStatus | None, response: BulkExportsNotFoundError) -> DayMissingError:
        now = twilio_time(response, now=datetime.now(timezone.utc))
        if status is DayStatus.COMPLETED and self._has_expired(day, now):
            return DayMissingError(
                f"The {self.resource_type} file for {day} has expired: Twilio removes files after seven days",
                remedy="Clear the task that submitted the day, with if_exists='submit', and then this one.",
                details=response.details,
            )
        if status is DayStatus.COMPLETED:
            return DayMissingError(
                f"{self.resource_type} of {day}: its job says Completed, but no file appeared within "
                f"{counted(self.missing_timeout, 'second')}",
                remedy="Run this task again, or ask Twilio's support.",
                details=response.details,
            )
        if status is None:
            return DayMissingError(
                f"{self.resource_type} of {day} has no file, and no job of the last seven days covers it: it was never "
                "exported, or its file has expired",
                remedy="Submit it with CreateExportCustomJobOperator.",
                details=response.details,
            )
        return DayMissingError(
            f"{self.resource_type} of {day} has no file: its job says {status.value}",
            remedy="Wait for it with ExportCustomJobSensor before this task.",
            details=response.details,
        )


def listed_sizes(listed: Sequence[ExportDay]) -> list[int]:
    """Bytes that the day's file may have; empty if Twilio's list lacks the size of any generation."""
    sizes = [entry.size for entry in listed]
    return sizes if all(sizes) else []


def generation_of(size: int, listed: Sequence[ExportDay]) -> ExportDay | None:
    """
    Return the listed generation of a file: the newest of its size, otherwise the newest without a size.

    :param size: Bytes of the file as Twilio served it.
    """
    same = [entry for entry in listed if entry.size == size]
    unsized = [entry for entry in listed if not entry.size]
    matching = same or unsized
    return matching[-1] if matching else None
