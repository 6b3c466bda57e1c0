"""Days are UTC days, a range includes both its ends, and a day is exportable two days later."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_bulkexports.exceptions import BulkExportsInputError, DayNotExportableError
from airflow_provider_bulkexports.model.days import DayRange, check_exportable, exportable_at, parse_day

EAST, WEST = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2026-01-31", date(2026, 1, 31)),
        (" 2026-01-31\n", date(2026, 1, 31)),
        (date(2026, 1, 31), date(2026, 1, 31)),
        (pendulum.date(2026, 1, 31), date(2026, 1, 31)),
        (datetime(2026, 1, 31, 23, 59, tzinfo=timezone.utc), date(2026, 1, 31)),
        (datetime(2026, 1, 31, 13, tzinfo=EAST), date(2026, 1, 30)),
        (datetime(2026, 1, 31, 13, tzinfo=WEST), date(2026, 2, 1)),
        (pendulum.datetime(2026, 1, 31, tz="America/New_York"), date(2026, 1, 31)),
        ("2026-01-31T00:00:00+00:00", date(2026, 1, 31)),
        ("2026-01-31 00:00:00.123456+00:00", date(2026, 1, 31)),
        ("2026-01-31T13:00:00+14:00", date(2026, 1, 30)),
        ("2026-01-31T00:00Z", date(2026, 1, 31)),
        ("2024-02-29", date(2024, 2, 29)),
    ],
)
def test_day_is_parsed_as_its_utc_day(value: Any, day: date) -> None:
    parsed = parse_day(value)
    assert parsed == day
    assert type(parsed) is date


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("", "is not a day: write it as YYYY-MM-DD"),
        ("2026-1-31", "is not a day: write it as YYYY-MM-DD"),
        ("20260131", "is not a day: write it as YYYY-MM-DD"),
        ("31.01.2026", "is not a day: write it as YYYY-MM-DD"),
        ("now", "is not a day: write it as YYYY-MM-DD"),
        (None, "is not a day: write it as YYYY-MM-DD"),
        (1738281600, "is not a day: write it as YYYY-MM-DD"),
        (["2026-01-31"], "is not a day: write it as YYYY-MM-DD"),
        ("2026-02-29", "is not a valid date"),
        ("2026-00-10", "is not a valid date"),
        ("0000-01-01", "is not a valid date"),
        ("2026-01-31T25:00:00Z", "is not a valid date"),
        ("2026-01-31T00:00:00 nonsense", "is not a valid date"),
        ("2026-01-31T00:00:00", "has no time zone"),
        ("2026-01-31 00:00", "has no time zone"),
        (datetime(2026, 1, 31), "has no time zone"),
        ("0001-01-01T00:00:00+05:00", "is not a valid date"),
        (datetime.max.replace(tzinfo=WEST), "is not a valid date"),
        ("2026-01-31T00:00Z/2026-02-01T00:00Z", "is not a day"),
    ],
)
def test_invalid_day_error_names_the_argument(value: Any, words: str) -> None:
    with pytest.raises(BulkExportsInputError) as caught:
        parse_day(value, name="first_day")
    assert str(caught.value).startswith("first_day ")
    assert words in str(caught.value)


@given(value=st.text() | st.from_regex(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}.*)?", fullmatch=True))
def test_text_is_a_day_or_an_input_error(value: str) -> None:
    try:
        day = parse_day(value)
    except BulkExportsInputError:
        return
    assert type(day) is date


@given(moment=st.datetimes(timezones=st.timezones()))
def test_moment_counts_as_its_utc_day(moment: datetime) -> None:
    try:
        expected = moment.astimezone(timezone.utc).date()
    except OverflowError:
        return
    assert parse_day(moment) == expected


@given(start=st.dates(), length=st.integers(1, 400))
def test_range_contains_every_day_from_start_to_end(start: date, length: int) -> None:
    try:
        end = start + timedelta(days=length - 1)
    except OverflowError:
        return
    days = DayRange(start, end)
    listed = list(days)
    assert len(days) == len(listed) == len(set(listed)) == length
    assert (listed[0], listed[-1]) == (start, end)
    assert all(day in days for day in listed)
    assert DayRange.parse(start, end.isoformat()) == days


def test_range_contains_only_its_days() -> None:
    days = DayRange(date(2026, 1, 2), date(2026, 1, 3))
    outside = [
        date(2026, 1, 1),
        date(2026, 1, 4),
        "2026-01-02",
        None,
        datetime(2026, 1, 2),
        pendulum.datetime(2026, 1, 2),
    ]
    assert not any(thing in days for thing in outside)
    assert pendulum.date(2026, 1, 2) in days


def test_range_is_shown_as_text() -> None:
    assert str(DayRange.parse("2026-01-01", "2026-01-01")) == "2026-01-01"
    assert str(DayRange.parse("2026-01-01", "2026-01-02")) == "2026-01-01 to 2026-01-02"


def test_reversed_range_is_refused() -> None:
    with pytest.raises(BulkExportsInputError, match="start_day 2026-01-02 is after end_day 2026-01-01: swap them"):
        DayRange.parse("2026-01-02", "2026-01-01")


TODAY = date(2026, 11, 24)


@pytest.mark.parametrize("age", [2, 3, 400])
def test_day_is_exportable_two_days_later(age: int) -> None:
    check_exportable(TODAY - timedelta(days=age), today=TODAY)


@pytest.mark.parametrize("age", [1, 0, -1, -400])
def test_too_recent_day_error_says_when_exportable(age: int) -> None:
    day = TODAY - timedelta(days=age)
    with pytest.raises(DayNotExportableError) as caught:
        check_exportable(day, today=TODAY)
    assert (
        caught.value.exportable_at
        == exportable_at(day)
        == datetime(*day.timetuple()[:3], tzinfo=timezone.utc) + timedelta(2)
    )
    assert "use 2026-11-22 or earlier" in str(caught.value)


@pytest.mark.parametrize("day", [date.max, date.max - timedelta(days=1)])
def test_last_date_is_never_exportable(day: date) -> None:
    assert exportable_at(day) == datetime.max.replace(tzinfo=timezone.utc)
    with pytest.raises(DayNotExportableError):
        check_exportable(day, today=TODAY)


@pytest.mark.parametrize(
    "value",
    ["{'job_sids': ['JS0'], 'completed': []}", "['2026-01-01']", "('2026-01-01',)", "None", "null", "[" * 10_000],
)
def test_error_for_a_rendered_value_says_how_to_pass_it(value: str) -> None:
    with pytest.raises(BulkExportsInputError, match=r"wait\.output.*render_template_as_native_obj=True") as refusal:
        parse_day(value)

    assert len(str(refusal.value)) < 1000
