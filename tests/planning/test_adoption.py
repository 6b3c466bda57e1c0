"""Jobs that a task submitted before are adopted; only lost days are submitted, in the fewest jobs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_bulkexports.model.days import DayRange, merge_days
from airflow_provider_bulkexports.model.details import DayStatus
from airflow_provider_bulkexports.model.resources import Job
from airflow_provider_bulkexports.planning.adoption import ExportPlan, plan_exports
from airflow_provider_bulkexports.planning.identity import friendly_name
from airflow_provider_bulkexports.planning.progress import Verdict, progress_of

D1, D2, D3, D4, D5 = (date(2026, 1, number) for number in (1, 2, 3, 4, 5))
WANTED = DayRange(D1, D5)
OURS, FOREIGN = "3f9c0a12be", "0000000000"


def job(
    sid: str,
    states: dict[str, Iterable[date]] | None = None,
    *,
    days: DayRange | None = WANTED,
    name: str | None = None,
    submitted: date = date(2026, 1, 24),
    **fields: Any,
) -> Job:
    """A job with the days of each status; of our identity unless ``name`` has another one."""
    details = [
        {"status": status, "count": len(named), "days": [str(day) for day in named]}
        for status, named in ((status, list(named)) for status, named in (states or {}).items())
    ]
    echo = {} if days is None else {"start_day": str(days.start), "end_day": str(days.end)}
    name = friendly_name("x", identity=OURS, today=submitted) if name is None else name
    return Job.from_json({"job_sid": sid, "friendly_name": name, "details": details, **echo, **fields})


def plan(*jobs: Job, wanted: DayRange = WANTED) -> ExportPlan:
    return plan_exports(wanted, jobs, identities=(OURS,))


def sids(jobs: Iterable[Job]) -> list[str]:
    return [job.job_sid for job in jobs]


def test_all_days_are_submitted_without_a_job() -> None:
    assert plan() == ExportPlan(adopt=(), submit=(WANTED,))


@pytest.mark.parametrize(
    "status", ["Submitted", "Running", "ErrorDuringRun", "Archiving", "Completed", "CompletedEmptyRecords"]
)
def test_active_or_finished_job_is_adopted(status: str) -> None:
    known = job("JS1", {status: WANTED})
    assert plan(known) == ExportPlan(adopt=(known,), submit=())


@pytest.mark.parametrize("details", [None, {}, [], [{}]])
@pytest.mark.parametrize("days", [WANTED, None])
def test_job_without_details_is_adopted(details: Any, days: DayRange | None) -> None:
    assert sids(plan(job("JS1", days=days, details=details)).adopt) == ["JS1"]


@pytest.mark.parametrize("status", ["Failed", "DeletedByUserRequest", "RunningToBeDeleted"])
def test_failed_or_deleted_job_is_submitted_again(status: str) -> None:
    assert plan(job("JS1", {status: WANTED})).submit == (WANTED,)
    assert plan(job("JS1", {status: WANTED})).adopt == ()


@pytest.mark.parametrize(
    ("states", "days", "submit"),
    [
        ({"Completed": [D1, D4], "Failed": [D2], "DeletedByUserRequest": [D3], "Running": [D5]}, WANTED, [(D2, D3)]),
        ({"Completed": [D2, D4], "Failed": [D1, D3, D5]}, WANTED, [(D1, D1), (D3, D3), (D5, D5)]),
        ({"Completed": [D2, D3]}, DayRange(D2, D3), [(D1, D1), (D4, D5)]),
    ],
    ids=["lost", "lost with gaps", "not in the job"],
)
def test_only_lost_or_missing_days_are_submitted_in_the_fewest_ranges(
    states: dict[str, list[date]], days: DayRange, submit: list[tuple[date, date]]
) -> None:
    found = plan(job("JS1", states, days=days))

    assert sids(found.adopt) == ["JS1"]
    assert found.submit == tuple(DayRange(*ends) for ends in submit)


def test_third_attempt_adopts_the_jobs_of_the_first_two() -> None:
    first = job("JS1", {"Completed": [D1, D2], "Failed": [D3, D4, D5]}, submitted=date(2026, 1, 24))
    second = job("JS2", {"Running": [D3, D4], "Failed": [D5]}, days=DayRange(D3, D5), submitted=date(2026, 1, 25))
    found = plan(second, first)
    assert sids(found.adopt) == ["JS1", "JS2"]
    assert (found.submit, found.duplicates) == ((DayRange(D5, D5),), ())


def test_older_of_two_equal_jobs_is_adopted() -> None:
    older = job("JS9", {"Running": WANTED}, submitted=date(2026, 1, 24))
    newer = job("JS1", {"Running": WANTED}, submitted=date(2026, 1, 25))
    for listed in ([older, newer], [newer, older]):
        assert plan(*listed) == ExportPlan(adopt=(older,), submit=(), duplicates=(newer,))


def test_first_listed_of_two_jobs_of_one_day_is_adopted() -> None:
    first, second = job("JS9", {"Running": WANTED}), job("JS1", {"Running": WANTED})
    assert plan(first, second) == ExportPlan(adopt=(first,), submit=(), duplicates=(second,))


def test_exported_job_is_preferred_to_an_older_one() -> None:
    older = job("JS1", {"Running": WANTED}, submitted=date(2026, 1, 24))
    newer = job("JS2", {"Completed": WANTED}, submitted=date(2026, 1, 25))
    assert plan(older, newer) == ExportPlan(adopt=(newer,), submit=(), duplicates=(older,))


@pytest.mark.parametrize(
    "name",
    [
        "",
        "nightly export",
        f"[af-20260124-{FOREIGN}]",
        f"[af-20260124-{OURS}] [af-20260124-{FOREIGN}]",
        f"af-20260124-{OURS}",
        f"[af-20261399-{OURS}]",
    ],
)
def test_job_of_another_identity_is_ignored(name: str) -> None:
    assert plan(job("JS1", {"Completed": WANTED}, name=name)) == ExportPlan(adopt=(), submit=(WANTED,))


def test_last_marker_of_a_copied_name_counts() -> None:
    name = friendly_name(f"again [af-20250101-{FOREIGN}]", identity=OURS, today=date(2026, 1, 24))
    assert sids(plan(job("JS1", {"Running": WANTED}, name=name)).adopt) == ["JS1"]


# Details with counts only


def counted(sid: str, *groups: tuple[str, int], days: DayRange | None = WANTED) -> Job:
    details = [{"status": status, "count": count, "days": None} for status, count in groups]
    return job(sid, days=days, details=details)


@pytest.mark.parametrize(
    "groups",
    [
        [("Completed", 5)],
        [("Submitted", 5)],
        [("Completed", 3), ("CompletedEmptyRecords", 2)],
        [("Completed", 3), ("Running", 2)],
        [("Failed", 3), ("Running", 2)],
        [("DeletedByUserRequest", 3), ("ErrorDuringRun", 2)],
        [("Failed", 3)],
        [("Completed", 1), ("Failed", 1)],
    ],
)
def test_job_with_counts_only_is_adopted_while_a_day_is_pending(groups: list[tuple[str, int]]) -> None:
    assert plan(counted("JS1", *groups)).submit == ()


@pytest.mark.parametrize(
    "groups",
    [
        [("Failed", 5)],
        [("DeletedByUserRequest", 5)],
        [("Completed", 4), ("Failed", 1)],
        [("Completed", 4), ("DeletedByUserRequest", 1)],
        [("Failed", 10**30)],
    ],
)
def test_finished_job_with_unnamed_lost_days_is_submitted_again(groups: list[tuple[str, int]]) -> None:
    assert plan(counted("JS1", *groups)).submit == (WANTED,)


def test_job_with_wider_or_reversed_range_is_adopted() -> None:
    wider = job(
        "JS1",
        {"Completed": DayRange(date(2025, 12, 1), date(2026, 2, 1))},
        days=DayRange(date(2025, 12, 1), date(2026, 2, 1)),
    )
    assert plan(wider) == ExportPlan(adopt=(wider,), submit=())
    reversed_echo = job("JS2", {"Running": WANTED}, days=None, start_day="2026-01-05", end_day="2026-01-01")
    assert plan(reversed_echo) == ExportPlan(adopt=(reversed_echo,), submit=())


# Any list of jobs


STATUS_OF_DAY = st.sampled_from([status.value for status in DayStatus])
RANGES = st.tuples(st.integers(1, 12), st.integers(1, 12)).map(
    lambda ends: DayRange(date(2026, 1, min(ends)), date(2026, 1, max(ends)))
)


@st.composite
def any_job(draw: st.DrawFn) -> Job:
    days = draw(RANGES)
    states: dict[str, Any] = {}
    for day in days:
        if draw(st.integers(0, 5)):
            states.setdefault(draw(STATUS_OF_DAY), []).append(day)
    name = None if draw(st.integers(0, 3)) else f"[af-20260124-{FOREIGN}]"
    submitted = date(2026, 1, draw(st.integers(20, 25)))
    return job(f"JS{draw(st.integers(0, 99))}", states, days=days, name=name, submitted=submitted)


@given(jobs=st.lists(any_job(), max_size=4), wanted=RANGES)
def test_every_wanted_day_is_either_adopted_or_submitted(jobs: list[Job], wanted: DayRange) -> None:
    found = plan(*jobs, wanted=wanted)
    submitted = {day for days in found.submit for day in days}
    served = {day for known in found.adopt for day, status in states_of(known).items() if is_not_lost(status)}
    assert submitted | (served & set(wanted)) == set(wanted)
    assert not submitted & served
    assert found.submit == merge_days(submitted)


@given(jobs=st.lists(any_job(), max_size=4), wanted=RANGES)
def test_no_day_of_a_listed_job_of_ours_is_submitted(jobs: list[Job], wanted: DayRange) -> None:
    submitted = {day for days in plan(*jobs, wanted=wanted).submit for day in days}
    for known in jobs:
        if OURS in (known.friendly_name or ""):
            assert not submitted & {day for day, status in states_of(known).items() if is_not_lost(status)}


@given(jobs=st.lists(any_job(), max_size=4), wanted=RANGES)
def test_every_job_of_ours_is_either_adopted_or_a_duplicate(jobs: list[Job], wanted: DayRange) -> None:
    found = plan(*jobs, wanted=wanted)
    ours = [known for known in jobs if OURS in (known.friendly_name or "")]
    assert sorted(map(id, (*found.adopt, *found.duplicates))) == sorted(map(id, ours))


@given(jobs=st.lists(any_job(), max_size=4), wanted=RANGES)
def test_adopted_jobs_alone_can_still_succeed(jobs: list[Job], wanted: DayRange) -> None:
    found = plan(*jobs, wanted=wanted)
    if not found.submit:
        assert progress_of(found.adopt, wanted).verdict in (Verdict.WAIT, Verdict.EXPORTED)


def states_of(known: Job) -> dict[date, DayStatus]:
    """Status of each day of a job whose details name their days; the others are submitted."""
    assert known.start_day is not None
    assert known.end_day is not None
    named = {day: group.status for group in known.details for day in group.days}
    return {day: named.get(day, DayStatus.SUBMITTED) for day in DayRange(known.start_day, known.end_day)}


def is_not_lost(status: DayStatus) -> bool:
    return not status.is_deleted and status is not DayStatus.FAILED
