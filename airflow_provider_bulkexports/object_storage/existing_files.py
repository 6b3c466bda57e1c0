"""What is at a day's place in the destination already: nothing, this very file, an older one, or somebody else's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from airflow_provider_bulkexports.exceptions import BulkExportsInputError, BulkExportsStorageError
from airflow_provider_bulkexports.model.resources import ExportDay, ResourceType
from airflow_provider_bulkexports.object_storage.destination import Destination
from airflow_provider_bulkexports.object_storage.layout import sidecar_of
from airflow_provider_bulkexports.object_storage.manifest import Note

__all__ = ["Existing", "Found"]


class Found(NamedTuple):
    """
    A file at a day's place.

    :param size: Its bytes; ``None`` if there is none, or nobody may tell.
    :param note: What its manifest says, if it has one that agrees with its size.
    :param owner: Account whose records it holds, if known.
    :param is_hidden: Whether the store does not tell if there is one.
    """

    size: int | None = None
    note: Note | None = None
    owner: str | None = None
    is_hidden: bool = False


@dataclass
class Existing:
    """
    Files of one resource type in a destination.

    :param manifests: Where their manifests are written; they are also read where another setting wrote them.
    :param account: Returns the account that the task's connection acts on, ``None`` if unknown, given a day.
    """

    destination: Destination
    resource_type: ResourceType
    manifests: str
    account: Callable[[date], str | None]

    def find(self, path: str) -> Found:
        """See what is there."""
        try:
            size = self.destination.size(path)
        except BulkExportsStorageError as error:
            if error.is_forbidden:  # as S3 answers for a file that is not there to those who may not list
                return Found(is_hidden=True)
            raise
        if size is None:
            return Found()
        note = self._note_of(path, size)
        owner = note.account_sid if note else None
        return Found(size, note, owner or self.destination.account_of(path))

    def is_newest(self, found: Found, path: str, day: date, listed: Sequence[ExportDay]) -> bool:
        """
        Whether the file is the one that Twilio would give: the same account, day, generation and content.

        :param listed: The day's entries in Twilio's list, the newest last.
        """
        note = found.note
        if note is None or note.day != day.isoformat() or not note.is_newest_of(listed):
            return False
        if found.owner and self.account(day) is None:
            return False  # it cannot be told whether it is ours
        try:
            return note.sha256 == self.destination.sha256(path)
        except BulkExportsStorageError as error:
            if error.is_transient:
                raise
            return False

    def require_own(self, found: Found, path: str, day: date, *, account: str | None) -> None:
        """
        Refuse a file that is another account's, or of another resource type.

        :param account: Account that the task's connection acts on, if known.
        :raises BulkExportsInputError: naming both, and what to write into the layout.
        """
        uri = self.destination.uri(path)
        kind = found.note.resource_type if found.note else None
        if kind and kind != self.resource_type.value:
            raise BulkExportsInputError(
                f"{uri} holds {kind} of {day}, and this task stores {self.resource_type}. It was left untouched: put "
                "{resource_type} into the layout, so that each type has its own files"
            )
        if found.owner is None or found.owner == account:
            return
        if account is None:
            raise BulkExportsInputError(
                f"{uri} holds records of the account {found.owner}, and it is unknown which account this task's API "
                "key belongs to. It was left untouched: add account_sid to the extra of the Twilio connection"
            )
        raise BulkExportsInputError(
            f"{uri} holds {self.resource_type} of {day} of the account {found.owner}, and this task stores those of "
            f"{account}. It was left untouched: put {{account_sid}} into the layout, such as "
            "'account_sid={account_sid}/resource_type={resource_type}/day={day}/part-0.json.gz', so that each account "
            "has its own files"
        )

    def _note_of(self, path: str, size: int) -> Note | None:
        places = dict.fromkeys(sidecar_of(path, where) for where in (self.manifests, "beside", "aside"))
        for place in places:
            note = Note.from_json(self.destination.read_json(place))
            if note and note.size == size:
                return note
        return None
