"""Store days: fetch what is not there yet, a few days at a time, and let no day's failure lose another's file."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple, TypedDict

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.api.temporary_files import clear_left_over, spool_folder, sweep
from airflow_provider_bulkexports.compat import Log
from airflow_provider_bulkexports.exceptions import (
    BulkExportsInputError,
    BulkExportsStorageError,
    DayMissingError,
    TaskKilledError,
)
from airflow_provider_bulkexports.model.resources import ExportDay, ResourceType
from airflow_provider_bulkexports.object_storage.day_fetcher import DayFetcher, FetchedDay
from airflow_provider_bulkexports.object_storage.destination import Destination
from airflow_provider_bulkexports.object_storage.errors import translated
from airflow_provider_bulkexports.object_storage.existing_files import Existing, Found
from airflow_provider_bulkexports.object_storage.layout import day_folders, day_path, sidecar_of
from airflow_provider_bulkexports.object_storage.manifest import Note
from airflow_provider_bulkexports.planning.expiry import first_expiry

__all__ = ["DayMissingError", "DayStore", "Outcome", "StoredDay"]


class StoredDay(TypedDict):
    """
    Manifest entry of one day.

    ``status`` is ``stored``, ``skipped`` (the same file was there already), ``empty`` (no records, and so no file, with
    ``empty_days="skip"``) or ``missing`` (Twilio has no file). Without a file ``uri`` and ``sha256`` are ``None``.
    ``bytes`` and ``sha256`` are of the compressed file. ``create_date``, ``listed_size`` and ``friendly_name`` are what
    Twilio's list says of it, ``account_sid`` is whose records it holds; ``None`` if unknown.
    """

    day: str
    uri: str | None
    bytes: int
    records: int
    sha256: str | None
    create_date: str | None
    status: str
    resource_type: str
    account_sid: str | None
    listed_size: int | None
    friendly_name: str | None


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
        """The days that are done: those with a file now, and those left out for being empty."""
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

    :param layout: See :mod:`airflow_provider_bulkexports.object_storage.layout`.
    :param if_exists: ``skip`` a file that is there already and the same, ``overwrite`` it, or ``fail``.
    :param ignore_missing: Whether a day without a file is noted instead of failing.
    :param missing_timeout: Seconds to wait for the file of a day that its job calls done.
    :param spool_dir: Local folder for files on their way to an object store.
    :param known_empty: Days known to have no records.
    :param empty_days: ``store`` a file without records, or ``skip`` it.
    :param manifests: Where manifests go: ``beside`` the files, ``aside``, or ``none``.
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
    empty_days: str = "store"
    manifests: str = "beside"

    def __post_init__(self) -> None:
        self._fetcher = DayFetcher(
            self.client, self.resource_type, self.missing_timeout, self.log, self.known_empty, self.stop
        )
        self._existing = Existing(self.destination, self.resource_type, self.manifests, self._fetcher.account)

    def store_all(self, days: Sequence[date], *, at_a_time: int) -> Outcome:
        """Store every day that can be stored; the failures of the others are returned beside."""
        listed: defaultdict[date, list[ExportDay]] = defaultdict(list)
        for entry in self.client.list_days(self.resource_type) if days else ():
            listed[entry.day].append(entry)
        if expiry := first_expiry(listed[day][-1] for day in days if listed[day]):
            self.log.info("Twilio keeps the first of these files until %s UTC", f"{expiry:%Y-%m-%d %H:%M}")
        self._sweep()
        with suppress(BulkExportsInputError):  # raised again for each day
            self.destination.clean_up([self._path(day) for day in days])
        with ThreadPoolExecutor(max_workers=at_a_time, thread_name_prefix="bulkexports-store") as threads:
            futures = {day: threads.submit(self.store, day, listed[day]) for day in days}
        failures: dict[date, Exception] = {}
        entries: list[StoredDay] = []
        for day, future in futures.items():
            if error := future.exception():
                if not isinstance(error, Exception):
                    raise error
                failures[day] = error
            else:
                entries.append(future.result())
        return Outcome(entries, failures, first_expiry(listed[day][-1] for day in failures if listed[day]))

    def store(self, day: date, listed: Sequence[ExportDay]) -> StoredDay:
        """
        Store one day.

        :param listed: Its entries in Twilio's list, the newest last.
        :raises BulkExportsError: if it cannot be; then nothing of it is at the destination that was not there before.
        """
        if self.stop.is_set():
            raise TaskKilledError(f"{day} was not begun: the task was killed")
        path = self._path(day)
        found = self._existing.find(path)
        if (there := self._existing_copy(found, day, path, listed)) is not None:
            self.log.info("%s: already at %s, %d bytes", day, there["uri"], there["bytes"])
            return there
        with self._spool(path) as folder, _local_errors(folder):
            target = folder / "day.json.gz"
            try:
                file = self._fetcher.fetch(day, target, listed)
            except DayMissingError as error:
                return self._missing(found, day, path, error)
            account = self.client.account_sid or file.account_sid or self._fetcher.account(day)
            if self.client.account_sid and file.account_sid not in (None, account):
                self.log.warning(
                    "%s: its records are of %s, and the connection's is %s", day, file.account_sid, account
                )
            if not file.records and self.empty_days == "skip" and found.size is None:
                self.log.info("%s: no records, so no file", day)
                return self._entry(day, None, file, account, status="empty")
            self._publish(target, path, day, account)
        entry = self._entry(day, path, file, account)
        self._write_manifest(path, entry)
        # Another task may have written there at the same moment.
        self._existing.require_own(self._existing.find(path), path, day, account=account)
        self.log.info("%s: %d records, %d bytes at %s", day, entry["records"], entry["bytes"], entry["uri"])
        return entry

    def _path(self, day: date) -> str:
        return day_path(self.layout, resource_type=self.resource_type, day=day, account_sid=self.client.account_sid)

    def _existing_copy(self, found: Found, day: date, path: str, listed: Sequence[ExportDay]) -> StoredDay | None:
        """Return the entry of a file that stays; ``None`` if the day has to be fetched."""
        if found.size is None:
            return None
        account = self._fetcher.account(day)
        if account or found.owner is None:
            self._existing.require_own(found, path, day, account=account)
        if self.if_exists == "fail":
            raise self._exists(path)
        if self.if_exists == "overwrite" or not self._existing.is_newest(found, path, day, listed):
            return None
        note = found.note
        assert note is not None
        entry = self._noted(note, path, account, listed)
        if not note.is_full or note.account_sid != account:
            self._write_manifest(path, entry)
        return StoredDay(**{**entry, "status": "skipped"})

    def _publish(self, file: Path, path: str, day: date, account: str | None) -> None:
        """Put a complete file into its place, unless that is somebody else's by now."""
        found = self._existing.find(path)
        self._existing.require_own(found, path, day, account=account)
        if found.size is None:
            if self.destination.publish(file, path, only_new=True):
                return
            found = self._existing.find(path)
            self._existing.require_own(found, path, day, account=account)
            if self.if_exists == "fail":
                raise self._exists(path)
        if found.is_hidden:
            self.log.warning(
                "%s: a file is at %s already, and this task may not read it: it is replaced. If several accounts store "
                "here, put {account_sid} into the layout",
                day,
                self.destination.uri(path),
            )
        self.destination.publish(file, path)

    def _exists(self, path: str) -> BulkExportsInputError:
        uri = self.destination.uri(path)
        return BulkExportsInputError(f"{uri} exists: remove it, or use if_exists='skip' or 'overwrite'")

    def _missing(self, found: Found, day: date, path: str, error: DayMissingError) -> StoredDay:
        self._existing.require_own(found, path, day, account=self._fetcher.account(day))
        if not self.ignore_missing:
            raise error
        self.log.warning("%s Continuing without it.", error)
        return self._entry(day, None, FetchedDay(0, 0, "", None, None), None, status="missing")

    @contextmanager
    def _spool(self, path: str) -> Iterator[Path]:
        """Folder for the file on its way, where it can be renamed from if the destination is local."""
        if not self.destination.is_local:
            with spool_folder(self.spool_dir) as folder:
                yield folder
            return
        target = self.destination.local_path(path)
        clear_left_over(target)
        with spool_folder(target.parent, is_hidden=True) as folder:
            yield folder

    def _sweep(self) -> None:
        """Remove what killed tasks left beside the files of other days; an object store has no such thing."""
        if self.destination.is_local:
            account = self.client.account_sid
            folders = day_folders(self.layout, resource_type=self.resource_type, account_sid=account)
            sweep(self.destination.local_path("."), folders)

    def _write_manifest(self, path: str, entry: StoredDay) -> None:
        if self.manifests == "none":
            return
        place = sidecar_of(path, self.manifests)
        try:
            self.destination.write_json(place, entry)
        except BulkExportsStorageError as error:
            if error.is_transient:
                raise
            self.log.warning("The file is stored, but will be fetched again by the next run. %s", error)

    def _entry(
        self, day: date, path: str | None, file: FetchedDay, account: str | None, *, status: str = "stored"
    ) -> StoredDay:
        listed = file.generation
        return StoredDay(
            day=day.isoformat(),
            uri=self.destination.uri(path) if path else None,
            bytes=file.size if path else 0,
            records=file.records,
            sha256=file.sha256 if path else None,
            create_date=listed.create_date.isoformat() if listed and listed.create_date else None,
            status=status,
            resource_type=self.resource_type.value,
            account_sid=account,
            listed_size=(listed.size or None) if listed else None,
            friendly_name=listed.friendly_name if listed else None,
        )

    def _noted(self, note: Note, path: str, account: str | None, listed: Sequence[ExportDay]) -> StoredDay:
        """Entry of a file that its manifest describes, with what is known by now."""
        newest = listed[-1] if listed else None
        return StoredDay(
            day=note.day,
            uri=self.destination.uri(path),
            bytes=note.size,
            records=note.records,
            sha256=note.sha256,
            create_date=note.create_date,
            status="stored",
            resource_type=self.resource_type.value,
            account_sid=account or note.account_sid,
            listed_size=note.listed_size or ((newest.size or None) if newest else None),
            friendly_name=note.friendly_name or (newest.friendly_name if newest else None),
        )


@contextmanager
def _local_errors(folder: Path) -> Iterator[None]:
    """Translate errors of the folder for files on their way, such as a full disk."""
    try:
        yield
    except OSError as error:
        raise translated(error, operation="write", uri=str(folder)) from error
