"""What becomes of a verified day file before it is published: nothing, other columns, or Parquet."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from airflow_provider_bulkexports.exceptions import BulkExportsInputError, BulkExportsResponseError
from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.tables.column_rules import ColumnRules
from airflow_provider_bulkexports.tables.statistics import DayStatistics

__all__ = ["FILE_FORMATS", "Conversion", "ConvertedFile", "require_pyarrow"]

#: ``json``: JSON lines in gzip, as Twilio makes them.
FILE_FORMATS = ("json", "parquet")


class ConvertedFile(NamedTuple):
    """
    A local file that is ready to be published.

    :param statistics: Figures of the day.
    """

    path: Path
    size: int
    sha256: str
    statistics: DayStatistics


@dataclass(frozen=True)
class Conversion:
    """
    The conversion of a task's files.

    :param file_format: One of :data:`FILE_FORMATS`.
    """

    file_format: str = "json"
    rules: ColumnRules = field(default_factory=ColumnRules)

    @property
    def changes_files(self) -> bool:
        """Whether the published file differs from Twilio's."""
        return self.file_format != "json" or self.rules.change_something

    def columns_after(self, former: str | None) -> str | None:
        """
        What was done to columns in the end, for the manifest: another file has to be made if it differs.

        :param former: What had been done to the columns of the file before.
        :return: ``None`` for nothing.
        """
        steps = dict.fromkeys(step for step in (former, self.rules.described) if step)
        return " then ".join(steps) or None

    def convert(self, source: Path, resource_type: ResourceType, records: int) -> ConvertedFile:
        """
        Convert a verified file, beside which the new one is written.

        :param source: Gzip file of JSON lines.
        :param records: Records that were verified.
        :raises BulkExportsResponseError: if a line is not JSON, has a field that fails the day, or is lost.
        """
        write: Callable[[Path, Path, ResourceType, ColumnRules], DayStatistics]
        if self.file_format == "parquet":
            from airflow_provider_bulkexports.tables.parquet import write_parquet as write
        else:
            from airflow_provider_bulkexports.tables.json_lines import write_json_lines as write
        target = source.with_name("published")  # a reader's pattern may include hidden folders
        statistics = write(source, target, resource_type, self.rules)
        if statistics.records + statistics.blank_lines != records:
            raise BulkExportsResponseError(
                f"{statistics.records} of {records} records were written, so the file is not published"
            )
        return ConvertedFile(target, target.stat().st_size, _sha256_of(target), statistics)


def _sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def require_pyarrow() -> None:
    """
    Refuse Parquet where pyarrow is missing.

    :raises BulkExportsInputError: with the command that installs it.
    """
    if find_spec("pyarrow") is None:
        raise BulkExportsInputError(
            "file_format 'parquet' needs pyarrow, which is not installed: it is the extra parquet",
            remedy="Run `pip install 'airflow-provider-bulkexports[parquet]'` wherever the DAG is parsed and run.",
        )
