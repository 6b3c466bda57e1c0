"""Days that Twilio only counted get their status from the files that exist, and no failure is overlooked."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_bulkexports.model.days import DayRange
from airflow_provider_bulkexports.model.details import DayStatus
from airflow_provider_bulkexports.planning.progress import Progress, Verdict, resolve_unnamed_days

D1, D2, D3 = (date(2026, 1, number) for number in (1, 2, 3))
DAYS = DayRange(D1, D3)
COMPLETED, EMPTY, FAILED = DayStatus.COMPLETED, DayStatus.COMPLETED_EMPTY_RECORDS, DayStatus.FAILED


def test_named_days_are_unchanged() -> None:
    progress = Progress(DAYS, {D1: FAILED, D2: EMPTY, D3: COMPLETED})
    assert resolve_unnamed_days(progress, {D1}) is progress


@pytest.mark.parametrize(
    ("counted", "files", "named"),
    [
        ({COMPLETED: 2, EMPTY: 1}, {D1, D3}, {D1: COMPLETED, D2: EMPTY, D3: COMPLETED}),
        ({COMPLETED: 2, FAILED: 1}, {D1, D3}, {D1: COMPLETED, D2: FAILED, D3: COMPLETED}),
        ({EMPTY: 2, FAILED: 1}, {D1, D3}, {D1: EMPTY, D2: FAILED, D3: EMPTY}),
        ({COMPLETED: 1, EMPTY: 1, FAILED: 1}, {D1}, {D1: COMPLETED, D2: FAILED, D3: FAILED}),
        ({COMPLETED: 1, EMPTY: 2}, set(), {D1: COMPLETED, D2: COMPLETED, D3: COMPLETED}),
        ({COMPLETED: 2, EMPTY: 1}, {D1}, {D1: COMPLETED, D2: COMPLETED, D3: COMPLETED}),
        ({COMPLETED: 3, EMPTY: 3}, {D1}, {D1: COMPLETED, D2: EMPTY, D3: EMPTY}),
        ({EMPTY: 3}, set(), {D1: EMPTY, D2: EMPTY, D3: EMPTY}),
        ({COMPLETED: 2, EMPTY: 1}, None, {D1: COMPLETED, D2: COMPLETED, D3: COMPLETED}),
        ({EMPTY: 3}, None, {D1: EMPTY, D2: EMPTY, D3: EMPTY}),
        ({COMPLETED: 1, EMPTY: 1, FAILED: 1}, None, {D1: FAILED, D2: FAILED, D3: FAILED}),
        ({COMPLETED: 3}, {D1}, {D1: COMPLETED, D2: COMPLETED, D3: COMPLETED}),
        ({FAILED: 3}, {D1}, {D1: COMPLETED, D2: FAILED, D3: FAILED}),
        ({COMPLETED: 2, FAILED: 1}, {D1, D2, D3}, {D1: COMPLETED, D2: COMPLETED, D3: COMPLETED}),
    ],
)
def test_missing_file_counts_as_worst_possible_status(
    counted: dict[DayStatus, int], files: set[date] | None, named: dict[date, DayStatus]
) -> None:
    progress = resolve_unnamed_days(Progress(DAYS, unnamed=counted), files)
    assert progress.states == named
    assert progress.unnamed == {}
    assert progress.unnamed_days == ()


def test_named_days_keep_their_status_with_any_files() -> None:
    progress = resolve_unnamed_days(Progress(DAYS, {D1: FAILED}, {COMPLETED: 1, EMPTY: 1}), {D1, D2})
    assert progress.states == {D1: FAILED, D2: COMPLETED, D3: EMPTY}


FINAL = st.sampled_from([COMPLETED, EMPTY, FAILED])
WEEK = DayRange(D1, D1 + timedelta(days=6))


@given(statuses=st.lists(FINAL, min_size=7, max_size=7), has_file_of_empty=st.booleans())
def test_status_is_never_better_than_actual(statuses: list[DayStatus], has_file_of_empty: bool) -> None:
    truth = dict(zip(WEEK, statuses, strict=True))
    with_file = {COMPLETED, EMPTY} if has_file_of_empty else {COMPLETED}
    files = {day for day, status in truth.items() if status in with_file}
    progress = resolve_unnamed_days(Progress(WEEK, unnamed=Counter(statuses)), files)
    assert set(progress.states) == set(WEEK)
    for day, status in truth.items():
        assert (
            progress.states[day]
            in {
                COMPLETED: {COMPLETED},
                EMPTY: {COMPLETED, EMPTY} if has_file_of_empty else {EMPTY, FAILED},
                FAILED: {FAILED},
            }[status]
        )
    assert progress.verdict is (Verdict.FAILED if FAILED in statuses else Verdict.EXPORTED)
