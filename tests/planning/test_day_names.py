"""Days have short names that people recognise."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_bulkexports.planning.day_names import name_of_days


def days(start: str, end: str) -> list[date]:
    first, last = date.fromisoformat(start), date.fromisoformat(end)
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


@pytest.mark.parametrize(
    ("start", "end", "name"),
    [
        ("2024-09-01", "2024-09-30", "2024-09"),
        ("2024-02-01", "2024-02-29", "2024-02"),
        ("2023-02-01", "2023-02-28", "2023-02"),
        ("2024-02-01", "2024-02-28", "2024-02-01 to 2024-02-28"),
        ("2024-12-01", "2024-12-31", "2024-12"),
        ("2024-01-01", "2024-12-31", "2024"),
        ("2024-09-03", "2024-09-03", "2024-09-03"),
        ("2024-09-03", "2024-10-02", "2024-09-03 to 2024-10-02"),
        ("2024-09-01", "2024-10-31", "2024-09-01 to 2024-10-31"),
        ("2024-02-01", "2025-01-31", "2024-02-01 to 2025-01-31"),
        ("2023-12-01", "2024-12-31", "2023-12-01 to 2024-12-31"),
        ("9999-12-01", "9999-12-31", "9999-12-01 to 9999-12-31"),
    ],
)
def test_a_range_has_a_short_name(start: str, end: str, name: str) -> None:
    assert name_of_days(days(start, end)) == name


def test_several_ranges_are_listed_up_to_three() -> None:
    three = [*days("2024-09-01", "2024-09-30"), *days("2024-10-05", "2024-10-05"), *days("2025-01-01", "2025-12-31")]

    assert name_of_days(three) == "2024-09, 2024-10-05, 2025"
    assert name_of_days([*three, date(2026, 5, 1)]) == "2024-09-01 to 2026-05-01 (397 days)"


def test_no_days_have_no_name() -> None:
    assert name_of_days([]) == ""


@given(st.lists(st.dates(date(2000, 1, 1), date(2030, 1, 1)), min_size=1, max_size=40))
def test_names_are_short_and_independent_of_order(some: list[date]) -> None:
    """Airflow stores at most 250 characters."""
    name = name_of_days(some)

    assert 0 < len(name) <= 80
    assert name == name_of_days([*reversed(some), *some])
