"""Table definitions for what reads the stored Parquet files, from the same columns as the files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.days import parse_day
from airflow_provider_bulkexports.model.resources import ResourceType, is_account_sid
from airflow_provider_bulkexports.tables.column_rules import ColumnRules
from airflow_provider_bulkexports.tables.columns import RESCUED, Column, Kind, columns_of

__all__ = ["table_definition"]

#: First day of which Twilio has records.
_FIRST_DAY = "2008-01-01"

_STANDARD = {
    Kind.STRING: "string",
    Kind.TIMESTAMP: "timestamp",
    Kind.DECIMAL: "decimal(18,8)",
    Kind.INT32: "int",
    Kind.INT64: "bigint",
    Kind.BOOL: "boolean",
}
_BIGQUERY = {
    Kind.STRING: "STRING",
    Kind.TIMESTAMP: "TIMESTAMP",
    Kind.DECIMAL: "NUMERIC(18, 8)",
    Kind.INT32: "INT64",
    Kind.INT64: "INT64",
    Kind.BOOL: "BOOL",
}
_SNOWFLAKE = {
    Kind.STRING: "VARCHAR",
    Kind.TIMESTAMP: "TIMESTAMP_TZ",
    Kind.DECIMAL: "NUMBER(18, 8)",
    Kind.INT32: "INTEGER",
    Kind.INT64: "BIGINT",
    Kind.BOOL: "BOOLEAN",
}
_REDSHIFT = {**_STANDARD, Kind.STRING: "varchar(65535)"}


@dataclass(frozen=True)
class _Table:
    """
    A table to define.

    :param location: Folder of the resource type's files, without a slash at its end.
    :param account_sids: Accounts whose folders are between that and the days; none if there are no such folders.
    :param day: The day to load, where loading is a step of its own.
    """

    name: str
    columns: Sequence[Column]
    location: str
    account_sids: Sequence[str]
    day: str | None

    @property
    def partitions(self) -> list[str]:
        return ["account", "day"] if self.account_sids else ["day"]

    def column_lines(self, types: dict[Kind, str], quote: str) -> str:
        lines = [f"  {quote}{column.name}{quote} {types[column.kind]}" for column in self.columns]
        return ",\n".join(lines)


def table_definition(
    resource_type: str,
    *,
    dialect: str,
    location: str,
    table: str | None = None,
    account_sids: Iterable[str] = (),
    pii: str | None = None,
    hash_columns: Iterable[str] = (),
    drop_columns: Iterable[str] = (),
    day: str | None = None,
) -> str:
    """
    Write the SQL that makes stored Parquet files a table.

    It assumes the default layout, ``resource_type=…/day=…/part-0.parquet``, with ``account=…`` before the day if
    ``account_sids`` are given.

    :param resource_type: ``Messages``, ``Calls``, ``Conferences`` or ``Participants``.
    :param dialect: ``athena``, ``bigquery``, ``duckdb``, ``redshift``, ``snowflake`` or ``spark``.
    :param location: The ``destination`` of the transfer, such as ``s3://lake/twilio``. For Snowflake also a stage,
        such as ``@twilio_lake``.
    :param table: Name of the table; by default such as ``twilio_messages``. It may have a schema: ``lake.messages``.
    :param account_sids: Accounts that are stored side by side.
    :param pii: As given to the transfer; ``drop`` leaves the columns out.
    :param hash_columns: As given to the transfer.
    :param drop_columns: As given to the transfer.
    :param day: Snowflake and Redshift: the UTC day to load or to add, ``YYYY-MM-DD`` or a template such as
        ``{{ ds }}``. A day that was stored again is deleted first.
    :return: One or more statements, each with its semicolon.
    :raises BulkExportsInputError: saying what to write instead.
    """
    kind = ResourceType.parse(resource_type)
    if dialect not in _DIALECTS:
        raise BulkExportsInputError(f"dialect {dialect!r}: write {', '.join(map(repr, sorted(_DIALECTS)))}")
    rules = ColumnRules.parse(
        kind,
        pii=pii,
        hash_columns=list(hash_columns),
        drop_columns=list(drop_columns),
        hash_key="of no importance here",
    )
    name = table or f"twilio_{kind.value.lower()}"
    if not re.fullmatch(r"\w+(\.\w+){0,2}", name):
        raise BulkExportsInputError(f"table {table!r}: write a name of letters, digits and underscores")
    if not location or "'" in location or not location.isprintable():
        raise BulkExportsInputError(f"location {location!r}: write the destination of the transfer, such as s3://lake")
    accounts = tuple(account_sids)
    for sid in accounts:
        if not is_account_sid(sid):
            raise BulkExportsInputError(
                f"account_sids: {sid!r} is not an Account SID: write 'AC' and 32 hexadecimal digits"
            )
    columns = [column for column in columns_of(kind) if column.name not in rules.drop]
    folder = f"{location.rstrip('/')}/resource_type={kind.value}"
    return _DIALECTS[dialect](_Table(name, [*columns, Column(RESCUED)], folder, accounts, _checked_day(day)))


def _checked_day(day: Any) -> str | None:
    if day is None or (isinstance(day, str) and re.fullmatch(r"\{\{[\w .()'\-,|]+\}\}", day)):
        return day
    return parse_day(day, name="day").isoformat()


def _athena(table: _Table) -> str:
    properties = {
        "projection.enabled": "true",
        "projection.day.type": "date",
        "projection.day.format": "yyyy-MM-dd",
        "projection.day.range": f"{_FIRST_DAY},NOW",
    }
    if table.account_sids:
        properties["projection.account.type"] = "enum"
        properties["projection.account.values"] = ",".join(table.account_sids)
    folders = "/".join(f"{name}=${{{name}}}" for name in table.partitions)
    properties["storage.location.template"] = f"{table.location}/{folders}"
    partitions = ", ".join(f"`{name}` {'date' if name == 'day' else 'string'}" for name in table.partitions)
    return (
        f"CREATE EXTERNAL TABLE IF NOT EXISTS {_quoted(table.name, '`')} (\n{table.column_lines(_STANDARD, '`')}\n)\n"
        f"PARTITIONED BY ({partitions})\n"
        "STORED AS PARQUET\n"
        f"LOCATION '{table.location}/'\n"
        "TBLPROPERTIES (\n" + ",\n".join(f"  '{key}' = '{value}'" for key, value in properties.items()) + "\n);\n"
    )


def _bigquery(table: _Table) -> str:
    partitions = ", ".join(f"`{name}` {'DATE' if name == 'day' else 'STRING'}" for name in table.partitions)
    return (
        f"CREATE EXTERNAL TABLE IF NOT EXISTS {_quoted(table.name, '`')} (\n{table.column_lines(_BIGQUERY, '`')}\n)\n"
        f"WITH PARTITION COLUMNS ({partitions})\n"
        "OPTIONS (\n"
        "  format = 'PARQUET',\n"
        f"  uris = ['{table.location}/*.parquet'],\n"
        f"  hive_partition_uri_prefix = '{table.location}'\n"
        ");\n"
    )


def _duckdb(table: _Table) -> str:
    types = ", ".join(f"'{name}': {'DATE' if name == 'day' else 'VARCHAR'}" for name in table.partitions)
    return (
        f"CREATE OR REPLACE VIEW {_quoted(table.name)} AS\n"
        "SELECT * FROM read_parquet(\n"
        f"  '{table.location}/**/*.parquet',\n"
        f"  hive_partitioning = true, hive_types = {{{types}}}, union_by_name = true\n"
        ");\n"
    )


def _redshift(table: _Table) -> str:
    partitions = ", ".join(f'"{name}" {"date" if name == "day" else "varchar(34)"}' for name in table.partitions)
    name = _quoted(table.name)
    create = (
        f"CREATE EXTERNAL TABLE {name} (\n{table.column_lines(_REDSHIFT, chr(34))}\n)\n"
        f"PARTITIONED BY ({partitions})\n"
        "STORED AS PARQUET\n"
        f"LOCATION '{table.location}/';\n"
    )
    if table.day is None:
        return create
    return create + "".join(
        f"ALTER TABLE {name} ADD IF NOT EXISTS PARTITION ("
        + (f"\"account\" = '{account}', " if account else "")
        + f"\"day\" = '{table.day}')\n"
        f"LOCATION '{table.location}/{f'account={account}/' if account else ''}day={table.day}/';\n"
        for account in table.account_sids or ("",)
    )


def _snowflake(table: _Table) -> str:
    name, lines = _quoted(table.name), table.column_lines(_SNOWFLAKE, '"')
    location = re.sub(r"^gs://", "gcs://", table.location)
    source = location if location.startswith("@") else f"'{location}"
    quote = "" if location.startswith("@") else "'"
    create = f'CREATE TABLE IF NOT EXISTS {name} (\n{lines},\n  "_file" VARCHAR\n);\n'
    copy = (
        f"COPY INTO {name}\n"
        f"FROM {source}/{quote}\n"
        "{pattern}"
        "FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE)\n"
        "MATCH_BY_COLUMN_NAME = CASE_SENSITIVE\n"
        'INCLUDE_METADATA = ("_file" = METADATA$FILENAME){force};\n'
    )
    if table.day is None:
        return create + copy.replace("{pattern}", "PATTERN = '.*[.]parquet'\n").replace("{force}", "")
    pattern = f"PATTERN = '.*/day={table.day}/.*[.]parquet'\n"
    return (
        f"{create}BEGIN;\n"
        f"DELETE FROM {name} WHERE \"_file\" LIKE '%/day={table.day}/%';\n"
        f"{copy.replace('{pattern}', pattern).replace('{force}', chr(10) + 'FORCE = TRUE')}"
        "COMMIT;\n"
    )


def _spark(table: _Table) -> str:
    columns = table.column_lines(_STANDARD, "`")
    partitions = ",\n".join(f"  `{name}` {'date' if name == 'day' else 'string'}" for name in table.partitions)
    name = _quoted(table.name, "`")
    return (
        f"CREATE TABLE IF NOT EXISTS {name} (\n{columns},\n{partitions}\n)\n"
        "USING PARQUET\n"
        f"PARTITIONED BY ({', '.join(f'`{each}`' for each in table.partitions)})\n"
        f"LOCATION '{table.location}';\n"
        f"MSCK REPAIR TABLE {name};\n"
    )


def _quoted(name: str, quote: str = '"') -> str:
    return ".".join(f"{quote}{part}{quote}" for part in name.split("."))


_DIALECTS: dict[str, Callable[[_Table], str]] = {
    "athena": _athena,
    "bigquery": _bigquery,
    "duckdb": _duckdb,
    "redshift": _redshift,
    "snowflake": _snowflake,
    "spark": _spark,
}
