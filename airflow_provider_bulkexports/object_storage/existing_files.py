"""The file that exists at a day's path: none, up to date, outdated, or another account's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from airflow_provider_bulkexports.exceptions import BulkExportsInputError, BulkExportsStorageError
from airflow_provider_bulkexports.model.resources import ExportDay, ResourceType
from airflow_provider_bulkexports.object_storage.day_source import DaySource
from airflow_provider_bulkexports.object_storage.destination import Destination
from airflow_provider_bulkexports.object_storage.layout import sidecar_of
from airflow_provider_bulkexports.object_storage.manifest import Manifest
from airflow_provider_bulkexports.tables.conversion import Conversion

__all__ = ["ExistingFile", "ExistingFiles", "manifest_of"]


class ExistingFile(NamedTuple):
    """
    What is at a day's path.

    :param size: Bytes of the file; ``None`` if there is none, or if the store hides it.
    :param manifest: Its manifest, if it has one that agrees with its size.
    :param owner: Account whose records it holds, if known.
    :param is_hidden: Whether the store refuses to say if there is a file.
    """

    size: int | None = None
    manifest: Manifest | None = None
    owner: str | None = None
    is_hidden: bool = False


@dataclass
class ExistingFiles:
    """
    Files of one resource type in a destination.

    :param manifests: Where their manifests are written; those that another setting wrote are also read.
    :param source: Where new files come from.
    :param conversion: How they are converted.
    """

    destination: Destination
    resource_type: ResourceType
    manifests: str
    source: DaySource
    conversion: Conversion = field(default_factory=Conversion)

    def find(self, path: str) -> ExistingFile:
        """Read size, manifest and owner of the file at a path."""
        try:
            size = self.destination.size(path)
        except BulkExportsStorageError as error:
            if error.is_forbidden:  # S3's response for a missing key, if the role may not list
                return ExistingFile(is_hidden=True)
            raise
        if size is None:
            return ExistingFile()
        manifest = manifest_of(self.destination, path, size, self.manifests)
        owner = manifest.account_sid if manifest else None
        return ExistingFile(size, manifest, owner or self.destination.account_of(path))

    def is_newest(self, found: ExistingFile, path: str, day: date, listed: Sequence[ExportDay]) -> bool:
        """
        Whether the file is what this task would store: the same account, day, generation, format, columns and content.

        :param listed: The day's entries in Twilio's list, the newest last.
        """
        manifest = found.manifest
        if manifest is None or manifest.day != day.isoformat() or not self.source.is_newest(manifest, day, listed):
            return False
        columns = self.conversion.columns_after(self.source.columns(day))
        if (manifest.file_format, manifest.columns) != (self.conversion.file_format, columns):
            return False
        if found.owner and self.source.account(day) is None:
            return False  # it may be another account's
        try:
            return manifest.sha256 == self.destination.sha256(path)
        except BulkExportsStorageError as error:
            if error.is_transient:
                raise
            return False

    def require_own(self, found: ExistingFile, path: str, day: date, *, account: str | None) -> None:
        """
        Refuse a file of another account, or of another resource type.

        :param account: Account that the task's connection acts on, if known.
        :raises BulkExportsInputError: names both, and what to write in the layout.
        """
        uri = self.destination.uri(path)
        kind = found.manifest.resource_type if found.manifest else None
        if kind and kind != self.resource_type.value:
            raise BulkExportsInputError(
                f"{uri} holds {kind} for {day}, but this task stores {self.resource_type}. It was left untouched: put "
                "{resource_type} into the layout, so that each type has its own files"
            )
        if found.owner is None or found.owner == account:
            return
        if account is None:
            raise BulkExportsInputError(
                f"{uri} holds records of account {found.owner}, but the account of this task's API key is unknown. "
                "It was left untouched: add account_sid to the extra of the Twilio connection"
            )
        end = "parquet" if self.conversion.file_format == "parquet" else "json.gz"
        raise BulkExportsInputError(
            f"{uri} holds account {found.owner}'s {self.resource_type} for {day}, but this task stores those of "
            f"{account}. It was left untouched: put {{account_sid}} into the layout, for example "
            f"'resource_type={{resource_type}}/account={{account_sid}}/day={{day}}/part-0.{end}', so that each account "
            "has its own files"
        )


def manifest_of(folder: Destination, path: str, size: int | None = None, manifests: str = "beside") -> Manifest | None:
    """
    Read the manifest of a stored file; ``None`` if it has none, or none that agrees with its size.

    :param size: Bytes of the file; by default, those that the manifest gives are not compared.
    :param manifests: Where to look first.
    """
    for candidate in dict.fromkeys(sidecar_of(path, where) for where in (manifests, "beside", "aside")):
        manifest = Manifest.from_json(folder.read_json(candidate))
        if manifest and size in (None, manifest.size):
            return manifest
    return None
