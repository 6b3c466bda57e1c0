"""From jobs to a verdict on the wanted days, by the rules of the API contract (computing a job's state)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.days import DayRange
from airflow_provider_bulkexports.model.details import DayStatus
from airflow_provider_bulkexports.model.resources import Job
from airflow_provider_bulkexports.planning.job_days import rank_of
from airflow_provider_bulkexports.planning.progress import Progress, Verdict, days_spanned_by, progress_of
from airflow_provider_bulkexports.simulator import Knobs, Simulator

D1, D2, D3, D4, D5 = (date(2026, 1, number) for number in (1, 2, 3, 4, 5))
THREE, WEEK = DayRange(D1, D3), DayRange(D1, date(2026, 1, 7))


def job(*details: tuple[Any, ...], days: DayRange | None = THREE, **fields: Any) -> Job:
    """A job of status, count and, if given, days of each group."""
    groups = [
        {"status": status, "count": count, "days": [str(day) for day in named[0]] if named else None}
        for status, count, *named in details
    ]
    echo = {} if days is None else {"start_day": str(days.start), "end_day": str(days.end)}
    return Job.from_json({"job_sid": "JS1", "details": groups, **echo, **fields})


def verdict(*jobs: Job, days: DayRange = THREE) -> Verdict:
    return progress_of(jobs, days).verdict


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ([], Verdict.WAIT),
        ([("Submitted", 3)], Verdict.WAIT),
        ([("Completed", 2), ("Running", 1)], Verdict.WAIT),
        ([("Completed", 2), ("ErrorDuringRun", 1)], Verdict.WAIT),
        ([("Failed", 2), ("ErrorDuringRun", 1)], Verdict.WAIT),
        ([("Completed", 2), ("Archiving", 1)], Verdict.WAIT),
        ([("Completed", 2)], Verdict.WAIT),
        ([("Failed", 2)], Verdict.WAIT),
        ([("Completed", 1, [D1]), ("Failed", 1, [D2])], Verdict.WAIT),
        ([("Completed", 3)], Verdict.EXPORTED),
        ([("CompletedEmptyRecords", 3)], Verdict.EXPORTED),
        ([("Completed", 2), ("CompletedEmptyRecords", 1)], Verdict.EXPORTED),
        ([("Completed", 4)], Verdict.EXPORTED),
        ([("Completed", 2), ("Failed", 1)], Verdict.FAILED),
        ([("Failed", 3)], Verdict.FAILED),
        ([("Completed", 2, [D1, D2]), ("Failed", 1, [D3])], Verdict.FAILED),
        ([("Completed", 2), ("DeletedByUserRequest", 1)], Verdict.DELETED),
        ([("RunningToBeDeleted", 1), ("Running", 2)], Verdict.DELETED),
        ([("DeletedByUserRequest", 1)], Verdict.DELETED),
        ([("Failed", 2), ("DeletedByUserRequest", 1, [D3])], Verdict.DELETED),
    ],
)
@pytest.mark.parametrize("has_echo", [True, False])
def test_verdict_follows_the_statuses(details: list[Any], expected: Verdict, has_echo: bool) -> None:
    assert verdict(job(*details, days=DayRange(D1, D3) if has_echo else None)) is expected


def test_no_jobs_mean_waiting() -> None:
    progress = progress_of([], DayRange(D1, D3))
    assert (progress.verdict, progress.unaccounted, progress.unnamed_days) == (Verdict.WAIT, 3, (D1, D2, D3))


PARTITIONS = st.lists(st.sampled_from(list(DayStatus)), max_size=7)


@given(statuses=PARTITIONS, is_named=st.booleans())
def test_verdict_matches_reference(statuses: list[DayStatus], is_named: bool) -> None:
    days = list(WEEK)
    groups: list[tuple[Any, ...]] = []
    for status in set(statuses):
        members = [day for day, own in zip(days, statuses, strict=False) if own is status]
        groups.append((status.value, len(members), members) if is_named else (status.value, len(members)))
    if any(status.is_deleted for status in statuses):
        expected = Verdict.DELETED
    elif len(statuses) < 7 or not all(status.is_final for status in statuses):
        expected = Verdict.WAIT
    else:
        expected = Verdict.FAILED if DayStatus.FAILED in statuses else Verdict.EXPORTED
    progress = progress_of([job(*groups, days=WEEK)], WEEK)
    assert progress.verdict is expected
    assert sum(progress.counts.values()) + progress.unaccounted == 7


@pytest.mark.parametrize("spelling", ["Pascal", "UPPER_SNAKE"])
@pytest.mark.parametrize("days_null", [False, True])
@pytest.mark.parametrize("count_as_text", [False, True])
def test_job_over_http_waits_and_then_ends(
    spelling: Any, days_null: bool, count_as_text: bool, sim: Simulator, client: Any
) -> None:
    sim.knobs = Knobs(details_spelling=spelling, details_days_null=days_null, details_count_as_text=count_as_text)
    sim.state.fail_day("Messages", "2026-01-05")
    sim.state.empty_day("Messages", "2026-01-06")
    sid = client.create_job("Messages", start_day=D1, end_day="2026-01-07", friendly_name="week").job_sid
    finishes_at = sim.state.jobs[sid].finishes_at
    while sim.clock.now() < finishes_at:
        assert verdict(client.get_job(sid), days=WEEK) is Verdict.WAIT
        sim.clock.advance(20)
    progress = progress_of([client.get_job(sid)], WEEK)
    assert progress.verdict is Verdict.FAILED
    assert progress.counts == {DayStatus.COMPLETED: 5, DayStatus.COMPLETED_EMPTY_RECORDS: 1, DayStatus.FAILED: 1}
    if not days_null:
        assert progress.with_status(DayStatus.FAILED) == (D5,)
        assert progress.unnamed_days == ()


def test_days_missing_from_the_details_are_waited_for_over_http(sim: Simulator, client: Any) -> None:
    sim.knobs = Knobs(details_missing_days=1)
    sid = sim.create_job("Messages", "2026-01-01", "2026-01-07").sid
    sim.finish_jobs()
    assert verdict(client.get_job(sid), days=WEEK) is Verdict.WAIT


# A part of the job's range


def test_days_outside_the_window_are_ignored() -> None:
    whole = job(("Completed", 1, [D2]), ("Running", 1, [D1]), ("DeletedByUserRequest", 1, [D3]))
    assert verdict(whole, days=DayRange(D2, D2)) is Verdict.EXPORTED
    assert progress_of([whole], DayRange(D2, D2)).counts == {DayStatus.COMPLETED: 1}


def test_counts_of_a_wider_job_keep_a_window_waiting() -> None:
    wider = job(("Completed", 5), ("Running", 2), days=WEEK)
    assert verdict(wider, days=DayRange(D1, D2)) is Verdict.WAIT


def test_counts_of_a_wider_job_are_limited_to_the_window() -> None:
    progress = progress_of([job(("Completed", 6), ("Failed", 1), days=WEEK)], DayRange(D1, D2))
    assert progress.unnamed == {DayStatus.COMPLETED: 2, DayStatus.FAILED: 1}
    assert progress.verdict is Verdict.FAILED


def test_window_beyond_the_job_waits() -> None:
    assert verdict(job(("Completed", 3)), days=DayRange(D1, D4)) is Verdict.WAIT
    assert verdict(job(("Completed", 2), ("Failed", 1)), days=DayRange(D1, D5)) is Verdict.WAIT


# Several jobs


def test_best_of_several_statuses_of_a_day_counts() -> None:
    first = job(("Completed", 2, [D1, D3]), ("Failed", 1, [D2]))
    again = job(("Completed", 1, [D2]), days=DayRange(D2, D2))
    for jobs in ([first, again], [again, first]):
        assert verdict(*jobs) is Verdict.EXPORTED


@pytest.mark.parametrize("status", ["Submitted", "Running", "ErrorDuringRun", "Archiving"])
def test_failed_day_that_runs_again_is_waited_for(status: str) -> None:
    first = job(("Completed", 2, [D1, D3]), ("Failed", 1, [D2]))
    assert verdict(first, job((status, 1, [D2]), days=DayRange(D2, D2))) is Verdict.WAIT


@pytest.mark.parametrize("lost", ["Failed", "DeletedByUserRequest", "RunningToBeDeleted"])
@pytest.mark.parametrize("details", [None, {}, [], [{}]])
@pytest.mark.parametrize("has_echo", [True, False])
def test_lost_day_submitted_again_is_waited_for(lost: str, details: Any, has_echo: bool) -> None:
    first = job(("Completed", 2, [D1, D3]), (lost, 1, [D2]))
    again = Job.from_json({"job_sid": "JS2", "details": details, "start_day": str(D2), "end_day": str(D2)})
    again = again if has_echo else replace(again, start_day=None, end_day=None)
    for jobs in ([first, again], [again, first]):
        progress = progress_of(jobs, THREE)
        assert (progress.verdict, progress.unnamed_days, progress.unaccounted) == (Verdict.WAIT, (D2,), 1)
        assert progress.headline == "2/3 days final: 2 completed"


def test_counts_of_a_job_with_all_days_known_are_ignored() -> None:
    settled = job(("Completed", 3, [D1, D2, D3]))
    other = job(("Running", 1), ("Failed", 2))
    rest = job(("Completed", 1), ("CompletedEmptyRecords", 1), days=DayRange(D4, D5))
    assert verdict(settled, other, rest, days=DayRange(D1, D5)) is Verdict.EXPORTED


def test_deleted_job_is_ignored_if_another_has_the_days() -> None:
    deleted = job(("DeletedByUserRequest", 3))
    assert verdict(deleted, job(("Completed", 3))) is Verdict.EXPORTED
    assert verdict(deleted, job(("Completed", 1), days=DayRange(D1, D1))) is Verdict.DELETED


def test_jobs_that_divide_the_days_are_combined() -> None:
    first = job(("Completed", 2), days=DayRange(D1, D2))
    assert verdict(first, job(("CompletedEmptyRecords", 1), days=DayRange(D3, D3))) is Verdict.EXPORTED
    assert verdict(first, job(days=DayRange(D3, D3))) is Verdict.WAIT


def test_days_that_no_job_covers_are_waited_for() -> None:
    progress = progress_of([job(("Completed", 1), ("Failed", 1), days=DayRange(D1, D2))], DayRange(D1, D5))
    assert (progress.verdict, progress.unaccounted) == (Verdict.WAIT, 3)


GROUPS = st.lists(
    st.tuples(
        st.sampled_from([status.value for status in DayStatus]),
        st.integers(0, 9) | st.just(10**30),
        st.lists(st.sampled_from(list(WEEK)), max_size=5),
    )
    | st.tuples(st.sampled_from([status.value for status in DayStatus]), st.integers(0, 9)),
    max_size=4,
)
WINDOWS = st.tuples(st.integers(1, 7), st.integers(1, 7)).map(
    lambda ends: DayRange(date(2026, 1, min(ends)), date(2026, 1, max(ends)))
)
JOBS = st.lists(st.builds(lambda groups, days: job(*groups, days=days), GROUPS, st.none() | WINDOWS), max_size=3)


@given(jobs=JOBS, window=WINDOWS)
def test_no_verdict_overlooks_a_day(jobs: list[Job], window: DayRange) -> None:
    progress = progress_of(jobs, window)
    assert set(progress.states) <= set(window)
    assert len(progress.states) + len(progress.unnamed_days) == len(window)
    assert all(0 < count <= len(progress.unnamed_days) for count in progress.unnamed.values())
    assert 0 <= progress.unaccounted <= len(progress.unnamed_days)
    if progress.verdict in (Verdict.EXPORTED, Verdict.FAILED):
        assert sum(progress.counts.values()) >= len(window)
        assert all(status.is_final and not status.is_deleted for status in progress.counts)


@given(jobs=JOBS, window=WINDOWS)
def test_order_of_jobs_does_not_matter(jobs: list[Job], window: DayRange) -> None:
    forwards, backwards = progress_of(jobs, window), progress_of(jobs[::-1], window)
    assert (forwards.states, forwards.unnamed) == (backwards.states, backwards.unnamed)
    assert forwards.headline == backwards.headline


# Queue, estimate, range


def test_queue_and_estimate_are_those_of_unfinished_jobs() -> None:
    done = job(("Completed", 3), job_queue_position="0", estimated_completion_time="2026-01-09T00:00:00")
    first = job(("Running", 3), job_queue_position="3", estimated_completion_time="2026-01-06T10:00:00.5")
    last = job(job_queue_position="5", estimated_completion_time="2026-01-06T12:00:00")
    progress = progress_of([done, first, last, job()], WEEK)
    assert progress.queue_position == 3
    assert progress.expected_at == datetime(2026, 1, 6, 12, tzinfo=timezone.utc)


def test_finished_jobs_have_no_queue_position() -> None:
    progress = progress_of(
        [job(("Failed", 3), job_queue_position="0", estimated_completion_time="2026-01-06T10:00:00")], WEEK
    )
    assert (progress.queue_position, progress.expected_at) == (None, None)


def test_jobs_span_their_days() -> None:
    assert days_spanned_by([job(days=DayRange(D3, D4)), job(days=None), job(days=DayRange(D1, D1))]) == DayRange(D1, D4)


@pytest.mark.parametrize("jobs", [[], [job(days=None)], [job(days=None, start_day="2026-01-03", end_day="2026-01-01")]])
def test_jobs_without_a_range_need_days_from_the_user(jobs: list[Job]) -> None:
    with pytest.raises(BulkExportsInputError, match=r"Pass start_day and end_day\."):
        days_spanned_by(jobs)


def test_every_status_has_its_own_rank() -> None:
    assert sorted(map(rank_of, DayStatus)) == list(range(len(DayStatus)))


def test_named_days_are_ascending() -> None:
    states = {D3: DayStatus.FAILED, D1: DayStatus.FAILED, D2: DayStatus.COMPLETED}
    progress = Progress(DayRange(D1, D3 + timedelta(days=1)), states)
    assert progress.with_status(DayStatus.FAILED, DayStatus.COMPLETED) == (D1, D2, D3)
    assert progress.with_status(DayStatus.FAILED) == (D1, D3)
    assert progress.unnamed_days == (D4,)
