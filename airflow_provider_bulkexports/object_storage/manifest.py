"""The manifest of a stored file: account, resource type, day, generation and content, as written and as read back."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from airflow_provider_bulkexports.model.resources import ExportDay, ResourceType

__all__ = ["DayChanges", "Manifest", "StoredDay"]

_TYPES = [kind.value for kind in ResourceType]
_ACCOUNT_SID = re.compile(r"AC\w{1,60}", re.ASCII)


class DayChanges(TypedDict):
    """
    What the file of a later export changed, compared with the one that it replaced, by their numbers.

    ``records_gained`` or ``records_lost`` is the difference in records. ``prices_filled`` is by how much
    ``prices_missing`` fell, ``price_total_before`` what ``price_total`` was; ``None`` if one of the manifests does not
    say.
    """

    records_gained: int
    records_lost: int
    prices_filled: int | None
    price_total_before: str | None


class StoredDay(TypedDict):
    """
    Manifest entry of one day.

    ``status`` is ``stored``, ``skipped`` (the same file was already stored), ``empty`` (no records and no file, with
    ``empty_days="skip"``) or ``missing`` (Twilio has no file). Without a file ``uri`` and ``sha256`` are ``None``.
    ``bytes`` and ``sha256`` are of the compressed file. ``create_date``, ``listed_size`` and ``friendly_name`` are from
    Twilio's list, ``account_sid`` is the account whose records the file holds; ``None`` if unknown.

    ``format`` is ``json`` or ``parquet``, ``columns`` what was done to columns. ``source_bytes`` and ``source_sha256``
    are of Twilio's own file. Of a converted file: ``rescued`` records have something in ``_rescued``,
    ``prices_due`` are finished and outbound, ``prices_missing`` of these have no price, ``price_total`` is the sum of
    all prices (decimal text), and ``duplicate_sids`` records have the sid of an earlier one; ``None`` if unknown, or if
    the type has no such field. ``changes`` is what the file changed if it replaced the one of an earlier export, see
    :class:`DayChanges`; otherwise ``None``.
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
    format: str
    columns: str | None
    source_bytes: int | None
    source_sha256: str | None
    rescued: int | None
    prices_due: int | None
    prices_missing: int | None
    price_total: str | None
    duplicate_sids: int | None
    changes: DayChanges | None


@dataclass(frozen=True, slots=True)
class Manifest:
    """
    What a manifest says about its file. ``None`` is unknown: manifests of earlier versions have fewer fields.

    :param size: Bytes of the stored file.
    :param listed_size: Bytes that Twilio's list gave for the file.
    :param is_full: Whether the manifest has every field that tells one generation from another.
    :param columns: What was done to columns; ``None`` for nothing.
    :param figures: What else the entry of a converted file has.
    :param changes: What the file changed if it replaced the one of an earlier export.
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
    file_format: str
    columns: str | None
    source_size: int
    source_sha256: str
    figures: Mapping[str, Any]
    changes: DayChanges | None

    @classmethod
    def from_json(cls, value: object) -> Manifest | None:
        """Read a manifest; ``None`` if it is damaged, or written by another program."""
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
            file_format=_text(value, "format") or "json",
            columns=_text(value, "columns"),
            source_size=size if (source_size := _count(value, "source_bytes")) is None else source_size,
            source_sha256=_text(value, "source_sha256") or sha256,
            figures={
                "rescued": _count(value, "rescued"),
                "prices_due": _count(value, "prices_due"),
                "prices_missing": _count(value, "prices_missing"),
                "price_total": _text(value, "price_total"),
                "duplicate_sids": _count(value, "duplicate_sids"),
            },
            changes=_changes(value.get("changes")),
        )

    def is_newest_of(self, listed: Sequence[ExportDay]) -> bool:
        """
        Whether this is the file that Twilio would serve now, as far as both sides know.

        Twilio's ``create_date`` has no time of day: a day that is exported again on the same date differs in size or
        name.

        :param listed: The day's entries in Twilio's list, the newest last; none if Twilio has no file of it.
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

    def entry(
        self, uri: str, resource_type: ResourceType, *, account_sid: str | None, listed: Sequence[ExportDay]
    ) -> StoredDay:
        """
        Entry of the file, with what an earlier version did not write.

        :param account_sid: Account that the task's connection acts on, if known.
        :param listed: As for :meth:`is_newest_of`.
        """
        newest = listed[-1] if listed else None
        return StoredDay(
            day=self.day,
            uri=uri,
            bytes=self.size,
            records=self.records,
            sha256=self.sha256,
            create_date=self.create_date,
            status="stored",
            resource_type=resource_type.value,
            account_sid=account_sid or self.account_sid,
            listed_size=self.listed_size or ((newest.size or None) if newest else None),
            friendly_name=self.friendly_name or (newest.friendly_name if newest else None),
            format=self.file_format,
            columns=self.columns,
            source_bytes=self.source_size,
            source_sha256=self.source_sha256,
            rescued=self.figures["rescued"],
            prices_due=self.figures["prices_due"],
            prices_missing=self.figures["prices_missing"],
            price_total=self.figures["price_total"],
            duplicate_sids=self.figures["duplicate_sids"],
            changes=self.changes,
        )


def _changes(value: object) -> DayChanges | None:
    if not isinstance(value, Mapping):
        return None
    gained, lost = _count(value, "records_gained"), _count(value, "records_lost")
    if gained is None or lost is None:
        return None
    return DayChanges(
        records_gained=gained,
        records_lost=lost,
        prices_filled=_count(value, "prices_filled"),
        price_total_before=_text(value, "price_total_before"),
    )


def _text(value: Mapping[Any, Any], key: str) -> str | None:
    found = value.get(key)
    return found if isinstance(found, str) and found else None


def _count(value: Mapping[Any, Any], key: str) -> int | None:
    found = value.get(key)
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 <= found < 1 << 63 else None
