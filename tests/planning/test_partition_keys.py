"""Partition keys that Airflow and users make are parsed, or the error says what to pass."""

from __future__ import annotations

from datetime import datetime, timezone
from importlib import import_module
from typing import Any

import pendulum
import pytest

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.planning.partition_keys import days_of_key

MOMENT = datetime(2026, 11, 20, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("key", "days"),
    [
        ("2026-11-20", "2026-11-20"),
        (" 2026-11-20 ", "2026-11-20"),
        ("2026-11-20T00:00:00", "2026-11-20"),
        ("2026-11-20T06:30:00", "2026-11-20"),
        ("2026-11-20 00:00:00", "2026-11-20"),
        ("2026-11-20T00:00", "2026-11-20"),
        ("2026-11-20T00:00:00.000000", "2026-11-20"),
        ("2026-11-20T00:00:00+00:00", "2026-11-20"),
        ("2026-11-20T00:00:00+01:00", "2026-11-19"),
        ("2026-11-20T00:00:00Z", "2026-11-20"),
        ("2026-10", "2026-10-01 to 2026-10-31"),
        ("2026-12", "2026-12-01 to 2026-12-31"),
        ("2024-02", "2024-02-01 to 2024-02-29"),
        (MOMENT, "2026-11-20"),
    ],
)
def test_day_and_month_keys_are_parsed(key: object, days: str) -> None:
    assert str(days_of_key(key)) == days


@pytest.mark.parametrize(
    "key",
    [
        "2026-W47",
        "2026-11-16 (W47)",
        "2026-Q4",
        "2026",
        "2026-11-20T05",
        "2026-13",
        "2026-00",
        "9999-12",
        "0000-01",
        "2026-02-30",
        "2026-11-20T25:00:00",
        "20261120",
        "2026-11-20|eu",
        "eu-west",
        "",
        "x" * 5000,
        7,
        None,
        {"day": "2026-11-20"},
    ],
    ids=lambda key: str(key)[:20],
)
def test_any_other_key_is_an_error_that_says_what_to_pass(key: object) -> None:
    with pytest.raises(BulkExportsInputError, match=r"is not a day .* pass start_day and end_day") as refusal:
        days_of_key(key)

    assert "key_format='%Y-%m-%d'" in str(refusal.value)
    assert len(str(refusal.value)) < 1000


def made_by_airflow() -> list[Any]:
    """Keys of Airflow's own timetable and mappers, each with its days; ``None`` for a key that is not supported."""
    mappers = pytest.importorskip("airflow.partition_mappers.temporal")
    timetable = import_module("airflow.timetables.trigger").CronPartitionTimetable("0 0 * * *", timezone="UTC")
    key = timetable._format_key(pendulum.instance(MOMENT))
    names = {
        "StartOfDayMapper": "2026-11-20",
        "StartOfMonthMapper": "2026-11-01 to 2026-11-30",
        "StartOfHourMapper": None,
        "StartOfWeekMapper": None,
        "StartOfQuarterMapper": None,
        "StartOfYearMapper": None,
    }
    made = [(key, "2026-11-20")]
    for name, days in names.items():
        if mapper := getattr(mappers, name, None):
            made.append((mapper().to_downstream(key), days))
    return made


def test_keys_made_by_airflow_are_parsed() -> None:
    keys = made_by_airflow()

    assert len(keys) > 3
    for key, days in keys:
        if days is None:
            with pytest.raises(BulkExportsInputError, match="is not a day"):
                days_of_key(key)
        else:
            assert str(days_of_key(key)) == days
