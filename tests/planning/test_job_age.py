"""What tells the order of Twilio's list, and what does not."""

from __future__ import annotations

import pytest

from airflow_provider_bulkexports.model.details import DayStatus, StatusGroup
from airflow_provider_bulkexports.model.resources import Job
from airflow_provider_bulkexports.planning.job_age import sort_by_age

DONE = (StatusGroup(DayStatus.COMPLETED, count=1),)


def job(sid: str, place: int | None = None, *, marker: str = "", **fields: object) -> Job:
    name = f"nightly [af-{marker}-0123456789]" if marker else "nightly"
    return Job(sid, friendly_name=name, job_queue_position=place, **fields)  # type: ignore[arg-type]


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
def test_jobs_that_were_listed_before_are_older(listed: str, known_before: str, expected: str) -> None:
    assert order([job(sid) for sid in listed], known_before=set(known_before)) == (expected, True)


@pytest.mark.parametrize("listed", ["AB", "BA", "ABC", "CBA"])
@pytest.mark.parametrize("known_before", ["", "A", "B", "C"])
@pytest.mark.parametrize("place", [None, 1])
def test_a_list_that_is_sorted_by_sid_tells_no_order(listed: str, known_before: str, place: int | None) -> None:
    _, is_certain = order([job(sid, place) for sid in listed], known_before=set(known_before))

    assert not is_certain


@pytest.mark.parametrize("listed", ["ABC", "CBA", "BAC"])
def test_places_that_differ_tell_the_order_of_any_list(listed: str) -> None:
    places = {"A": 3, "B": 1, "C": 2}

    assert order([job(sid, places[sid]) for sid in listed]) == ("BCA", True)


@pytest.mark.parametrize("places", [(None, None, None), (1, 1, 1), (1, 1, 2), (1, None, 2)], ids=str)
def test_places_that_are_missing_or_the_same_tell_no_order_of_a_list_sorted_by_sid(
    places: tuple[int | None, ...],
) -> None:
    _, is_certain = order([job(sid, place) for sid, place in zip("ABC", places, strict=True)])

    assert not is_certain


def test_a_list_whose_order_and_places_contradict_each_other_is_not_certain() -> None:
    listed = [job("B", 2), job("A", 1), job("C", 3)]

    assert order(listed, known_before={"B"}) == ("ABC", False)


def test_finished_jobs_are_older_than_those_that_wait() -> None:
    listed = [job("C", 2), job("B", 0, details=DONE), job("A", 1), job("D", 3)]

    assert order(listed) == ("BACD", True)


def test_the_days_of_submission_tell_the_direction() -> None:
    listed = [job("B", marker="20261124"), job("C", marker="20261124"), job("A", marker="20261123")]

    assert order(listed) == ("ACB", True)


def test_one_job_is_the_oldest() -> None:
    assert order([job("A", 1)]) == ("A", True)
    assert order([]) == ("", True)
