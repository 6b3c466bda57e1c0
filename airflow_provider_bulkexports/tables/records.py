"""
Records of a day file, line by line: values that fit their columns, and the text of everything else.

A line has to be JSON; anything that it says then arrives, in a column or in ``_rescued``. Numbers keep their text, so
``0.10`` stays ``0.10`` and no large integer is rounded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Context, Decimal, DecimalException
from gzip import GzipFile
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from airflow_provider_bulkexports.exceptions import BulkExportsResponseError
from airflow_provider_bulkexports.tables.column_rules import ColumnRules
from airflow_provider_bulkexports.tables.columns import Column, Kind

with suppress(ImportError):  # it has no wheel for some platforms
    from isal.igzip import IGzipFile as GzipFile

__all__ = ["Block", "Record", "RecordReader", "blocks", "json_text"]

#: Bytes that are read at once. What governs memory is the size of a row group, not this.
_BLOCK = 4 << 20

#: Longest line in bytes. Real ones have some hundreds; without a limit, a file could fill the memory.
_LONGEST_LINE = 256 << 20

_INTEGER = re.compile(r"-?\d+")
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d)(?:(:\d\d)(?:(:\d\d)(\.\d{1,6})?)?)?)?(Z|[+-]\d\d(?::?\d\d)?)?", flags=re.ASCII
)
_RANGES = {Kind.INT32: 2**31, Kind.INT64: 2**63}

#: Decimals are stored as 64-bit integers: 18 digits, 8 of them after the point.
_SCALE = Decimal(1).scaleb(-8)
_LARGEST_DECIMAL = Decimal(10) ** 10
_EXACT = Context(prec=200, Emax=999999, Emin=-999999)


class Block(NamedTuple):
    """
    Whole lines of a file; valid until the next block is read into the same memory.

    :param memory: Where the lines are, each with its line break.
    :param size: How many bytes of it they are.
    """

    memory: bytearray
    size: int

    @property
    def lines(self) -> list[bytes]:
        """The lines, without their line breaks."""
        return bytes(memoryview(self.memory)[: self.size]).split(b"\n")[:-1]


class _Number(str):
    """A number of the JSON text, as it is written there."""

    __slots__ = ()


class Record(NamedTuple):
    """
    One record.

    :param values: Values by column, of all columns that the line has a fitting value for.
    :param rescued: JSON text of what fits no column; ``None`` if there is nothing.
    :param has_odd_price: Whether it has a price that does not fit the column.
    """

    values: dict[str, Any]
    rescued: str | None
    has_odd_price: bool = False


def blocks(file: Path) -> Iterator[Block]:
    """
    Read a gzip file by blocks of whole lines.

    :raises BulkExportsResponseError: if a line is too long to be a record.
    """
    memory, filled = bytearray(_BLOCK), 0
    with file.open("rb") as compressed, GzipFile(fileobj=compressed, mode="rb") as source:
        while read := source.readinto(memoryview(memory)[filled:]):
            end = memory.rfind(b"\n", filled, filled + read) + 1
            filled += read
            if end:
                yield Block(memory, end)
                rest = memory[end:filled]
                memory[: len(rest)] = rest
                filled = len(rest)
            elif filled > _LONGEST_LINE:
                raise BulkExportsResponseError(
                    f"a line is longer than {_LONGEST_LINE >> 20} MiB, so it is not a record"
                )
            if filled == len(memory):
                memory = memory + bytes(filled)
    if filled:
        memory[filled : filled + 1] = b"\n"
        yield Block(memory, filled + 1)


class RecordReader:
    """
    Reads lines of one resource type by the rules for its columns.

    Hashing and dropping fitting values is left to who writes the columns; what is rescued obeys the rules already.

    :param columns: The columns, without ``_rescued``.
    """

    def __init__(self, columns: Sequence[Column], rules: ColumnRules) -> None:
        self._kinds = {column.name: column.kind for column in columns}
        self._rules = rules

    def read(self, line: bytes, number: int) -> Record:
        """
        Read one line.

        :param number: Its number, for the error.
        :raises BulkExportsResponseError: if it is not JSON, or has a field that fails the day.
        """
        return self._record_of(_parsed(line, number), number)

    def rewrite(self, line: bytes, number: int) -> tuple[str, Record]:
        """
        Read one line, and apply the rules to its text.

        :return: JSON text of the line, and what :meth:`read` returns.
        :raises BulkExportsResponseError: as :meth:`read` does.
        """
        parsed = _parsed(line, number)
        record = self._record_of(parsed, number)
        if not isinstance(parsed, _Fields):
            return ("{}" if self._hides_lines else json_text(parsed)), record
        kept = _Fields()
        for name, value in parsed:
            if name not in self._kinds:
                if self._rules.new_fields == "keep":
                    kept.append((name, value))
            elif name not in self._rules.drop:
                kept.append((name, self._hidden(name, value)))
        return json_text(kept), record

    @property
    def _hides_lines(self) -> bool:
        """Whether a line that is not an object is left empty: nobody knows which columns it has."""
        return self._rules.hide_values or self._rules.new_fields == "drop"

    def _record_of(self, parsed: Any, number: int) -> Record:
        if not isinstance(parsed, _Fields):
            if self._rules.new_fields == "fail":
                raise _new_field(number, "is not an object")
            return Record({}, None if self._hides_lines else json_text(parsed))
        values: dict[str, Any] = {}
        rescued = _Fields()
        has_odd_price = False
        for name, value in parsed.merged():
            kind = self._kinds.get(name)
            if kind is None:
                if self._rules.new_fields == "fail":
                    raise _new_field(number, f"has a field that is not a column, {json.dumps(name[:100])}")
                if self._rules.new_fields == "keep":
                    rescued.append((name, value))
            elif value is not None:
                fitting = _fitting(kind, value)
                if fitting is not None:
                    values[name] = fitting
                    continue
                has_odd_price = has_odd_price or name == "price"
                if name not in self._rules.drop:
                    rescued.append((name, self._hidden(name, value)))
        return Record(values, json_text(rescued) if rescued else None, has_odd_price)

    def _hidden(self, name: str, value: Any) -> Any:
        """The value, hashed if the rules say so."""
        if name not in self._rules.hashed or value is None:
            return value
        return self._rules.hash(value if type(value) is str else json_text(value))


def _new_field(number: int, what: str) -> BulkExportsResponseError:
    return BulkExportsResponseError(
        f"line {number} {what}, and new_fields is 'fail': nothing was published. Set it to 'keep' or 'drop'",
        is_transient=False,
    )


class _Fields(list[tuple[str, Any]]):
    """Fields of an object, in order; a name may be there twice."""

    def merged(self) -> Iterator[tuple[str, Any]]:
        """Yield each name once; values that differ come as :class:`_Several`."""
        by_name: dict[str, Any] = {}
        for name, value in self:
            if name not in by_name:
                by_name[name] = value
            elif isinstance(former := by_name[name], _Several):
                former.append(value)
            elif former != value or type(former) is not type(value):
                by_name[name] = _Several([former, value])
        yield from by_name.items()


class _Several(list[Any]):
    """Values of a field that was given more than once; they fit no column."""


def _parsed(line: bytes, number: int) -> Any:
    try:
        return _DECODER.decode(line.decode("utf-8-sig").strip(" \t\r\n"))
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else "not JSON"
        raise BulkExportsResponseError(f"line {number} of the file is {reason}, so the day is not converted") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_Fields, parse_float=_Number, parse_int=_Number, parse_constant=_refuse_constant
)


def json_text(value: Any) -> str:
    """JSON text of a value of a line, in ASCII, with numbers as they were written and fields in their order."""
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, _Fields):
        return "{" + ", ".join(f"{json.dumps(name)}: {json_text(inner)}" for name, inner in value) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(json_text, value)) + "]"
    return json.dumps(value)


def _fitting(kind: Kind, value: Any) -> Any:
    """The value as the column holds it; ``None`` if it does not fit."""
    is_text, is_number = type(value) is str, type(value) is _Number
    if kind is Kind.STRING:
        return value if is_text and _is_unicode(value) else None
    if kind is Kind.BOOL:
        return value if isinstance(value, bool) else None
    if kind is Kind.TIMESTAMP:
        return _moment(value) if is_text else None
    if kind is Kind.DECIMAL:
        return _decimal(value) if is_text or is_number else None
    if is_number and len(value) <= 20 and _INTEGER.fullmatch(value):
        integer = int(value)
        return integer if -_RANGES[kind] <= integer < _RANGES[kind] else None
    return None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def _decimal(text: str) -> Decimal | None:
    if len(text) > 60 or not _DECIMAL.fullmatch(text):
        return None
    try:
        exact = Decimal(text).quantize(_SCALE, context=_EXACT)
    except DecimalException:
        return None
    return exact if exact == Decimal(text) and abs(exact) < _LARGEST_DECIMAL else None


def _moment(text: str) -> datetime | None:
    match = _MOMENT.fullmatch(text)
    if not match:
        return None
    day, hour, minute, second, fraction, zone = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{hour or '00'}{minute or ':00'}{second or ':00'}+00:00")
        microseconds = int((fraction or ".0")[1:].ljust(6, "0"))
        return moment + timedelta(microseconds=microseconds) - _offset(zone)
    except (ValueError, OverflowError):
        return None


def _offset(zone: str | None) -> timedelta:
    if zone in (None, "Z"):
        return timedelta()
    digits = zone[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > 23 or minutes > 59:
        raise ValueError(zone)
    offset = timedelta(hours=hours, minutes=minutes)
    return -offset if zone[0] == "-" else offset
