"""
Which of several jobs is the oldest, told from Twilio's list, whose order is undocumented.

Twilio gives a job no moment of creation. What tells the direction of a list, the surest first:

1. jobs that an earlier reading of the list did not have are the newest;
2. the days of submission in this package's markers;
3. the places of unfinished jobs in Twilio's queue.

A list that is sorted by the jobs' sids has no direction, whatever seems to tell one; the places, if they differ, are
then the order. A list without any of them is taken for one of oldest first, as every recorded one was; ``is_certain``
says whether that was necessary.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from airflow_provider_bulkexports.model.resources import Job
from airflow_provider_bulkexports.planning.identity import read_marker

__all__ = ["Seniority", "do_places_differ", "is_sorted_by_sid", "seniority_of"]


@dataclass(frozen=True, slots=True)
class Seniority:
    """
    The jobs of a list by age.

    :param oldest_first: All of them.
    :param is_certain: Whether anything but the usual order of lists says so.
    """

    oldest_first: tuple[Job, ...]
    is_certain: bool


def seniority_of(listed: Sequence[Job], *, known_before: Collection[str] | None = None) -> Seniority:
    """
    Sort a list of jobs by age.

    :param listed: All jobs of a resource type, in the list's order.
    :param known_before: Sids that an earlier reading of the list had; ``None`` if there was none.
    """
    keys: list[Callable[[Job], Any]] = [_submitted_on, _place_in_queue]
    if known_before is not None:
        keys.insert(0, lambda job: job.job_sid not in known_before)
    direction = next(filter(None, (_direction(listed, key) for key in keys)), 0)
    by_direction = tuple(listed if direction >= 0 else reversed(listed))
    by_place = tuple(sorted(listed, key=lambda job: _place_in_queue(job) or 0))
    if not do_places_differ(listed):
        is_certain = len(listed) < 2 or (direction != 0 and not is_sorted_by_sid(listed))
        return Seniority(by_direction, is_certain=is_certain)
    if direction and _waiting(by_direction) == _waiting(by_place):
        return Seniority(by_direction, is_certain=True)
    # What contradicts itself tells nothing, but all who look see the same places.
    return Seniority(by_place, is_certain=direction == 0 or is_sorted_by_sid(listed))


def is_sorted_by_sid(listed: Sequence[Job]) -> bool:
    """Whether the list is in the order of the jobs' sids, which says nothing of their age. Any two jobs are."""
    return _direction(listed, lambda job: job.job_sid) != 0


def do_places_differ(listed: Sequence[Job]) -> bool:
    """Whether several jobs wait in Twilio's queue, each at a place of its own: some servers show the same for all."""
    places = [_place_in_queue(job) for job in _waiting(listed)]
    return None not in places and len(set(places)) == len(places) > 1


def _waiting(listed: Sequence[Job]) -> list[Job]:
    return [job for job in listed if not job.is_finished]


def _direction(listed: Sequence[Job], key: Callable[[Job], Any]) -> int:
    """1 if the key grows along the list, -1 if it falls, 0 if it does neither, or both."""
    steps = set(_steps([value for job in listed if (value := key(job)) is not None]))
    return steps.pop() if len(steps) == 1 else 0


def _steps(values: Sequence[Any]) -> Iterator[int]:
    for one, other in pairwise(values):
        if one != other:
            yield 1 if one < other else -1


def _submitted_on(job: Job) -> str | None:
    marker = read_marker(job)
    return marker.submitted_on if marker else None


def _place_in_queue(job: Job) -> int | None:
    """Its place; ``None`` once it is finished, or if Twilio does not say."""
    return None if job.is_finished else job.job_queue_position or None
