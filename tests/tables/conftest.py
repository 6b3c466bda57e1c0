"""Day files from records, and what a conversion makes of them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.simulator.service.records import day_records
from airflow_provider_bulkexports.tables.column_rules import ColumnRules
from airflow_provider_bulkexports.tables.statistics import DayStatistics

ACCOUNT = "AC" + "0" * 32


def messages(count: int, day: str = "2026-01-01") -> list[dict[str, Any]]:
    """Records of the simulator."""
    return list(day_records(1, ACCOUNT, ResourceType.MESSAGES, date.fromisoformat(day), count))


def lines_of(records: Sequence[dict[str, Any]]) -> list[bytes]:
    return [json.dumps(record).encode() for record in records]


@dataclass
class Converted:
    """A Parquet file as rows, and what was learned."""

    rows: list[dict[str, Any]]
    statistics: DayStatistics
    file: Path

    @property
    def rescued(self) -> list[Any]:
        return [json.loads(row["_rescued"]) if row["_rescued"] else None for row in self.rows]


@pytest.fixture
def day_file(tmp_path: Path) -> Callable[[Sequence[bytes]], Path]:
    """Make a day file of lines."""

    def write(lines: Sequence[bytes]) -> Path:
        file = tmp_path / "day.json.gz"
        file.write_bytes(gzip.compress(b"".join(line + b"\n" for line in lines)))
        return file

    return write


@pytest.fixture
def convert(day_file: Callable[[Sequence[bytes]], Path], tmp_path: Path) -> Callable[..., Converted]:
    """Convert lines to Parquet and read that back."""
    pq = pytest.importorskip("pyarrow.parquet")
    from airflow_provider_bulkexports.tables.parquet import write_parquet

    def run(lines: Sequence[bytes], rules: ColumnRules | None = None, kind: str = "Messages") -> Converted:
        target = tmp_path / "day.parquet"
        statistics = write_parquet(day_file(lines), target, ResourceType(kind), rules or ColumnRules())
        return Converted(pq.read_table(target).to_pylist(), statistics, target)

    return run
