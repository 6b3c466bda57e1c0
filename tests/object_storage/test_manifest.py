"""A manifest says whether the stored file is the one that Twilio has now."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from airflow_provider_bulkexports.model.resources import ExportDay
from airflow_provider_bulkexports.object_storage.day_fetcher import generation_of, listed_sizes
from airflow_provider_bulkexports.object_storage.manifest import Manifest

ACCOUNT = "AC" + "0" * 32
WRITTEN = {
    "day": "2026-01-01",
    "bytes": 112,
    "records": 2,
    "sha256": "ab",
    "create_date": "2026-01-03",
    "resource_type": "Messages",
    "account_sid": ACCOUNT,
    "listed_size": 112,
    "friendly_name": "first",
}
EARLIER = {key: WRITTEN[key] for key in ("day", "bytes", "records", "sha256", "create_date")}


def listed(size: int = 112, created: str | None = "2026-01-03", name: str | None = "first") -> ExportDay:
    return ExportDay(date(2026, 1, 1), size, date.fromisoformat(created) if created else None, name)


def manifest(**changes: Any) -> Manifest:
    found = Manifest.from_json(WRITTEN | changes)
    assert found
    return found


@pytest.mark.parametrize(
    ("entry", "same"),
    [
        (listed(), True),
        (listed(size=0), True),
        (listed(created=None), True),
        (listed(name=None), True),
        (listed(size=102), False),
        (listed(created="2026-01-04"), False),
        (listed(name="second"), False),
    ],
)
def test_day_exported_again_is_another_file(entry: ExportDay, same: bool) -> None:
    assert manifest().is_newest_of([entry]) is same
    assert manifest().is_newest_of([listed(size=1), entry]) is same
    assert manifest().is_newest_of([]), "expired at Twilio, and stored"


def test_manifest_of_an_earlier_version_is_compared_by_its_fields() -> None:
    found = Manifest.from_json(EARLIER)
    assert found and not found.is_full
    assert found.is_newest_of([listed()])
    assert not found.is_newest_of([listed(size=102)])
    assert not found.is_newest_of([listed(created="2026-01-04")])


@pytest.mark.parametrize(
    "damage",
    [
        {"bytes": "112"},
        {"bytes": True},
        {"bytes": -1},
        {"bytes": 2**70},
        {"bytes": 112.0},
        {"records": None},
        {"records": "many"},
        {"sha256": 7},
        {"sha256": ["ab"]},
        {"day": 20260101},
    ],
)
def test_damaged_manifest_is_none(damage: dict[str, Any]) -> None:
    assert Manifest.from_json(WRITTEN | damage) is None


@pytest.mark.parametrize("value", [None, [], "text", 7, {}, {"error": "NoSuchKey"}])
def test_file_of_another_program_is_not_a_manifest(value: Any) -> None:
    assert Manifest.from_json(value) is None


def test_odd_values_of_optional_fields_are_unknown() -> None:
    found = manifest(
        account_sid="someone\nelse", resource_type="Faxes", listed_size="x", friendly_name=json.loads("{}")
    )

    assert (found.account_sid, found.resource_type, found.listed_size, found.friendly_name) == (None,) * 4


def test_file_is_the_newest_generation_of_its_size() -> None:
    first, second, third = listed(112, name="a"), listed(102, name="b"), listed(112, name="c")

    assert generation_of(112, [first, second, third]) is third
    assert generation_of(102, [first, second, third]) is second
    assert generation_of(5, [first, listed(0, name="d")]) == listed(0, name="d")
    assert generation_of(5, []) is None
    assert listed_sizes([first, second]) == [112, 102]
    assert listed_sizes([first, listed(0)]) == [], "any size may be that of the one without"


CHANGES = {"records_gained": 0, "records_lost": 2, "prices_filled": 7, "price_total_before": "-1.5"}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (CHANGES, CHANGES),
        (
            CHANGES | {"prices_filled": None, "price_total_before": 1.5},
            CHANGES | {"prices_filled": None, "price_total_before": None},
        ),
        (None, None),
        ("many", None),
        ({}, None),
        (CHANGES | {"records_lost": "2"}, None),
        (CHANGES | {"records_gained": -1}, None),
    ],
    ids=str,
)
def test_changes_are_read_as_far_as_they_make_sense(written: Any, read: Any) -> None:
    assert manifest(changes=written).changes == read
    assert manifest().changes is None
