"""A job's ``details`` are read in every shape and spelling that was documented or observed."""

from __future__ import annotations

import logging
from datetime import date, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_bulkexports.model.details import DayStatus, StatusGroup
from airflow_provider_bulkexports.model.parsing import Once
from airflow_provider_bulkexports.model.resources import Job
from airflow_provider_bulkexports.simulator import Knobs, Simulator

D1, D2 = date(2026, 1, 1), date(2026, 1, 2)
COMPLETED = {"status": "Completed", "count": 2, "days": ["2026-01-01", "2026-01-02"]}
READ = StatusGroup(DayStatus.COMPLETED, 2, (D1, D2))
fresh_word = map("Archiving{}".format, count())


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has not logged any unknown word yet."""
    monkeypatch.setattr("airflow_provider_bulkexports.model.details._unknown_words", Once())


def groups(details: Any) -> tuple[StatusGroup, ...]:
    return Job.from_json({"job_sid": "JS1", "details": details}).details


@pytest.mark.parametrize(
    "details", [None, {}, [], [{}], [{}, {}], {"0": {}}, {"0": []}, "", "Completed", 7, True, [[]], [None]]
)
def test_placeholder_is_no_information(details: Any) -> None:
    assert groups(details) == ()


def test_missing_details_are_no_information() -> None:
    assert Job.from_json({}).details == ()


@pytest.mark.parametrize(
    "details",
    [
        [COMPLETED],
        COMPLETED,
        {"0": COMPLETED},
        {"details": [COMPLETED]},
        {"a": [], "b": COMPLETED, "c": None},
        [{}, COMPLETED, None, "x", {"status": None, "count": 5}],
        [{**COMPLETED, "count": "2"}],
        [{**COMPLETED, "count": 2.0}],
        [{**COMPLETED, "count": None}],
        [{"status": "Completed", "days": COMPLETED["days"]}],
        [{**COMPLETED, "count": -5}],
        [{**COMPLETED, "count": 1}],
        [{**COMPLETED, "count": "many"}],
        [{**COMPLETED, "news": {"size": 1}}],
        [{**COMPLETED, "days": ["2026-01-01T00:00:00Z", "2026-01-02"]}],
    ],
)
def test_every_shape_is_read_alike(details: Any) -> None:
    assert groups(details) == (READ,)


@pytest.mark.parametrize(
    "days", [None, [], {}, "", [None], ["soon"], ["2026-02-30"], [{"day": "2026-01-01"}], [20260101], 7]
)
def test_count_stays_without_readable_days(days: Any) -> None:
    assert groups([{"status": "Running", "count": 3, "days": days}]) == (StatusGroup(DayStatus.RUNNING, 3),)


def test_single_day_outside_a_list_is_read() -> None:
    assert groups([{"status": "Running", "days": "2026-01-01"}]) == (StatusGroup(DayStatus.RUNNING, 1, (D1,)),)


def test_huge_count_is_capped() -> None:
    assert groups([{"status": "Running", "count": 10**30}]) == (StatusGroup(DayStatus.RUNNING, 2**53),)


@pytest.mark.parametrize(
    "details",
    [
        {"Completed": {"count": 2, "days": COMPLETED["days"]}},
        {"COMPLETED": {"days": COMPLETED["days"]}},
        {"completed": COMPLETED["days"]},
        {"Completed": [{"day": "2026-01-01"}, {"day": "2026-01-02"}]},
        {"Completed": {"count": 2, "days": COMPLETED["days"]}, "Running": {"count": 0, "days": []}, "Failed": None},
        {"Completed": COMPLETED["days"], "Failed": 0, "Running": [], "Submitted": {}},
        {"Completed": [COMPLETED]},
        {"Completed": COMPLETED},
        {"Running": COMPLETED},  # what is inside says it more closely
        [{"Completed": {"count": 2, "days": COMPLETED["days"]}}],
        {"details": {"Completed": {"count": 2, "days": COMPLETED["days"]}}},
        {"0": {"completed": COMPLETED["days"]}},
    ],
)
def test_details_by_status_are_read_alike(details: Any) -> None:
    read = groups(details)
    assert {group.status for group in read} == {DayStatus.COMPLETED}
    assert [day for group in read for day in group.days] == [D1, D2]
    assert sum(group.count for group in read) == 2


def test_details_by_status_may_have_only_counts() -> None:
    assert groups({"Completed": 2, "Failed": "1", "Running": {"count": 3}}) == (
        StatusGroup(DayStatus.COMPLETED, 2),
        StatusGroup(DayStatus.FAILED, 1),
        StatusGroup(DayStatus.RUNNING, 3),
    )


def test_details_by_an_unknown_status_are_not_final() -> None:
    assert groups({next(fresh_word): {"count": 1, "days": ["2026-01-01"]}, "Completed": ["2026-01-02"]}) == (
        StatusGroup(DayStatus.UNKNOWN, 1, (D1,)),
        StatusGroup(DayStatus.COMPLETED, 1, (D2,)),
    )


def test_remembered_unknown_words_are_limited(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2000):
        groups([{"status": next(fresh_word) * 50, "count": 1}])
    assert len(caplog.records) <= 100
    assert max(len(record.getMessage()) for record in caplog.records) < 200


KNOWN = [status for status in DayStatus if status is not DayStatus.UNKNOWN]


@pytest.mark.parametrize("status", KNOWN)
def test_status_is_known_in_every_spelling(status: DayStatus, caplog: pytest.LogCaptureFixture) -> None:
    snake = status.name
    for word in (
        status.value,
        status.value.upper(),
        status.value.lower(),
        snake,
        snake.lower(),
        snake.replace("_", "-"),
    ):
        assert DayStatus.parse(word) is status
        assert DayStatus.parse(f" {word} ") is status
    assert not caplog.records


@pytest.mark.parametrize("spelling", ["Pascal", "UPPER", "UPPER_SNAKE", "lower"])
def test_job_over_http_is_read_in_every_spelling(spelling: Any, sim: Simulator, client: Any) -> None:
    sim.knobs = Knobs(details_spelling=spelling, details_count_as_text=True)
    sim.state.empty_day("Messages", "2026-01-02")
    sid = sim.create_job("Messages", "2026-01-01", "2026-01-02").sid
    sim.finish_jobs()
    assert set(client.get_job(sid).details) == {
        StatusGroup(DayStatus.COMPLETED, 1, (D1,)),
        StatusGroup(DayStatus.COMPLETED_EMPTY_RECORDS, 1, (D2,)),
    }


@pytest.mark.parametrize("placeholder", ["null", "{}", "[{}]", "[]"])
def test_new_job_over_http_has_no_details(placeholder: Any, sim: Simulator, client: Any) -> None:
    sim.knobs = Knobs(details_on_create=placeholder)
    job = client.create_job("Messages", start_day="2026-01-01", end_day="2026-01-02", friendly_name="x")
    assert job.details == ()


def test_unknown_status_is_logged_once_and_not_final(caplog: pytest.LogCaptureFixture) -> None:
    word = next(fresh_word)
    for _ in range(3):
        (group,) = groups([{"status": word, "count": 1}])
        assert group.status is DayStatus.UNKNOWN
    assert [(record.levelno, word in record.getMessage()) for record in caplog.records] == [(logging.WARNING, True)]
    assert not DayStatus.UNKNOWN.is_final


@pytest.mark.parametrize(
    "word", ["Unknown", "", "Pending", "InProgress", "Complete", "Completed2nd", 7, True, ["Completed"], {}]
)
def test_undocumented_status_is_unknown(word: Any) -> None:
    (group,) = groups([{"status": word, "count": 1}])
    assert group.status is DayStatus.UNKNOWN


def test_only_end_statuses_are_final() -> None:
    final = {status for status in DayStatus if status.is_final}
    assert {status.value for status in final} == {
        "Completed",
        "CompletedEmptyRecords",
        "Failed",
        "RunningToBeDeleted",
        "DeletedByUserRequest",
    }
    assert {status for status in final if status.is_exported} == {
        DayStatus.COMPLETED,
        DayStatus.COMPLETED_EMPTY_RECORDS,
    }
    assert {status for status in final if status.is_deleted} == {
        DayStatus.RUNNING_TO_BE_DELETED,
        DayStatus.DELETED_BY_USER_REQUEST,
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=8), children, max_size=4),
    max_leaves=12,
)
LIKELY = st.fixed_dictionaries(
    {}, optional={"status": JSON | st.just("Completed"), "count": JSON, "days": JSON | st.lists(JSON, max_size=3)}
)


@given(
    details=JSON | LIKELY | st.lists(LIKELY | JSON, max_size=4) | st.dictionaries(st.text(max_size=3), LIKELY | JSON)
)
def test_any_details_are_accepted(details: Any) -> None:
    for group in groups(details):
        assert group.count >= len(group.days) >= 0


def test_details_of_a_job_are_limited() -> None:
    """A wait caches its jobs, so a job with more details in each poll must not fill the process."""
    days = [f"20{year:02}-01-{day:02}" for year in range(10, 99) for day in range(1, 31)]
    many = groups([{"status": "Completed", "count": number, "days": days[:900]} for number in range(1500)])
    assert len(many) <= 1000
    assert sum(len(group.days) for group in many) <= 1000
    assert [group.count for group in many[:3]] == [900, 900, 900]  # how many days there are said to be stays
    by_name = groups({f"word{number}": {"count": 1, "days": days[:2]} for number in range(1500)})
    assert len(by_name) <= 1000


def test_job_of_a_leap_year_is_read_completely() -> None:
    start = date(2024, 1, 1)
    whole = [(start + timedelta(days=number)).isoformat() for number in range(366)]
    read = groups([{"status": "Completed", "count": 1, "days": [day]} for day in whole])
    assert [day.isoformat() for group in read for day in group.days] == whole
