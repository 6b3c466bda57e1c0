"""Dropped and hashed columns, in both formats: nothing of them is left anywhere in the file."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_bulkexports.exceptions import BulkExportsResponseError
from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.tables.column_rules import ColumnRules
from airflow_provider_bulkexports.tables.json_lines import write_json_lines
from airflow_provider_bulkexports.tables.statistics import DayStatistics

from .conftest import lines_of, messages

MESSAGES = ResourceType.MESSAGES
NUMBER, SECRET = "+15005550123", "hunter2-4711"

#: Lines in which the number and the text may hide.
HIDING = [
    {"from": NUMBER, "to": "+1", "body": SECRET},
    {"from": "+1", "to": NUMBER, "body": {"text": SECRET}},
    {"from": {"number": NUMBER}, "to": [NUMBER], "body": [SECRET, 1]},
    {"from": "+1", "caller": NUMBER, "note": {"deep": [SECRET]}},
    {"from": None, "to": 15005550123, "body": f"{SECRET}\ud83d"},
]


def hiding_lines() -> list[bytes]:
    records = [{**record, **odd} for record, odd in zip(messages(len(HIDING)), HIDING, strict=True)]
    twice = f'{{"sid": "SM1", "body": "{SECRET}", "body": "{NUMBER}"}}'.encode()
    return [*lines_of(records), twice, json.dumps([NUMBER, SECRET]).encode(), json.dumps(SECRET).encode()]


@pytest.fixture(params=["parquet", "json"])
def converted(
    request: pytest.FixtureRequest, day_file: Callable[[Sequence[bytes]], Path], tmp_path: Path
) -> Callable[..., tuple[list[dict[str, Any]], bytes, DayStatistics]]:
    """Convert lines to the format: the rows, the file's content as text, and the figures."""

    def run(lines: Sequence[bytes], **rules: Any) -> tuple[list[dict[str, Any]], bytes, DayStatistics]:
        parsed, target = ColumnRules.parse(MESSAGES, **rules), tmp_path / "target"
        if request.param == "json":
            statistics = write_json_lines(day_file(lines), target, MESSAGES, parsed)
            text = gzip.decompress(target.read_bytes())
            return [json.loads(line) for line in text.splitlines()], text, statistics
        pq = pytest.importorskip("pyarrow.parquet")
        from airflow_provider_bulkexports.tables.parquet import write_parquet

        statistics = write_parquet(day_file(lines), target, MESSAGES, parsed)
        rows = pq.read_table(target).to_pylist()
        pq.write_table(pq.read_table(target), tmp_path / "plain", compression="none", use_dictionary=False)
        return rows, (tmp_path / "plain").read_bytes() + target.read_bytes() + str(rows).encode(), statistics

    return run


@pytest.mark.parametrize("new_fields", [None, "drop"])
def test_dropped_values_are_nowhere_in_the_file(converted: Callable[..., Any], new_fields: str | None) -> None:
    rows, content, statistics = converted(hiding_lines(), pii="drop", new_fields=new_fields)

    assert NUMBER.encode() not in content and SECRET.encode() not in content and b"15005550123" not in content
    assert len(rows) == statistics.records == len(HIDING) + 3
    assert not {"from", "to", "body"} & {name for row in rows for name in row}


def test_hashed_values_are_nowhere_in_the_file(converted: Callable[..., Any]) -> None:
    rows, content, _ = converted(hiding_lines(), pii="hash", hash_key="key")

    assert NUMBER.encode() not in content and SECRET.encode() not in content and b"15005550123" not in content
    number = ColumnRules.parse(MESSAGES, pii="hash", hash_key="key").hash(NUMBER)
    assert rows[0]["from"] == rows[1]["to"] == number


def test_null_is_not_hashed(converted: Callable[..., Any]) -> None:
    rows, _, _ = converted([b'{"sid": "SM1", "from": null}'], pii="hash", hash_key="key")

    assert rows[0]["from"] is None


def test_columns_that_are_not_hidden_stay_as_they_were(converted: Callable[..., Any]) -> None:
    lines = lines_of(messages(5))
    clean, _, _ = converted(lines)

    hidden, _, _ = converted(lines, pii="drop")

    assert hidden == [{key: row[key] for key in row if key not in ("from", "to", "body")} for row in clean]


def test_figures_do_not_depend_on_what_is_hidden(converted: Callable[..., Any]) -> None:
    lines = lines_of(messages(200))

    every = converted(lines)[2]
    some = converted(lines, drop_columns=["price", "status"], hash_columns=["direction"], hash_key="key")[2]

    assert (some.prices_missing, some.price_total) == (every.prices_missing, every.price_total)
    assert some.prices_due == every.prices_due
    assert every.prices_missing


def test_new_field_fails_the_day_if_asked_to(converted: Callable[..., Any]) -> None:
    lines = lines_of([*messages(2), {"sid": "SM1", "region": "ie1"}])

    with pytest.raises(BulkExportsResponseError, match="line 3 has a field that is not a column"):
        converted(lines, new_fields="fail")


def test_json_keeps_numbers_as_they_were_written(day_file: Callable[[Sequence[bytes]], Path], tmp_path: Path) -> None:
    line = b'{"sid": "SM1", "flags": 123456789012345678901, "price": 0.10, "body": "x", "body": "y"}'

    write_json_lines(day_file([line]), tmp_path / "out", MESSAGES, ColumnRules.parse(MESSAGES, drop_columns=["to"]))

    assert gzip.decompress((tmp_path / "out").read_bytes()) == line + b"\n"


def test_json_is_the_same_bytes_each_time(day_file: Callable[[Sequence[bytes]], Path], tmp_path: Path) -> None:
    source, rules = day_file(lines_of(messages(10))), ColumnRules.parse(MESSAGES, pii="drop")

    for name in ("one", "two"):
        write_json_lines(source, tmp_path / name, MESSAGES, rules)

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_new_field_is_dropped_if_that_is_all_that_is_asked_for(converted: Callable[..., Any]) -> None:
    _, content, _ = converted([b'{"sid": "SM1", "region": "a-new-field"}'], new_fields="drop")

    assert b"a-new-field" not in content
    assert ColumnRules.parse(MESSAGES, new_fields="drop").change_something, "the file has to be rewritten for it"
