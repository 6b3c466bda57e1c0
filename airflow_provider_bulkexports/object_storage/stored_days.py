"""Day files that are stored in a destination already, as the source of other files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from airflow_provider_bulkexports.api.file_check import FileCheck
from airflow_provider_bulkexports.exceptions import BulkExportsResponseError, DayMissingError
from airflow_provider_bulkexports.model.parsing import day_or_none
from airflow_provider_bulkexports.model.resources import ExportDay, ResourceType, is_account_sid
from airflow_provider_bulkexports.object_storage.day_source import FetchedDay
from airflow_provider_bulkexports.object_storage.destination import Destination
from airflow_provider_bulkexports.object_storage.existing_files import manifest_of
from airflow_provider_bulkexports.object_storage.layout import day_and_account, day_path, files_pattern
from airflow_provider_bulkexports.object_storage.manifest import Manifest

__all__ = ["StoredDays", "find_stored_days"]


def find_stored_days(
    folder: Destination, layout: str, resource_type: ResourceType, *, account_sid: str | None = None
) -> dict[str | None, list[date]]:
    """
    List the days that are stored as JSON.

    :param account_sid: Only the days of this account, if the layout has ``{account_sid}``.
    :return: The days of each account, ascending; the account is ``None`` if the layout does not have it.
    """
    days: dict[str | None, list[date]] = {}
    pattern = files_pattern(layout, resource_type=resource_type, account_sid=account_sid)
    for path in folder.matching(pattern):
        if (found := day_and_account(layout, path, resource_type=resource_type)) is None:
            continue
        day, account = found
        if account is None or is_account_sid(account):
            days.setdefault(account, []).append(day)
    return {account: sorted(found) for account, found in sorted(days.items(), key=lambda item: item[0] or "")}


@dataclass
class StoredDays:
    """
    The JSON files of one resource type in a destination, each checked again as it is read.

    :param layout: Their layout.
    :param account_sid: Their account, if the layout has it.
    """

    folder: Destination
    layout: str
    resource_type: ResourceType
    account_sid: str | None = None

    def __post_init__(self) -> None:
        self._read: dict[date, tuple[int | None, Manifest | None]] = {}

    def list_days(self) -> Iterable[ExportDay]:
        """List nothing: the generation of a file is in its manifest."""
        return ()

    def fetch(self, day: date, target: Path, listed: Sequence[ExportDay]) -> FetchedDay:
        """
        Copy a day's file to ``target``, and compare it with its manifest.

        :param listed: Ignored; see :meth:`list_days`.
        :raises DayMissingError: if it does not exist.
        :raises BulkExportsResponseError: if it is no complete gzip file, or not the one of its manifest.
        """
        size, manifest = self._stored(day)
        if size is None:
            raise DayMissingError(f"{self._uri(day)} does not exist")
        check = self._copy(day, target)
        if manifest is None:
            return FetchedDay(target, check.size, check.records, check.sha256, check.account_sid, None)
        if (manifest.sha256, manifest.records) != (check.sha256, check.records):
            raise BulkExportsResponseError(
                f"{self._uri(day)} has other content than its manifest says, so it was not converted",
                is_transient=False,
                remedy="Restore the file, or remove its manifest if the file is right.",
            )
        return FetchedDay(
            target,
            manifest.source_size,
            check.records,
            manifest.source_sha256,
            check.account_sid or manifest.account_sid,
            _generation(manifest, day),
        )

    def account(self, day: date) -> str | None:
        """Account of a day's file: that of the layout, its manifest, or its first record."""
        if self.account_sid:
            return self.account_sid
        _, manifest = self._stored(day)
        return (manifest.account_sid if manifest else None) or self.folder.account_of(self._path(day))

    def columns(self, day: date) -> str | None:
        """What was done to the columns of the day's file when it was stored."""
        _, manifest = self._stored(day)
        return manifest.columns if manifest else None

    def is_newest(self, manifest: Manifest, day: date, listed: Sequence[ExportDay]) -> bool:
        """Whether a converted file was made from the file that is stored now."""
        _, own = self._stored(day)
        return manifest.source_sha256 == (own.source_sha256 if own else self.folder.sha256(self._path(day)))

    def _path(self, day: date) -> str:
        return day_path(self.layout, resource_type=self.resource_type, day=day, account_sid=self.account_sid)

    def _uri(self, day: date) -> str:
        return self.folder.uri(self._path(day))

    def _stored(self, day: date) -> tuple[int | None, Manifest | None]:
        """Size and manifest of a day's file."""
        if day not in self._read:
            path = self._path(day)
            size = self.folder.size(path)
            self._read[day] = size, (None if size is None else manifest_of(self.folder, path))
        return self._read[day]

    def _copy(self, day: date, target: Path) -> FileCheck:
        check = FileCheck()
        try:
            with target.open("wb") as file:
                for piece in self.folder.pieces(self._path(day)):
                    check.feed(piece)
                    file.write(piece)
            check.finish()
        except BulkExportsResponseError as error:
            raise BulkExportsResponseError(
                f"{self._uri(day)}: {error.what}", is_transient=False, remedy=error.remedy, details=error.details
            ) from error
        finally:
            check.close()
        if not check.size:
            raise BulkExportsResponseError(f"{self._uri(day)}: the file has no bytes", is_transient=False)
        return check


def _generation(manifest: Manifest, day: date) -> ExportDay:
    """The entry of Twilio's list from which the file was stored, as its manifest remembers it."""
    return ExportDay(
        day=day,
        size=manifest.listed_size or 0,
        create_date=day_or_none(manifest.create_date),
        friendly_name=manifest.friendly_name,
    )
