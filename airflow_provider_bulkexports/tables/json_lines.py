"""Day files as JSON lines in gzip, with columns dropped or hashed; everything else stays as Twilio wrote it."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.tables.column_rules import ColumnRules
from airflow_provider_bulkexports.tables.columns import columns_of
from airflow_provider_bulkexports.tables.records import Record, RecordReader, blocks
from airflow_provider_bulkexports.tables.statistics import DayStatistics, SidCounter, should_have_price

__all__ = ["write_json_lines"]

_NOTHING = Decimal(0)


def write_json_lines(source: Path, target: Path, resource_type: ResourceType, rules: ColumnRules) -> DayStatistics:
    """
    Rewrite a verified day file by the rules for its columns. The same source and rules give the same bytes.

    :param source: Gzip file of JSON lines.
    :param target: File to write; an incomplete one is left behind if the conversion fails.
    :return: Figures of the day; nothing is rescued, since a line of JSON takes any value.
    :raises BulkExportsResponseError: if a line is not JSON, or has a field that fails the day; it names the line.
    """
    conversion = _Conversion(resource_type, rules)
    with (
        target.open("wb") as file,
        gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=6, mtime=0) as output,
    ):
        for block in blocks(source):
            output.write("".join(conversion.rewritten(block.lines)).encode())
    return conversion.finished()


class _Conversion:
    """One file on its way, and what is learned from it."""

    def __init__(self, resource_type: ResourceType, rules: ColumnRules) -> None:
        columns = columns_of(resource_type)
        self._reader = RecordReader(columns, rules)
        self._statistics = DayStatistics.of_columns(columns)
        self._sids = SidCounter() if any(column.name == "sid" for column in columns) else None
        self._lines = 0

    def rewritten(self, lines: list[bytes]) -> Iterator[str]:
        for line in lines:
            self._lines += 1
            if not line.strip(b" \t\r"):
                self._statistics.blank_lines += bool(line)
                continue
            text, record = self._reader.rewrite(line, self._lines)
            self._learn(record)
            yield f"{text}\n"

    def finished(self) -> DayStatistics:
        if self._sids:
            self._statistics.duplicate_sids = self._sids.duplicates()
        return self._statistics

    def _learn(self, record: Record) -> None:
        statistics, values = self._statistics, record.values
        statistics.records += 1
        if self._sids and "sid" in values:
            self._sids.add([values["sid"]])
        if statistics.has_prices:
            price, is_due = values.get("price"), should_have_price(values.get("status"), values.get("direction"))
            is_missing = is_due and price is None and not record.has_odd_price
            statistics.add_prices(due=is_due, missing=is_missing, total=price or _NOTHING)
