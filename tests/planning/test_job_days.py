"""What one job's details say about each of its days, named or only counted."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_bulkexports.model.days import DayRange
from airflow_provider_bulkexports.model.details import DayStatus
from airflow_provider_bulkexports.model.resources import Job
from airflow_provider_bulkexports.planning.job_days import read_details

D1, D2, D3, D4 = (date(2026, 1, number) for number in (1, 2, 3, 4))
THREE = DayRange(D1, D3)
COMPLETED, EMPTY, FAILED = DayStatus.COMPLETED, DayStatus.COMPLETED_EMPTY_RECORDS, DayStatus.FAILED
RUNNING, DELETED = DayStatus.RUNNING, DayStatus.DELETED_BY_USER_REQUEST


def group(status: str, count: Any = None, days: Any = None) -> dict[str, Any]:
    return {"status": status, "count": count, "days": None if days is None else [str(day) for day in days]}


def read(*details: dict[str, Any], days: DayRange = THREE) -> tuple[dict[date, DayStatus], Any, int]:
    reading = read_details(Job.from_json({"details": list(details)}), days)
    return dict(reading.states), dict(reading.unnamed), reading.unaccounted


def test_no_details_leave_every_day_unaccounted() -> None:
    assert read() == ({}, {}, 3)
    assert read({}) == ({}, {}, 3)


def test_named_days_have_their_status() -> None:
    assert read(group("Completed", 2, [D1, D3]), group("Running", 1, [D2])) == (
        {D1: COMPLETED, D3: COMPLETED, D2: RUNNING},
        {},
        0,
    )


def test_days_missing_from_the_counts_are_unaccounted() -> None:
    assert read(group("Completed", 1, [D1])) == ({D1: COMPLETED}, {}, 2)
    assert read(group("Completed", 1)) == ({}, {COMPLETED: 1}, 2)


def test_single_counted_status_names_all_days() -> None:
    assert read(group("Completed", 3)) == (dict.fromkeys([D1, D2, D3], COMPLETED), {}, 0)


def test_counted_status_names_the_remaining_days() -> None:
    assert read(group("Completed", 2, [D1, D3]), group("Failed", 1)) == (
        {D1: COMPLETED, D3: COMPLETED, D2: FAILED},
        {},
        0,
    )
    assert read(group("Completed", 3, [D1])) == (dict.fromkeys([D1, D2, D3], COMPLETED), {}, 0)


def test_two_counted_statuses_name_no_day() -> None:
    assert read(group("Completed", 2), group("CompletedEmptyRecords", 1)) == ({}, {COMPLETED: 2, EMPTY: 1}, 0)


def test_two_groups_of_one_status_add_up() -> None:
    assert read(group("Completed", 1), group("COMPLETED", 2)) == (dict.fromkeys([D1, D2, D3], COMPLETED), {}, 0)


@pytest.mark.parametrize(
    ("statuses", "believed"),
    [
        (("Completed", "Running"), RUNNING),
        (("Completed", "Failed"), FAILED),
        (("Failed", "ErrorDuringRun"), DayStatus.ERROR_DURING_RUN),
        (("Failed", "DeletedByUserRequest"), DELETED),
        (("DeletedByUserRequest", "Submitted"), DayStatus.SUBMITTED),
        (("Completed", "CompletedEmptyRecords"), EMPTY),
        (("Completed", "Archiving"), DayStatus.UNKNOWN),
    ],
)
def test_conflicting_groups_use_worst_status(statuses: tuple[str, str], believed: DayStatus) -> None:
    for ordered in (statuses, statuses[::-1]):
        states, _, _ = read(*(group(status, 1, [D2]) for status in ordered), group("Completed", 2, [D1, D3]))
        assert states[D2] is believed


def test_day_listed_twice_counts_once() -> None:
    assert read(group("Completed", 3, [D1, D1, D2])) == ({D1: COMPLETED, D2: COMPLETED}, {}, 1)


def test_count_above_the_number_of_days_names_them_all() -> None:
    assert read(group("Completed", 10**30)) == (dict.fromkeys([D1, D2, D3], COMPLETED), {}, 0)


def test_named_days_override_counts() -> None:
    states, _, unaccounted = read(group("Completed", 3, [D1, D2, D3]), group("Failed", 2))
    assert (states, unaccounted) == (dict.fromkeys([D1, D2, D3], COMPLETED), 0)


def test_days_beyond_the_range_do_not_count() -> None:
    states, unnamed, unaccounted = read(group("Completed", 3, [D1, D2, D4]))
    assert (states[D1], unnamed, unaccounted) == (COMPLETED, {}, 1)
    assert D3 not in states


@pytest.mark.parametrize(
    ("start_day", "end_day", "days"),
    [
        ("2026-01-01", "2026-01-03", DayRange(D1, D3)),
        ("2026-01-01", "2026-01-01", DayRange(D1, D1)),
        ("2026-01-03", "2026-01-01", None),
        ("2026-01-01", None, None),
        (None, "2026-01-01", None),
        (None, None, None),
        ("soon", "later", None),
    ],
)
def test_wrong_range_is_ignored(start_day: Any, end_day: Any, days: DayRange | None) -> None:
    assert Job.from_json({"start_day": start_day, "end_day": end_day}).days == days


STATUSES = [status.value for status in DayStatus]
NEAR = st.integers(-2, 8).map(lambda offset: D1 + timedelta(days=offset))
GROUPS = st.lists(
    st.builds(
        group,
        st.sampled_from(STATUSES),
        st.integers(-3, 12) | st.none() | st.just(10**40),
        st.none() | st.lists(NEAR, max_size=6),
    ),
    max_size=4,
)


@given(details=GROUPS, length=st.integers(1, 6))
def test_every_day_is_named_counted_or_unaccounted(details: list[dict[str, Any]], length: int) -> None:
    days = DayRange(D1, D1 + timedelta(days=length - 1))
    states, unnamed, unaccounted = read(*details, days=days)
    named = [day for day in days if day in states]
    assert len(named) + sum(unnamed.values()) + unaccounted >= length
    assert 0 <= unaccounted <= length - len(named)
    assert all(count > 0 for count in unnamed.values())
    if unaccounted:
        assert len(named) + sum(unnamed.values()) + unaccounted == length


@given(details=GROUPS)
def test_named_day_has_a_status_given_by_twilio(details: list[dict[str, Any]]) -> None:
    states, _, _ = read(*details)
    for day, status in states.items():
        naming = {entry["status"] for entry in details if str(day) in (entry["days"] or ())}
        assert status.value in (naming or {entry["status"] for entry in details})
