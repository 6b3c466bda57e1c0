"""Table definitions are SQL of their dialect, quote every name, and agree with the files."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.tables.column_rules import ColumnRules
from airflow_provider_bulkexports.tables.columns import columns_of
from airflow_provider_bulkexports.tables.definitions import table_definition

from .conftest import messages

DIALECTS = ("athena", "bigquery", "duckdb", "redshift", "snowflake", "spark")
ACCOUNTS = ["AC" + digit * 32 for digit in "01"]
MANY = [{}, {"account_sids": ACCOUNTS}, {"day": "2026-01-01"}, {"day": "{{ ds }}"}, {"pii": "drop"}]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("kind", list(ResourceType), ids=str)
@pytest.mark.parametrize("arguments", MANY, ids=str)
def test_definition_parses(
    dialect: str, kind: ResourceType, arguments: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    sqlglot = pytest.importorskip("sqlglot")
    sql = table_definition(kind.value, dialect=dialect, location="s3://lake/twilio", **arguments)
    # What sqlglot takes for a command, unparsed, though each is in the vendor's reference.
    known = re.sub(r"WITH PARTITION COLUMNS \(.*\)\n|MSCK REPAIR TABLE .*;\n", "", sql)

    with caplog.at_level(logging.WARNING, logger="sqlglot"):
        first, *_ = sqlglot.parse(known, read=dialect)

    assert first.find(sqlglot.exp.Create) is not None
    assert not caplog.records


@pytest.mark.parametrize("dialect", [dialect for dialect in DIALECTS if dialect != "duckdb"])
@pytest.mark.parametrize("kind", list(ResourceType), ids=str)
def test_every_column_is_there_and_quoted(dialect: str, kind: ResourceType) -> None:
    sql = table_definition(kind.value, dialect=dialect, location="s3://lake/twilio")

    for name in [*(column.name for column in columns_of(kind)), "_rescued"]:
        assert re.search(rf"^  [`\"]{name}[`\"] ", sql, flags=re.MULTILINE)


def test_dropped_columns_are_not_defined() -> None:
    sql = table_definition("Messages", dialect="athena", location="s3://lake", pii="drop", drop_columns=["price"])

    assert not re.search("`(from|to|body|price)`", sql)


def test_day_that_is_stored_again_is_deleted_before_it_is_copied() -> None:
    sql = table_definition("Messages", dialect="snowflake", location="@lake", day="2026-01-01")

    assert "FROM @lake/resource_type=Messages/\n" in sql
    assert sql.index("DELETE FROM") < sql.index("COPY INTO") < sql.index("COMMIT")
    assert sql.count("day=2026-01-01/") == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"dialect": "oracle"}, "dialect 'oracle': write 'athena', 'bigquery'"),
        ({"location": "s3://lake'; DROP"}, "location"),
        ({"table": "a b"}, "table 'a b': write a name"),
        ({"account_sids": ["AC1"]}, "'AC1' is not an Account SID"),
        ({"day": "yesterday"}, "yesterday"),
        ({"resource_type": "messages"}, "write 'Messages'"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_bad_argument_is_refused_with_what_to_write(arguments: dict[str, Any], words: str) -> None:
    given = {"resource_type": "Messages", "dialect": "athena", "location": "s3://lake", **arguments}

    with pytest.raises(BulkExportsInputError) as refusal:
        table_definition(given.pop("resource_type"), **given)

    assert words in str(refusal.value)


@pytest.fixture
def lake(tmp_path: Path) -> tuple[Path, list[str]]:
    """Two accounts, three days, one of them empty; and the sids in it."""
    pytest.importorskip("pyarrow")
    import gzip

    from airflow_provider_bulkexports.tables.parquet import write_parquet

    sids: list[str] = []
    for account in ACCOUNTS:
        for day in ("2026-01-01", "2026-01-02", "2026-01-03"):
            records = messages(0 if day == "2026-01-02" else 3, day)
            for number, record in enumerate(records):
                record["sid"] = f"SM{len(sids):032x}"
                sids.append(record["sid"])
                record.pop("error_code" if number else "price", None)
            source = tmp_path / "day.json.gz"
            source.write_bytes(gzip.compress("".join(json.dumps(record) + "\n" for record in records).encode()))
            target = tmp_path / f"lake/resource_type=Messages/account={account}/day={day}/part-0.parquet"
            target.parent.mkdir(parents=True)
            write_parquet(source, target, ResourceType.MESSAGES, ColumnRules())
    return tmp_path / "lake", sids


def test_duckdb_reads_a_lake_by_its_definition(lake: tuple[Path, list[str]]) -> None:
    duckdb = pytest.importorskip("duckdb")
    folder, sids = lake
    database = duckdb.connect()

    database.execute(table_definition("Messages", dialect="duckdb", location=str(folder), account_sids=ACCOUNTS))

    rows = database.execute('SELECT sid, account, "day" FROM twilio_messages ORDER BY sid').fetchall()
    types = dict(database.execute("SELECT column_name, column_type FROM (DESCRIBE twilio_messages)").fetchall())
    assert [row[0] for row in rows] == sids
    assert {row[1] for row in rows} == set(ACCOUNTS)
    assert types["price"] == "DECIMAL(18,8)" and types["date_sent"] == "TIMESTAMP WITH TIME ZONE"
    assert types["day"] == "DATE" and types["num_segments"] == "INTEGER"


def test_polars_reads_a_lake_by_one_glob(lake: tuple[Path, list[str]]) -> None:
    polars = pytest.importorskip("polars")
    folder, sids = lake

    frame = polars.scan_parquet(f"{folder}/resource_type=Messages/**/*.parquet", hive_partitioning=True).collect()

    assert sorted(frame["sid"]) == sids
    assert frame.schema["price"] == polars.Decimal(18, 8)
    assert frame.schema["date_sent"] == polars.Datetime("us", "UTC")


def test_pyarrow_reads_a_lake_as_one_dataset(lake: tuple[Path, list[str]]) -> None:
    ds = pytest.importorskip("pyarrow.dataset")
    folder, sids = lake

    table = ds.dataset(folder, format="parquet", partitioning="hive").to_table()

    assert sorted(table.column("sid").to_pylist()) == sids
    assert {"resource_type", "account", "day"} <= set(table.schema.names)
