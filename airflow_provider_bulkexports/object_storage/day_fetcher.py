"""Fetch one day's file whole, or find out why there is none."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.api.file_check import EMPTY_FILE
from airflow_provider_bulkexports.api.first_record import HEAD_BYTES, account_of_gzip
from airflow_provider_bulkexports.api.storage_host import Storage
from airflow_provider_bulkexports.compat import Log
from airflow_provider_bulkexports.exceptions import (
    BulkExportsError,
    BulkExportsNotFoundError,
    DayMissingError,
    TaskKilledError,
)
from airflow_provider_bulkexports.model.days import FILE_LIFETIME, DayRange
from airflow_provider_bulkexports.model.details import DayStatus
from airflow_provider_bulkexports.model.resources import ExportDay, Job, ResourceType
from airflow_provider_bulkexports.object_storage.manifest import generation_of, listed_sizes
from airflow_provider_bulkexports.planning.clock_skew import twilio_time
from airflow_provider_bulkexports.planning.progress import progress_of

__all__ = ["DayFetcher", "FetchedDay"]

#: Seconds between polls for a day that its job calls done and the API does not have yet.
MISSING_INTERVAL = 15.0

#: Seconds to wait for a connection to the storage, and for its first bytes, to learn whose files these are.
_TIMEOUTS = (10.0, 30.0)


class FetchedDay(NamedTuple):
    """
    A verified local file.

    :param account_sid: Account that its records name; ``None`` without records.
    :param generation: Its entry in Twilio's list, if it has one.
    """

    size: int
    records: int
    sha256: str
    account_sid: str | None
    generation: ExportDay | None


@dataclass
class DayFetcher:
    """
    Days of one resource type.

    :param missing_timeout: Seconds to wait for the file of a day that its job calls done.
    :param known_empty: Days known to have no records.
    """

    client: BulkExportsClient
    resource_type: ResourceType
    missing_timeout: float
    log: Log
    known_empty: Collection[date] = ()
    stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._learning = threading.Lock()
        self._account = self.client.account_sid

    def fetch(self, day: date, target: Path, listed: Sequence[ExportDay]) -> FetchedDay:
        """
        Fetch a day's file.

        :param listed: The day's entries in Twilio's list, the newest last.
        :raises DayMissingError: if Twilio has no file of it.
        """
        patience = time.monotonic() + self.missing_timeout
        while True:
            try:
                return self._download(day, target, listed)
            except BulkExportsNotFoundError as error:
                status = DayStatus.COMPLETED_EMPTY_RECORDS if day in self.known_empty else self._status_of(day)
                if status is DayStatus.COMPLETED_EMPTY_RECORDS:
                    # Some empty days have no file at all: theirs is made here.
                    target.write_bytes(EMPTY_FILE)
                    return FetchedDay(len(EMPTY_FILE), 0, sha256(EMPTY_FILE).hexdigest(), None, None)
                if status is not DayStatus.COMPLETED or time.monotonic() >= patience:
                    raise DayMissingError(self._why_missing(day, status, error)) from error
                self.log.info("%s is exported, but has no file yet; checking again in %.0f s", day, MISSING_INTERVAL)
            if self.stop.wait(MISSING_INTERVAL):
                raise TaskKilledError(f"{day} has no file yet, and the task was killed")

    def account(self, day: date) -> str | None:
        """
        Account that the credentials act on: as the connection says, or else as Twilio's records say.

        :param day: Whose file to read the beginning of, if that is still unknown.
        """
        with self._learning:
            if self._account is None:
                # What stands in the way of it, fetching the day will meet as well and say.
                with suppress(BulkExportsError):
                    self._account = self._account_in(day)
            return self._account

    def _account_in(self, day: date) -> str | None:
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
                "Twilio lists %d files of %s; this is the one of %d bytes that was made on %s (%s)",
                len(listed),
                day,
                file.size,
                generation.create_date or "an unknown day",
                generation.friendly_name or "without a name",
            )
        if file.account_sid:
            with self._learning:
                self._account = self._account or file.account_sid
        return FetchedDay(file.size, file.records, file.sha256, file.account_sid, generation)

    def _is_called_empty(self, day: date) -> bool:
        return day in self.known_empty or self._status_of(day) is DayStatus.COMPLETED_EMPTY_RECORDS

    def _status_of(self, day: date) -> DayStatus | None:
        """What the listed jobs say about the day; ``None`` if none covers it."""
        jobs = self._jobs_of(day)
        return progress_of(jobs, DayRange(day, day)).states.get(day) if jobs else None

    def _jobs_of(self, day: date) -> list[Job]:
        return [job for job in self.client.list_jobs(self.resource_type) if (own := job.days) and day in own]

    def _has_expired(self, day: date, now: datetime) -> bool:
        """Whether every job that made the day finished longer ago than Twilio keeps files."""
        finished = [job.estimated_completion_time for job in self._jobs_of(day) if job.estimated_completion_time]
        return bool(finished) and max(finished) + FILE_LIFETIME <= now

    def _why_missing(self, day: date, status: DayStatus | None, answer: BulkExportsNotFoundError) -> str:
        now = twilio_time(answer, now=datetime.now(timezone.utc))
        if status is DayStatus.COMPLETED and self._has_expired(day, now):
            return (
                f"The file of {self.resource_type} of {day} has expired: Twilio removes files after seven days. Clear "
                "the task that submitted the day, with if_exists='submit', and then this one."
            )
        if status is DayStatus.COMPLETED:
            return (
                f"{self.resource_type} of {day}: its job says Completed, but no file appeared within "
                f"{self.missing_timeout:.0f} seconds. Run this task again, or ask Twilio's support."
            )
        if status is None:
            return (
                f"{self.resource_type} of {day} has no file, and no job of the last seven days covers it: it was never "
                "exported, or expired seven days after it was. Submit it (again) with CreateExportCustomJobOperator."
            )
        return (
            f"{self.resource_type} of {day} has no file: its job says {status.value}. Wait for it with "
            "ExportCustomJobSensor before this task."
        )
