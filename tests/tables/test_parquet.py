"""A day file becomes a typed table, and nothing of it is lost, whatever its lines hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_bulkexports.exceptions import BulkExportsResponseError
from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.tables.column_rules import ColumnRules
from airflow_provider_bulkexports.tables.columns import columns_of
from airflow_provider_bulkexports.tables.records import Block, RecordReader

from .conftest import Converted, lines_of, messages

pa = pytest.importorskip("pyarrow")
from airflow_provider_bulkexports.tables import parquet  # noqa: E402

Convert = Callable[..., Converted]

WHEN = datetime(2024, 5, 1, 22, 21, 20, tzinfo=timezone.utc)


def test_values_have_the_types_of_their_columns(convert: Convert) -> None:
    (record,) = messages(1)
    record.update(price="-0.00750", date_sent="2024-05-01T22:21:20Z", flags=65618)

    (row,) = convert(lines_of([record])).rows

    assert row["price"] == Decimal("-0.0075")
    assert row["date_sent"] == WHEN
    assert (row["sid"], row["flags"], row["num_segments"]) == (record["sid"], 65618, record["num_segments"])
    assert row["_rescued"] is None


@pytest.mark.parametrize("kind", [kind.value for kind in ResourceType])
def test_empty_day_is_a_file_of_the_full_schema(convert: Convert, kind: str) -> None:
    import pyarrow.parquet as pq

    empty = convert([], kind=kind)

    assert empty.statistics.records == 0
    assert pq.read_schema(empty.file).equals(parquet.arrow_schema(ResourceType(kind)))


#: Fields of one record, and what is rescued of them.
ODD = {
    "unknown field": ({"region": "ie1"}, {"region": "ie1"}),
    "unknown field of ISO text": ({"seen": "2024-05-01T22:21:20Z"}, {"seen": "2024-05-01T22:21:20Z"}),
    "number as text": ({"num_segments": "1"}, {"num_segments": "1"}),
    "text as number": ({"body": 12}, {"body": 12}),
    "price with nine decimals": ({"price": "-0.123456789"}, {"price": "-0.123456789"}),
    "price too large": ({"price": "99999999999"}, {"price": "99999999999"}),
    "price that rounds to 0": ({"price": "1e-50"}, {"price": "1e-50"}),
    "moment in the year 0": ({"date_sent": "0000-05-01T22:21:20Z"}, {"date_sent": "0000-05-01T22:21:20Z"}),
    "moment that an offset moves to year 1": ({"date_sent": "0000-12-31T23:59:00-05:30"},) * 2,
    "moment after year 9999": ({"date_sent": "9999-12-31T23:59:00-05:30"},) * 2,
    "price that is not a number": ({"price": "n/a"}, {"price": "n/a"}),
    "date of RFC 2822": ({"date_sent": "Wed, 01 May 2024 22:21:20 +0000"},) * 2,
    "nanoseconds": ({"date_sent": "2024-05-01T22:21:20.123456789Z"},) * 2,
    "body as object": ({"body": {"text": "hi"}}, {"body": {"text": "hi"}}),
    "number too large": ({"num_segments": 2**40}, {"num_segments": 2**40}),
    "float in an integer": ({"num_segments": 1.0}, {"num_segments": 1.0}),
    "bool in an integer": ({"num_segments": True}, {"num_segments": True}),
    "lone surrogate": ({"body": "\ud83d"}, {"body": "\ud83d"}),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_value_is_rescued_and_leaves_the_other_columns_alone(convert: Convert, name: str) -> None:
    odd, rescued = ODD[name]
    records = messages(3)
    clean = convert(lines_of(records)).rows

    result = convert(lines_of([records[0], {**records[1], **odd}, records[2]]))

    assert [result.rows[0], result.rows[2]] == [clean[0], clean[2]]
    assert result.rescued == [None, rescued, None]
    assert {key: value for key, value in result.rows[1].items() if key not in odd and key != "_rescued"} == {
        key: value for key, value in clean[1].items() if key not in odd and key != "_rescued"
    }
    assert all(result.rows[1].get(key) is None for key in odd)
    assert (result.statistics.records, result.statistics.rescued) == (3, 1)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-05-01T22:21:20.250Z", WHEN.replace(microsecond=250_000)),
        ("2024-05-01T22:21:20+00:00", WHEN),
        ("2024-05-02T00:21:20+02:00", WHEN),
        ("2024-05-01T22+0000", WHEN.replace(minute=0, second=0)),
    ],
)
def test_moment_is_read_whatever_its_fraction_and_offset(convert: Convert, text: str, moment: datetime) -> None:
    record = {**messages(1)[0], "date_sent": text}

    (at_once,) = convert(lines_of([record])).rows
    (by_line,) = convert(lines_of([{**record, "new": 1}])).rows

    assert at_once["date_sent"] == by_line["date_sent"] == moment


def test_field_given_twice_keeps_both_values(convert: Convert) -> None:
    first, second = lines_of(messages(2))
    twice = second[:-1] + b', "body": "another"}'

    result = convert([first, twice])

    assert result.rows[1]["body"] is None
    assert result.rescued[1] == {"body": [json.loads(second)["body"], "another"]}


def test_field_given_twice_with_one_value_is_that_value(convert: Convert) -> None:
    (line,) = lines_of(messages(1))
    body = json.loads(line)["body"]

    result = convert([line[:-1] + f', "body": {json.dumps(body)}}}'.encode()])

    assert (result.rows[0]["body"], result.rescued) == (body, [None])


@pytest.mark.parametrize("line", [b"[1, 2]", b"null", b"12", b'"text"', b"true"])
@pytest.mark.parametrize("place", [0, 1])
def test_line_that_is_not_an_object_is_rescued_whole(convert: Convert, line: bytes, place: int) -> None:
    """pyarrow's reader ends the process at a first line of ``null``, and takes a later one for a record of nulls."""
    lines = lines_of(messages(2))
    lines.insert(place, line)

    result = convert(lines)

    assert [row["_rescued"] for row in result.rows] == [
        line.decode() if number == place else None for number in range(3)
    ]


@pytest.mark.parametrize(
    "broken",
    [
        b'{"sid": "SM1"',
        b'{"sid": "SM1"}{"sid": "SM2"}',
        b'{"sid": "SM1"}null{"sid": "SM2"}',
        b'{"sid": NaN}',
        b'{"sid": "\xff"}',
        b'{"sid": "SM1"}\r{"sid": "SM2"}',
        b"x",
        b"[" * 100_000,
    ],
    ids=["cut", "two", "three", "NaN", "not UTF-8", "carriage return", "word", "deep"],
)
def test_broken_line_fails_the_day_and_is_named(convert: Convert, broken: bytes) -> None:
    lines = lines_of(messages(3))
    lines.insert(2, broken)

    with pytest.raises(BulkExportsResponseError, match=r"line 3 of the file is (not JSON|nested too deeply)"):
        convert(lines)


def test_numbers_of_lines_count_those_that_were_read_at_once(convert: Convert, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_bulkexports.tables.records._BLOCK", 2000)
    lines = lines_of(messages(50))

    with pytest.raises(BulkExportsResponseError, match="line 51 of"):
        convert([*lines, b"{"])


def test_line_of_20_megabytes_arrives(convert: Convert) -> None:
    records = messages(3)
    records[1]["body"] = "x" * 20_000_000

    result = convert(lines_of(records))

    assert [len(row["body"]) for row in result.rows] == [len(record["body"]) for record in records]


def test_blank_lines_are_not_records(convert: Convert) -> None:
    first, second = lines_of(messages(2))

    result = convert([b"", first, b"  ", b"\r", second + b"\r"])

    assert [row["sid"] for row in result.rows] == [json.loads(first)["sid"], json.loads(second)["sid"]]
    assert (result.statistics.records, result.statistics.blank_lines) == (2, 2)


def test_file_of_many_groups_has_every_record_in_order(convert: Convert, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "ROWS_OF_A_GROUP", 100)
    monkeypatch.setattr("airflow_provider_bulkexports.tables.records._BLOCK", 10_000)
    records = messages(555)
    records[300]["new"] = 1

    result = convert(lines_of(records))

    import pyarrow.parquet as pq

    assert [row["sid"] for row in result.rows] == [record["sid"] for record in records]
    assert pq.ParquetFile(result.file).num_row_groups == 6


def test_figures_of_prices_and_sids(convert: Convert) -> None:
    base = {"status": "delivered", "direction": "outbound-api", "sid": "SM" + "0" * 32}
    records = [
        {**base, "price": "-0.5"},
        {**base, "price": "-0.25"},
        {**base, "price": None, "sid": "SM" + "1" * 32},
        {**base, "sid": "odd"},
        {**base, "sid": "odd", "price": "n/a"},
        {**base, "status": "queued", "sid": None},
        {**base, "direction": "inbound", "sid": "SM" + "2" * 32},
        {"sid": "SM" + "3" * 32},
    ]

    statistics = convert(lines_of(records)).statistics

    assert (statistics.price_total, statistics.prices_missing, statistics.prices_due) == (Decimal("-0.75"), 2, 5)
    assert statistics.duplicate_sids == 2


def test_types_without_prices_have_no_figures_of_them(convert: Convert) -> None:
    statistics = convert([b'{"call_sid": "CA1"}'], kind="Participants").statistics

    assert (statistics.price_total, statistics.prices_missing, statistics.duplicate_sids) == (None, None, None)
    assert statistics.prices_due is None


TEXTS = st.one_of(
    st.text(max_size=12),
    st.from_regex(r"\d{1,4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?)?(Z|[+-]\d\d(:?\d\d)?)?", fullmatch=True),
    st.from_regex(r"[+-]?[0-9]{0,12}\.?[0-9]{0,10}([eE][+-]?[0-9]{1,3})?", fullmatch=True),
    st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
    st.decimals(allow_nan=False, allow_infinity=False, places=8).map(str),
)
VALUES = st.one_of(
    TEXTS, st.none(), st.booleans(), st.integers(), st.integers(-10, 2**33), st.floats(allow_nan=False), st.just([])
)
COLUMNS = columns_of(ResourceType.MESSAGES)
PARTICIPANT_COLUMNS = columns_of(ResourceType.PARTICIPANTS)


@pytest.mark.parametrize("kind", [ResourceType.MESSAGES, ResourceType.PARTICIPANTS], ids=str)
@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_is_read_at_once_is_what_is_read_by_line(kind: ResourceType, data: Any) -> None:
    """A value must not depend on its neighbours: on whether their block fits the schema."""
    columns = columns_of(kind)
    names = st.sampled_from([column.name for column in columns])
    line = json.dumps(data.draw(st.dictionaries(names, VALUES, min_size=1, max_size=3))).encode()
    conversion = parquet._Conversion(columns, ColumnRules(), parquet.arrow_schema(kind))
    memory = bytearray(line + b"\n")

    table = conversion._read_at_once(Block(memory, len(memory)))

    if table is not None:
        record = RecordReader(columns, ColumnRules()).read(line, 1)
        assert record.rescued is None
        (row,) = table.to_pylist()
        assert {name: value for name, value in row.items() if value is not None} == record.values


def test_the_file_is_no_larger_than_the_gzip_file(convert: Convert, tmp_path: Path) -> None:
    result = convert(lines_of(messages(20_000)))

    assert result.file.stat().st_size <= (tmp_path / "day.json.gz").stat().st_size


@pytest.mark.parametrize(
    "sids",
    [
        [f"SM{number:032x}" for number in range(300)],
        [f"SM{number:016x}{0:016x}" for number in range(300)],
        [f"SM{digit * 32}" for digit in "0123456789abcdef"],
    ],
    ids=["last digits", "first digits", "one digit"],
)
def test_different_sids_are_no_duplicates(convert: Callable[..., Converted], sids: list[str]) -> None:
    lines = [json.dumps({"sid": sid}).encode() for sid in sids]

    assert convert(lines).statistics.duplicate_sids == 0
    assert convert([*lines, lines[0]]).statistics.duplicate_sids == 1


def test_lines_of_white_space_are_no_records(convert: Callable[..., Converted]) -> None:
    assert convert([b'{"sid": "SM1"}', b"   ", b"", b"\t"]).statistics.records == 1
