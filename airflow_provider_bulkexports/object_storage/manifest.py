"""Which file a stored day is: its account, resource type, day, generation and content, as its manifest tells."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_bulkexports.model.resources import ExportDay, ResourceType

__all__ = ["Note", "generation_of", "listed_sizes"]

_TYPES = [kind.value for kind in ResourceType]
_ACCOUNT_SID = re.compile(r"AC\w{1,60}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Note:
    """
    What a manifest says of the file beside it. ``None`` is unknown: manifests of earlier versions say less.

    :param size: Bytes of the stored file.
    :param listed_size: Bytes that Twilio's list gave for the file.
    :param is_full: Whether the manifest has every field that this version writes.
    """

    day: str
    size: int
    records: int
    sha256: str
    resource_type: str | None
    account_sid: str | None
    listed_size: int | None
    create_date: str | None
    friendly_name: str | None
    is_full: bool

    @classmethod
    def from_json(cls, value: object) -> Note | None:
        """Read a manifest; ``None`` if it is damaged, or another program's."""
        if not isinstance(value, Mapping):
            return None
        day, sha256 = _text(value, "day"), _text(value, "sha256")
        size, records = _count(value, "bytes"), _count(value, "records")
        if day is None or sha256 is None or size is None or records is None:
            return None
        return cls(
            day=day,
            size=size,
            records=records,
            sha256=sha256,
            resource_type=kind if (kind := _text(value, "resource_type")) in _TYPES else None,
            account_sid=sid if _ACCOUNT_SID.fullmatch(sid := _text(value, "account_sid") or "") else None,
            listed_size=_count(value, "listed_size"),
            create_date=_text(value, "create_date"),
            friendly_name=_text(value, "friendly_name"),
            is_full={"resource_type", "account_sid", "listed_size", "friendly_name"} <= value.keys(),
        )

    def is_newest_of(self, listed: Sequence[ExportDay]) -> bool:
        """
        Whether this is the file that Twilio would give now, as far as both sides know.

        Twilio's ``create_date`` has no hour: a day that is made again on the same date differs in size or name.

        :param listed: The day's entries in Twilio's list, the newest last; without any, Twilio has no file of it.
        """
        if not listed:
            return True
        newest = listed[-1]
        size = self.size if self.listed_size is None and not self.is_full else self.listed_size
        if newest.size and newest.size != size:
            return False
        if newest.create_date and newest.create_date.isoformat() != self.create_date:
            return False
        is_named = self.is_full or self.friendly_name is not None
        return not (newest.friendly_name and is_named and newest.friendly_name != self.friendly_name)


def listed_sizes(listed: Sequence[ExportDay]) -> list[int]:
    """Bytes that the day's file may have; none if Twilio does not tell them of every generation."""
    sizes = [entry.size for entry in listed]
    return sizes if all(sizes) else []


def generation_of(size: int, listed: Sequence[ExportDay]) -> ExportDay | None:
    """
    Return the listed generation that a file is: the newest of its size, or the newest if the list tells no size.

    :param size: Bytes of the file as it came.
    """
    same = [entry for entry in listed if entry.size == size]
    unsized = [entry for entry in listed if not entry.size]
    matching = same or unsized
    return matching[-1] if matching else None


def _text(value: Mapping[Any, Any], key: str) -> str | None:
    found = value.get(key)
    return found if isinstance(found, str) and found else None


def _count(value: Mapping[Any, Any], key: str) -> int | None:
    found = value.get(key)
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 <= found < 1 << 63 else None
