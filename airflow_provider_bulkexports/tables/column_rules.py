"""What becomes of columns before anything is published: kept, dropped, or hashed; and of fields without a column."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.tables.columns import Kind, columns_of

__all__ = ["NEW_FIELDS", "PII", "ColumnRules"]

#: What to do with the personal columns of a type.
PII = ("hash", "drop")

#: What to do with a field that has no column.
NEW_FIELDS = ("keep", "drop", "fail")


@dataclass(frozen=True)
class ColumnRules:
    """
    Rules for the columns of one resource type; made by :meth:`parse`.

    :param drop: Columns that are left out.
    :param hashed: Columns whose values are replaced by their keyed hash.
    :param new_fields: ``keep`` fields that have no column in ``_rescued``, ``drop`` them, or ``fail`` the day.
    :param key: Key of the hashes. Telephone numbers are few enough to try them all, so a hash without a key hides none.
    """

    drop: frozenset[str] = frozenset()
    hashed: frozenset[str] = frozenset()
    new_fields: str = "keep"
    key: bytes = field(default=b"", repr=False)

    @classmethod
    def parse(
        cls,
        resource_type: ResourceType,
        *,
        pii: object = None,
        hash_columns: object = None,
        drop_columns: object = None,
        new_fields: object = None,
        hash_key: str | None = None,
    ) -> ColumnRules:
        """
        Parse the rules given by a user. A column that is named twice is dropped.

        :param pii: ``hash`` or ``drop``: for all columns that Twilio labels as personal.
        :param hash_key: Secret of the connection; it may be missing if nothing is hashed.
        :raises BulkExportsInputError: saying what to write instead.
        """
        personal = {column.name for column in columns_of(resource_type) if column.is_personal}
        if pii is not None and pii not in PII:
            raise BulkExportsInputError(f"pii {pii!r}: write 'hash' or 'drop', or leave it out")
        drop = _names("drop_columns", drop_columns, resource_type)
        hashed = _names("hash_columns", hash_columns, resource_type)
        if "sid" in drop:
            raise BulkExportsInputError("drop_columns names 'sid', which tells records apart: remove it from the list")
        if pii == "drop":
            drop |= personal - hashed
        elif pii == "hash":
            hashed |= personal
        hashed -= drop
        _require_text("hash_columns", hashed, resource_type)
        if new_fields is None:
            new_fields = "drop" if drop or hashed else "keep"
        if new_fields not in NEW_FIELDS:
            raise BulkExportsInputError(f"new_fields {new_fields!r}: write 'keep', 'drop' or 'fail'")
        if hashed and not hash_key:
            raise BulkExportsInputError(
                f"{', '.join(sorted(hashed))} cannot be hashed without a key: add hash_key, a long random text, to the "
                "connection's extra"
            )
        return cls(frozenset(drop), frozenset(hashed), str(new_fields), (hash_key or "").encode() if hashed else b"")

    @property
    def change_something(self) -> bool:
        """Whether a file has to be rewritten for them."""
        return self != ColumnRules()

    @property
    def described(self) -> str | None:
        """The rules in one line, which names the key by a hash of it; ``None`` if they change nothing."""
        if not self.change_something:
            return None
        parts = {
            "drop": ",".join(sorted(self.drop)),
            "hash": ",".join(sorted(self.hashed)),
            "key": self.hash("bulkexports")[:8] if self.hashed else "",
            "new_fields": self.new_fields,
        }
        return " ".join(f"{name}={value}" for name, value in parts.items() if value)

    @cached_property
    def hide_values(self) -> bool:
        """Whether anything is to be hidden, so that what cannot be told apart is left out too."""
        return bool(self.drop or self.hashed)

    def hash(self, value: str | bytes) -> str:
        """Keyed hash of a value: HMAC-SHA-256, 64 hexadecimal digits; the same for every column, day and account."""
        data = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
        return hmac.new(self.key, data, hashlib.sha256).hexdigest()


def _names(argument: str, value: object, resource_type: ResourceType) -> set[str]:
    if value is None:
        return set()
    if isinstance(value, str) or not isinstance(value, Collection):
        raise BulkExportsInputError(f"{argument} {value!r}: write a list of column names")
    known = [column.name for column in columns_of(resource_type)]
    for name in value:
        if name not in known:
            raise BulkExportsInputError(
                f"{argument}: {name!r} is not a column of {resource_type}; they are {', '.join(known)}"
            )
    return set(value)


def _require_text(argument: str, names: set[str], resource_type: ResourceType) -> None:
    kinds = {column.name: column.kind for column in columns_of(resource_type)}
    for name in sorted(names):
        if kinds[name] is not Kind.STRING:
            raise BulkExportsInputError(f"{argument}: {name!r} is not text, so its hash would change its type: drop it")
