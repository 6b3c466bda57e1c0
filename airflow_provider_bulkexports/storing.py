"""Store days: fetch what is not there yet, a few days at a time, and let no day's failure lose another's file."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, TypedDict

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.api.models import FILE_LIFETIME, DayRange, DayStatus, ExportDay, Job, ResourceType
from airflow_provider_bulkexports.api.spool import spool_folder, sweep
from airflow_provider_bulkexports.api.verify import EMPTY_FILE
from airflow_provider_bulkexports.compat import Log
from airflow_provider_bulkexports.exceptions import BulkExportsError, BulkExportsInputError, BulkExportsNotFoundError
from airflow_provider_bulkexports.planning.layout import day_folders, day_path, sidecar_of
from airflow_provider_bulkexports.planning.progress import own_range, progress_of
from airflow_provider_bulkexports.publishing import Destination
from airflow_provider_bulkexports.retention import first_expiry

__all__ = ["DayMissingError", "DayStore", "StoredDay"]

#: Seconds between looks for a day that its job calls done and the API does not have yet.
MISSING_INTERVAL = 15.0


class StoredDay(TypedDict):
    """
    Manifest entry of one day.

    ``status`` is ``stored``, ``skipped`` (the same file was there already) or ``missing`` (then there is no file, and
    the other values are ``None`` or 0). ``bytes`` and ``sha256`` are of the compressed file; ``create_date`` is the day
    on which Twilio made it, if its list says.
    """

    day: str
    uri: str | None
    bytes: int
    records: int
    sha256: str | None
    create_date: str | None
    status: str


class DayMissingError(BulkExportsError):
    """Twilio has no file of a day that should have one."""


class Stopped(BulkExportsError):  # noqa: N818  # nothing is wrong: the task is being killed
    """The task was killed while days were still waiting."""


class Outcome(NamedTuple):
    """
    What came of many days.

    :param expiry: When the first file of the failed days may be gone, if Twilio's list says.
    """

    entries: list[StoredDay]
    failures: dict[date, Exception]
    expiry: datetime | None = None

    @property
    def there(self) -> list[StoredDay]:
        """The days that have a file now."""
        return [entry for entry in self.entries if entry["status"] != "missing"]

    @property
    def deadline(self) -> str:
        """By when another try has to come, as a sentence; empty if unknown."""
        return (
            f"Try again before {self.expiry:%Y-%m-%d %H:%M} UTC: Twilio keeps no file longer. " if self.expiry else ""
        )


@dataclass
class DayStore:
    """
    Days of one resource type, and where they go.

    :param layout: See :mod:`airflow_provider_bulkexports.planning.layout`.
    :param if_exists: ``skip`` a file that is there already and the same, ``overwrite`` it, or ``fail``.
    :param ignore_missing: Whether a day without a file is noted instead of failing.
    :param missing_timeout: Seconds to wait for the file of a day that its job calls done.
    :param spool_dir: Local folder for files on their way to an object store.
    :param known_empty: Days known to have no records.
    """

    client: BulkExportsClient
    resource_type: ResourceType
    destination: Destination
    layout: str
    if_exists: str
    ignore_missing: bool
    missing_timeout: float
    spool_dir: str | None
    log: Log
    known_empty: Collection[date] = ()
    stop: threading.Event = field(default_factory=threading.Event)

    def store_all(self, days: Sequence[date], *, at_a_time: int) -> Outcome:
        """Store every day that can be stored; the failures of the others are returned beside."""
        self._sweep()
        listed = {entry.day: entry for entry in self.client.list_days(self.resource_type)}
        if expiry := first_expiry(listed[day] for day in days if day in listed):
            self.log.info("Twilio keeps the first of these files until %s UTC", f"{expiry:%Y-%m-%d %H:%M}")
        with ThreadPoolExecutor(max_workers=at_a_time, thread_name_prefix="bulkexports-store") as threads:
            futures = {day: threads.submit(self.store, day, listed.get(day)) for day in days}
        failures: dict[date, Exception] = {}
        entries: list[StoredDay] = []
        for day, future in futures.items():
            if error := future.exception():
                if not isinstance(error, Exception):
                    raise error
                failures[day] = error
            else:
                entries.append(future.result())
        return Outcome(entries, failures, first_expiry(listed[day] for day in failures if day in listed))

    def store(self, day: date, listed: ExportDay | None) -> StoredDay:
        """
        Store one day.

        :param listed: Its entry in Twilio's list, if it has one.
        :raises BulkExportsError: if it cannot be; then nothing of it is at the destination that was not there before.
        """
        if self.stop.is_set():
            raise Stopped(f"{day} was not begun: the task was killed")
        path = day_path(self.layout, resource_type=self.resource_type, day=day, account_sid=self.client.account_sid)
        if (there := self._already_there(day, path, listed)) is not None:
            self.log.info("%s: already at %s, %d bytes", day, there["uri"], there["bytes"])
            return there
        try:
            entry = self._fetch(day, path, listed)
        except DayMissingError as error:
            if not self.ignore_missing:
                raise
            self.log.warning("%s Going on without it.", error)
            return StoredDay(
                day=day.isoformat(), uri=None, bytes=0, records=0, sha256=None, create_date=None, status="missing"
            )
        self.destination.write_json(sidecar_of(path), entry)
        self.log.info("%s: %d records, %d bytes at %s", day, entry["records"], entry["bytes"], entry["uri"])
        return entry

    def _already_there(self, day: date, path: str, listed: ExportDay | None) -> StoredDay | None:
        if self.if_exists == "overwrite":
            return None
        size = self.destination.size(path)
        if size is None:
            return None
        if self.if_exists == "fail":
            raise BulkExportsInputError(
                f"{self.destination.uri(path)} exists: remove it, or use if_exists='skip' or 'overwrite'"
            )
        noted = self.destination.read_json(sidecar_of(path))
        if not isinstance(noted, Mapping) or noted.get("day") != day.isoformat() or noted.get("bytes") != size:
            return None
        if listed and listed.create_date and noted.get("create_date") != listed.create_date.isoformat():
            return None  # Twilio has made the day again since
        if noted.get("sha256") != self.destination.sha256(path):
            return None
        return StoredDay(
            day=day.isoformat(),
            uri=self.destination.uri(path),
            bytes=size,
            records=int(noted.get("records") or 0),
            sha256=noted["sha256"],
            create_date=noted.get("create_date"),
            status="skipped",
        )

    def _fetch(self, day: date, path: str, listed: ExportDay | None) -> StoredDay:
        if self.destination.is_local:
            target = self.destination.local_path(path)
            return self._download(day, path, target, listed)
        with spool_folder(self.spool_dir) as folder:
            target = folder / "day.json.gz"
            entry = self._download(day, path, target, listed)
            self.destination.upload(target, path)
        return entry

    def _download(self, day: date, path: str, target: Path, listed: ExportDay | None) -> StoredDay:
        patience = time.monotonic() + self.missing_timeout
        while True:
            try:
                file = self.client.download_day(
                    self.resource_type,
                    day,
                    target,
                    expected_size=listed.size if listed else None,
                    may_be_empty=lambda: self._is_called_empty(day),
                )
                return self._entry(day, path, file.size, file.records, file.sha256, listed)
            except BulkExportsNotFoundError as error:
                status = DayStatus.COMPLETED_EMPTY_RECORDS if day in self.known_empty else self._status_of(day)
                if status is DayStatus.COMPLETED_EMPTY_RECORDS:
                    # Some empty days have no file at all: theirs is made here.
                    target.write_bytes(EMPTY_FILE)
                    return self._entry(day, path, len(EMPTY_FILE), 0, sha256(EMPTY_FILE).hexdigest(), None)
                if status is not DayStatus.COMPLETED or time.monotonic() >= patience:
                    raise DayMissingError(self._why_missing(day, status)) from error
                self.log.info("%s is exported, but has no file yet; looking again in %.0f s", day, MISSING_INTERVAL)
            if self.stop.wait(MISSING_INTERVAL):
                raise Stopped(f"{day} has no file yet, and the task was killed")

    def _entry(self, day: date, path: str, size: int, records: int, sha256: str, listed: ExportDay | None) -> StoredDay:
        return StoredDay(
            day=day.isoformat(),
            uri=self.destination.uri(path),
            bytes=size,
            records=records,
            sha256=sha256,
            create_date=listed.create_date.isoformat() if listed and listed.create_date else None,
            status="stored",
        )

    def _is_called_empty(self, day: date) -> bool:
        return day in self.known_empty or self._status_of(day) is DayStatus.COMPLETED_EMPTY_RECORDS

    def _sweep(self) -> None:
        """Remove what killed tasks left beside the files of other days; an object store has no such thing."""
        if self.destination.is_local:
            folders = day_folders(self.layout, resource_type=self.resource_type, account_sid=self.client.account_sid)
            sweep(self.destination.local_root, folders)

    def _status_of(self, day: date) -> DayStatus | None:
        """What the listed jobs say about the day; ``None`` if none covers it."""
        jobs = self._jobs_of(day)
        return progress_of(jobs, DayRange(day, day)).states.get(day) if jobs else None

    def _jobs_of(self, day: date) -> list[Job]:
        return [job for job in self.client.list_jobs(self.resource_type) if (own := own_range(job)) and day in own]

    def _has_expired(self, day: date) -> bool:
        """Whether every job that made the day finished longer ago than Twilio keeps files."""
        finished = [job.estimated_completion_time for job in self._jobs_of(day) if job.estimated_completion_time]
        return bool(finished) and max(finished) + FILE_LIFETIME <= datetime.now(timezone.utc)

    def _why_missing(self, day: date, status: DayStatus | None) -> str:
        if status is DayStatus.COMPLETED and self._has_expired(day):
            return (
                f"The file of {self.resource_type} of {day} has expired: Twilio removes files after seven days. Clear "
                "the task that submitted the day, with if_exists='submit', and then this one."
            )
        if status is DayStatus.COMPLETED:
            return (
                f"{self.resource_type} of {day}: its job says Completed, but Twilio never had a file of it in "
                f"{self.missing_timeout:.0f} seconds of asking. Run this task again, or ask Twilio's support."
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
