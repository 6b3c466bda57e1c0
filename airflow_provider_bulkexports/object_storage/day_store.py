"""
Store many days, a few at a time: skip those already stored; one day's failure does not affect the others.

Writing is in ``destination.py``.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

from airflow_provider_bulkexports.api.temporary_files import clear_left_over, spool_folder, sweep
from airflow_provider_bulkexports.compat import Log
from airflow_provider_bulkexports.exceptions import (
    BulkExportsInputError,
    BulkExportsStorageError,
    DayMissingError,
    TaskKilledError,
)
from airflow_provider_bulkexports.model.plain import counted, with_full_stop
from airflow_provider_bulkexports.model.resources import ExportDay, ResourceType
from airflow_provider_bulkexports.object_storage.changes import changes_of, described
from airflow_provider_bulkexports.object_storage.day_source import DaySource, FetchedDay
from airflow_provider_bulkexports.object_storage.destination import Destination
from airflow_provider_bulkexports.object_storage.errors import translated
from airflow_provider_bulkexports.object_storage.existing_files import ExistingFile, ExistingFiles
from airflow_provider_bulkexports.object_storage.layout import day_folders, day_path, sidecar_of, table_folder
from airflow_provider_bulkexports.object_storage.manifest import StoredDay
from airflow_provider_bulkexports.planning.expiry import earliest_expiry
from airflow_provider_bulkexports.tables.conversion import Conversion, ConvertedFile

__all__ = ["DayMissingError", "DayStore", "StoreResult", "StoredDay"]


class StoreResult(NamedTuple):
    """
    Result of storing many days.

    :param entries: The days that did not fail.
    :param failures: The error of each day that failed.
    :param expiry: When Twilio deletes the first file of the failed days that a retry may store, if its list says so.
    """

    entries: list[StoredDay]
    failures: dict[date, Exception]
    expiry: datetime | None = None

    @property
    def stored(self) -> list[StoredDay]:
        """The days that are done: those with a file, and those left out because they are empty."""
        return [entry for entry in self.entries if entry["status"] != "missing"]

    @property
    def retry_by(self) -> str:
        """Until when a retry can store the failed days, as a sentence; empty if unknown."""
        if self.expiry is None:
            return ""
        return f"Retry before {self.expiry:%Y-%m-%d %H:%M} UTC, when Twilio deletes the first of these files. "


@dataclass
class DayStore:
    """
    Stores days of one resource type in a destination.

    :param source: Where the files come from.
    :param layout: See :mod:`airflow_provider_bulkexports.object_storage.layout`.
    :param if_exists: ``skip`` a file that is already stored and the same, ``overwrite`` it, or ``fail``.
    :param ignore_missing: Whether a day without a file gets an entry instead of failing.
    :param spool_dir: Local folder for files before they are uploaded.
    :param stop: Set when Airflow kills the task; then no further day is started.
    :param empty_days: ``store`` a file without records, or ``skip`` it.
    :param manifests: Where manifests go: ``beside`` the files, ``aside``, or ``none``.
    :param conversion: What becomes of a verified file before it is published.
    """

    source: DaySource
    resource_type: ResourceType
    destination: Destination
    layout: str
    if_exists: str
    ignore_missing: bool
    spool_dir: str | None
    log: Log
    stop: threading.Event = field(default_factory=threading.Event)
    empty_days: str = "store"
    manifests: str = "beside"
    conversion: Conversion = field(default_factory=Conversion)

    def __post_init__(self) -> None:
        self._existing = ExistingFiles(
            self.destination, self.resource_type, self.manifests, self.source, self.conversion
        )

    def store_all(self, days: Sequence[date], *, at_a_time: int) -> StoreResult:
        """
        Store every day that can be stored, and return the errors of the others.

        :param at_a_time: Days to fetch in parallel.
        :raises BulkExportsInputError: if the folder holds files of another format.
        """
        self._refuse_mixed_formats()
        listed: defaultdict[date, list[ExportDay]] = defaultdict(list)
        for entry in self.source.list_days() if days else ():
            listed[entry.day].append(entry)
        if expiry := earliest_expiry(listed[day][-1].create_date for day in days if listed[day]):
            self.log.info("Twilio deletes the first of these files at %s UTC", f"{expiry:%Y-%m-%d %H:%M}")
        self._sweep()
        with suppress(BulkExportsInputError):  # every day raises it again
            self.destination.clean_up([self._path(day) for day in days])
        with ThreadPoolExecutor(max_workers=at_a_time, thread_name_prefix="bulkexports-store") as threads:
            try:
                futures = {day: threads.submit(self.store, day, listed[day]) for day in days}
                wait(futures.values())
            except BaseException:  # Ctrl-C; the days that have not begun are left
                self.stop.set()
                raise
        failures: dict[date, Exception] = {}
        entries: list[StoredDay] = []
        for day, future in futures.items():
            if error := future.exception():
                if not isinstance(error, Exception):
                    raise error
                failures[day] = error
            else:
                entries.append(future.result())
        again = [day for day, error in failures.items() if getattr(error, "is_transient", True)]
        expiry = earliest_expiry(listed[day][-1].create_date for day in again if listed[day])
        return StoreResult(entries, failures, expiry)

    def store(self, day: date, listed: Sequence[ExportDay]) -> StoredDay:
        """
        Store one day: fetch and verify it, publish the file, write its manifest.

        :param listed: Its entries in Twilio's list, the newest last.
        :raises BulkExportsError: if the day cannot be stored; nothing partial is left at the destination.
        """
        if self.stop.is_set():
            raise TaskKilledError(f"{day} was not started: the task was killed")
        path = self._path(day)
        found = self._existing.find(path)
        if (entry := self._existing_copy(found, day, path, listed)) is not None:
            self.log.info("%s: already stored at %s, %s", day, entry["uri"], counted(entry["bytes"], "byte"))
            return entry
        with self._spool(path) as folder, _local_errors(folder):
            try:
                file = self.source.fetch(day, folder / "day", listed)
            except DayMissingError as error:
                return self._missing(found, day, path, error)
            account = self._account_of(file, day)
            if not file.records and self.empty_days == "skip" and found.size is None:
                self.log.info("%s: no records, so no file is stored", day)
                return self._entry(day, None, file, account, status="empty")
            published = self._converted(file, day)
            self._publish(published.path if published else file.path, path, day, account)
        entry = self._entry(day, path, file, account, published=published)
        entry["changes"] = changes_of(entry, found.manifest)
        self._write_manifest(path, entry)
        # Another task may have written to the same path meanwhile.
        self._existing.require_own(self._existing.find(path), path, day, account=account)
        sizes = counted(entry["records"], "record"), counted(entry["bytes"], "byte")
        self.log.info("%s: stored %s, %s at %s", day, *sizes, entry["uri"])
        if entry["changes"] and found.manifest and found.manifest.source_sha256 != entry["source_sha256"]:
            self.log.info("%s was exported again: %s", day, described(entry))
        return entry

    def _path(self, day: date) -> str:
        return day_path(self.layout, day=day, **self._layout_fields)

    @property
    def _layout_fields(self) -> dict[str, Any]:
        return {
            "resource_type": self.resource_type,
            "account_sid": self.source.account_sid,
            "file_format": self.conversion.file_format,
        }

    def _refuse_mixed_formats(self) -> None:
        """Refuse a folder with files of another format: query engines read every file below it as one table."""
        folder = table_folder(self.layout, **self._layout_fields)
        is_parquet = self.conversion.file_format == "parquet"
        for name in self.destination.sample(folder):
            if name.endswith(".parquet") is not is_parquet and name.endswith((".parquet", ".json.gz")):
                raise BulkExportsInputError(
                    f"{self.destination.uri(folder)} holds files of another format, such as {name}, and query engines "
                    f"read every file below it. Store file_format {self.conversion.file_format!r} in another "
                    "destination, or put {format} into the layout"
                )

    def _account_of(self, file: FetchedDay, day: date) -> str | None:
        """Return the account whose records a file holds: the connection's, even if the records name another."""
        account = self.source.account_sid or file.account_sid or self.source.account(day)
        if self.source.account_sid and file.account_sid not in (None, account):
            self.log.warning(
                "%s: the records are of account %s, but the connection is for %s", day, file.account_sid, account
            )
        return account

    def _existing_copy(
        self, found: ExistingFile, day: date, path: str, listed: Sequence[ExportDay]
    ) -> StoredDay | None:
        """Return the entry of a file to keep; ``None`` if the day has to be fetched."""
        if found.size is None:
            return None
        account = self.source.account(day)
        if account or found.owner is None:
            self._existing.require_own(found, path, day, account=account)
        if self.if_exists == "fail":
            raise self._exists(path)
        if self.if_exists == "overwrite" or not self._existing.is_newest(found, path, day, listed):
            return None
        manifest = found.manifest
        assert manifest is not None
        entry = manifest.entry(self.destination.uri(path), self.resource_type, account_sid=account, listed=listed)
        if not manifest.is_full or manifest.account_sid != account:
            self._write_manifest(path, entry)
        return StoredDay(**{**entry, "status": "skipped"})

    def _converted(self, file: FetchedDay, day: date) -> ConvertedFile | None:
        """Convert a verified file, if the task wants that."""
        if not self.conversion.changes_files:
            return None
        published = self.conversion.convert(file.path, self.resource_type, file.records)
        if published.statistics.rescued:
            self.log.warning(
                "%s: %d of %s with fields or values that fit no column; they are in _rescued",
                day,
                published.statistics.rescued,
                counted(published.statistics.records, "record"),
            )
        return published

    def _publish(self, file: Path, path: str, day: date, account: str | None) -> None:
        """Move or upload the file to its path, unless another account's file has appeared there."""
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
                "%s: replacing the file at %s, which this task has no permission to read. If several accounts store "
                "here, put {account_sid} into the layout",
                day,
                self.destination.uri(path),
            )
        self.destination.publish(file, path)

    def _exists(self, path: str) -> BulkExportsInputError:
        uri = self.destination.uri(path)
        return BulkExportsInputError(f"{uri} already exists: remove it, or use if_exists='skip' or 'overwrite'")

    def _missing(self, found: ExistingFile, day: date, path: str, error: DayMissingError) -> StoredDay:
        self._existing.require_own(found, path, day, account=self.source.account(day))
        if not self.ignore_missing:
            raise error
        self.log.warning("%s Continuing without it.", with_full_stop(error.what))
        return self._entry(day, None, None, None, status="missing")

    @contextmanager
    def _spool(self, path: str) -> Iterator[Path]:
        """Folder for the file until it is published; on the same disk if the destination is local, for the rename."""
        if not self.destination.is_local:
            with spool_folder(self.spool_dir) as folder:
                yield folder
            return
        target = self.destination.local_path(path)
        clear_left_over(target)
        with spool_folder(target.parent, is_hidden=True) as folder:
            yield folder

    def _sweep(self) -> None:
        """Remove what killed tasks left beside the files of a local destination."""
        if self.destination.is_local:
            folders = day_folders(self.layout, **self._layout_fields)
            sweep(self.destination.local_path("."), folders)

    def _write_manifest(self, path: str, entry: StoredDay) -> None:
        if self.manifests == "none":
            return
        try:
            self.destination.write_json(sidecar_of(path, self.manifests), entry)
        except BulkExportsStorageError as error:
            if error.is_transient:
                raise
            self.log.warning("The file is stored without a manifest, so the next run fetches it again. %s", error)

    def _entry(
        self,
        day: date,
        path: str | None,
        file: FetchedDay | None,
        account: str | None,
        *,
        published: ConvertedFile | None = None,
        status: str = "stored",
    ) -> StoredDay:
        listed = file.generation if file else None
        stored = (published or file) if path else None
        figures = published.statistics if published else None
        total = figures.price_total if figures else None
        return StoredDay(
            day=day.isoformat(),
            uri=self.destination.uri(path) if path else None,
            bytes=stored.size if stored else 0,
            records=figures.records if figures else file.records if file else 0,
            sha256=stored.sha256 if stored else None,
            create_date=listed.create_date.isoformat() if listed and listed.create_date else None,
            status=status,
            resource_type=self.resource_type.value,
            account_sid=account,
            listed_size=(listed.size or None) if listed else None,
            friendly_name=listed.friendly_name if listed else None,
            format=self.conversion.file_format,
            columns=self.conversion.columns_after(self.source.columns(day)),
            source_bytes=file.size if file and path else None,
            source_sha256=file.sha256 if file and path else None,
            rescued=figures.rescued if figures else None,
            prices_due=figures.prices_due if figures else None,
            prices_missing=figures.prices_missing if figures else None,
            price_total=None if total is None else str(total),
            duplicate_sids=figures.duplicate_sids if figures else None,
            changes=None,
        )


@contextmanager
def _local_errors(folder: Path) -> Iterator[None]:
    """Translate errors of the spool folder, for example a full disk."""
    try:
        yield
    except OSError as error:
        raise translated(error, operation="write", uri=str(folder)) from None
