"""Content of day files: reproducible, realistic, of any size."""

from __future__ import annotations

import gzip
import json
import time
import zlib
from collections.abc import Iterable
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.simulator import Knobs, SimulatedClock, Simulator
from airflow_provider_bulkexports.simulator.service import records
from airflow_provider_bulkexports.simulator.service.records import (
    BLOCK_RECORDS,
    day_content,
    day_records,
    empty_content,
)
from airflow_provider_bulkexports.tables.statistics import should_have_price

ACCOUNT = "AC" + "0" * 32
DAY = date(2026, 11, 1)


def read(resource_type: ResourceType, count: int = 300) -> list[dict[str, Any]]:
    return list(day_records(7, ACCOUNT, resource_type, DAY, count))


def text_of(pieces: Iterable[bytes]) -> str:
    return gzip.decompress(b"".join(pieces)).decode()


@pytest.mark.parametrize("resource_type", ResourceType)
def test_file_has_one_record_per_line(resource_type: ResourceType) -> None:
    content = day_content(7, ACCOUNT, resource_type, DAY, 300)
    lines = text_of(content.read()).splitlines()
    assert [json.loads(line) for line in lines] == read(resource_type)
    assert content.records == 300
    assert content.size == len(b"".join(content.read()))


@pytest.mark.parametrize("resource_type", ResourceType)
def test_timestamps_are_of_the_exported_day(resource_type: ResourceType) -> None:
    for record in read(resource_type):
        stamps = [value for name, value in record.items() if name.startswith("date_") or name.endswith("_time")]
        assert len(stamps) >= 2
        assert all(stamp.startswith("2026-11-01T") and stamp.endswith("Z") for stamp in stamps)
        assert record["date_created"] <= record["date_updated"]
        assert record["account_sid"] == ACCOUNT


def test_bytes_depend_on_seed_account_type_and_day_only() -> None:
    def made(*key: Any) -> bytes:
        records._member.cache_clear()
        content = b"".join(day_content(*key).read())
        assert content[4:8] == bytes(4), "gzip's header holds the time of making"
        return content

    key = (7, ACCOUNT, ResourceType.CALLS, DAY, 20)
    others = [
        (8, *key[1:]),
        (7, "AC" + "1" * 32, *key[2:]),
        (*key[:2], ResourceType.MESSAGES, *key[3:]),
        (*key[:3], date(2026, 11, 2), 20),
    ]
    assert made(*key) == made(*key)
    assert all(made(*other) != made(*key) for other in others)


def test_messages_have_the_observed_types() -> None:
    messages = read(ResourceType.MESSAGES)
    assert len({message["sid"] for message in messages}) == 300
    for message in messages:
        assert message["sid"][:2] in ("SM", "MM")
        assert len(message["sid"]) == 34
        assert message["from"].startswith("+1500555")
        assert message["to"].startswith("+1500555")
        assert isinstance(message["num_segments"], int)
        assert isinstance(message["num_media"], int)
        assert message["start"] == "2026-11-01"
        assert isinstance(message.get("price", ""), str)
        assert not {"uri", "price_unit", "api_version", "error_message", "subresource_uris"} & set(message)
    assert {0, None} < {message["error_code"] for message in messages}
    assert any("price" not in message for message in messages)
    assert any(not message["body"].isascii() for message in messages)


def test_other_resource_types_have_their_fields() -> None:
    (call,) = read(ResourceType.CALLS, 1)
    (conference,) = read(ResourceType.CONFERENCES, 1)
    (participant,) = read(ResourceType.PARTICIPANTS, 1)
    assert call["sid"][:2] == "CA"
    assert isinstance(call["duration"], int)
    assert call["start_time"] <= call["end_time"]
    assert conference["sid"][:2] == "CF"
    assert conference["region"] == "us1"
    assert "api_version" not in conference
    assert "sid" not in participant
    assert "label" not in participant
    assert participant["call_sid"][:2] == "CA"
    assert participant["conference_sid"][:2] == "CF"


def test_many_records_repeat_a_block() -> None:
    content = day_content(7, ACCOUNT, ResourceType.CONFERENCES, DAY, 2 * BLOCK_RECORDS + 3)
    lines = text_of(content.read()).splitlines()
    assert len(lines) == 2 * BLOCK_RECORDS + 3
    assert lines[:BLOCK_RECORDS] == lines[BLOCK_RECORDS : 2 * BLOCK_RECORDS]


def test_any_part_of_a_file_can_be_read() -> None:
    content = day_content(7, ACCOUNT, ResourceType.CONFERENCES, DAY, BLOCK_RECORDS + 3)
    whole = b"".join(content.read())
    edge = len(content.block)
    for start, stop in ((0, 10), (edge - 5, edge + 5), (edge, None), (5, len(whole) + 100), (9, 9)):
        assert b"".join(content.read(start, stop, chunk_size=7)) == whole[start:stop]


def test_huge_file_needs_little_time_and_memory() -> None:
    began = time.monotonic()
    content = day_content(7, ACCOUNT, ResourceType.MESSAGES, DAY, 0, least_bytes=2**31)
    assert content.size >= 2**31
    assert len(content.block) < 16 * 2**20
    assert content.records == content.repeats * BLOCK_RECORDS
    first = next(content.read())
    assert json.loads(zlib.decompressobj(31).decompress(first).splitlines()[0])["start"] == "2026-11-01"
    assert time.monotonic() - began < 10


def test_empty_file_is_an_empty_gzip_or_zero_bytes() -> None:
    assert text_of(empty_content(zero_bytes=False).read()) == ""
    assert b"".join(empty_content(zero_bytes=True).read()) == b""


def test_number_of_records_is_set_by_knob_or_by_day() -> None:
    simulator = Simulator(records_per_day=4)
    simulator.state.set_record_count("Calls", DAY, 2)
    simulator.create_job("Calls", "2026-11-01", "2026-11-02")
    simulator.finish_jobs()
    assert {file.day.day: file.records for file in simulator.state.day_files} == {1: 2, 2: 4}


def exported(simulator: Simulator, resource_type: str) -> list[dict[str, Any]]:
    """Records of the newest file of 2026-11-01."""
    simulator.create_job(resource_type, DAY.isoformat(), DAY.isoformat())
    simulator.finish_jobs()
    file = simulator.state.day_files[-1]
    content = file.content(simulator.knobs)
    assert content.size == file.size(simulator.knobs)
    return [json.loads(line) for line in text_of(content.read()).splitlines()]


def lacks_price(record: dict[str, Any]) -> bool:
    return should_have_price(record["status"], record["direction"]) and record.get("price") is None


@pytest.mark.parametrize("resource_type", ["Messages", "Calls"])
def test_late_prices_are_in_later_files_only(resource_type: str) -> None:
    """The end of the day is 00:00 of 2026-11-02; its prices follow a day and a half later."""
    clock = SimulatedClock(start=datetime(2026, 11, 3, 11, tzinfo=timezone.utc), speed=0)
    simulator = Simulator(clock=clock, knobs=Knobs(price_delay_days=1.5, records_per_day=300))
    simulator.knobs.queue_seconds = simulator.knobs.seconds_per_day_run = 0

    early = exported(simulator, resource_type)
    clock.advance(timedelta(hours=1))
    late = exported(simulator, resource_type)

    assert 50 < sum(map(lacks_price, early)) < 200
    assert not any(map(lacks_price, late))
    assert [record | {"price": None} for record in early] == [record | {"price": None} for record in late]
