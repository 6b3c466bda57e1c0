"""The age of jobs in Twilio's list, and whether it is certain."""

from __future__ import annotations

import pytest

from airflow_provider_bulkexports.model.details import DayStatus, StatusGroup
from airflow_provider_bulkexports.model.resources import Job
from airflow_provider_bulkexports.planning.job_age import sort_by_age

DONE = (StatusGroup(DayStatus.COMPLETED, count=1),)


def job(sid: str, position: int | None = None, *, marker: str = "", **fields: object) -> Job:
    name = f"nightly [af-{marker}-0123456789]" if marker else "nightly"
    return Job(sid, friendly_name=name, job_queue_position=position, **fields)  # type: ignore[arg-type]


def order(listed: list[Job], **how: object) -> tuple[str, bool]:
    by_age = sort_by_age(listed, **how)  # type: ignore[arg-type]
    return "".join(job.job_sid for job in by_age.oldest_first), by_age.is_certain


@pytest.mark.parametrize(
    ("listed", "known_before", "expected"),
    [
        ("BAC", "B", "BAC"),
        ("BAC", "BA", "BAC"),
        ("CAB", "B", "BAC"),
        ("CAB", "AB", "BAC"),
    ],
    ids=str,
)
def test_jobs_listed_before_are_older(listed: str, known_before: str, expected: str) -> None:
    assert order([job(sid) for sid in listed], known_before=set(known_before)) == (expected, True)


@pytest.mark.parametrize("listed", ["AB", "BA", "ABC", "CBA"])
@pytest.mark.parametrize("known_before", ["", "A", "B", "C"])
@pytest.mark.parametrize("position", [None, 1])
def test_order_by_sid_is_uncertain(listed: str, known_before: str, position: int | None) -> None:
    _, is_certain = order([job(sid, position) for sid in listed], known_before=set(known_before))

    assert not is_certain


@pytest.mark.parametrize("listed", ["ABC", "CBA", "BAC"])
def test_distinct_positions_decide_the_order(listed: str) -> None:
    positions = {"A": 3, "B": 1, "C": 2}

    assert order([job(sid, positions[sid]) for sid in listed]) == ("BCA", True)


@pytest.mark.parametrize("positions", [(None, None, None), (1, 1, 1), (1, 1, 2), (1, None, 2)], ids=str)
def test_missing_or_equal_positions_leave_the_order_uncertain(
    positions: tuple[int | None, ...],
) -> None:
    _, is_certain = order([job(sid, position) for sid, position in zip("ABC", positions, strict=True)])

    assert not is_certain


def test_contradictory_evidence_is_uncertain() -> None:
    listed = [job("B", 2), job("A", 1), job("C", 3)]

    assert order(listed, known_before={"B"}) == ("ABC", False)


def test_finished_jobs_are_older_than_queued_ones() -> None:
    listed = [job("C", 2), job("B", 0, details=DONE), job("A", 1), job("D", 3)]

    assert order(listed) == ("BACD", True)


def test_days_of_submission_decide_the_direction() -> None:
    listed = [job("B", marker="20261124"), job("C", marker="20261124"), job("A", marker="20261123")]

    assert order(listed) == ("ACB", True)


def test_single_job_is_the_oldest() -> None:
    assert order([job("A", 1)]) == ("A", True)
    assert order([]) == ("", True)
