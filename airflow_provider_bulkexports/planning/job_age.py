"""
Which of several jobs is the oldest, judged from Twilio's list, whose order is undocumented.

Twilio gives a job no time of creation. Evidence of a list's direction, the surest first:

1. jobs that an earlier reading of the list lacked are the newest;
2. the days of submission in this package's markers;
3. the positions of unfinished jobs in Twilio's queue.

A list sorted by the jobs' sids has no direction, even if some evidence suggests one. Then the positions, if they
differ, are the order. A list without any evidence counts as oldest first, because every recorded list was;
``is_certain`` is false then.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from airflow_provider_bulkexports.model.resources import Job
from airflow_provider_bulkexports.planning.identity import read_marker

__all__ = ["JobsByAge", "has_distinct_positions", "is_sorted_by_sid", "sort_by_age"]


@dataclass(frozen=True, slots=True)
class JobsByAge:
    """
    The jobs of a list by age.

    :param oldest_first: All of them.
    :param is_certain: Whether there is evidence, beyond the usual order of lists.
    """

    oldest_first: tuple[Job, ...]
    is_certain: bool


def sort_by_age(listed: Sequence[Job], *, known_before: Collection[str] | None = None) -> JobsByAge:
    """
    Sort a list of jobs by age.

    :param listed: All jobs of a resource type, in the list's order.
    :param known_before: Sids of an earlier reading of the list; ``None`` if there was none.
    """
    keys: list[Callable[[Job], Any]] = [_submitted_on, _queue_position]
    if known_before is not None:
        keys.insert(0, lambda job: job.job_sid not in known_before)
    direction = next(filter(None, (_direction(listed, key) for key in keys)), 0)
    by_direction = tuple(listed if direction >= 0 else reversed(listed))
    by_position = tuple(sorted(listed, key=lambda job: _queue_position(job) or 0))
    if not has_distinct_positions(listed):
        is_certain = len(listed) < 2 or (direction != 0 and not is_sorted_by_sid(listed))
        return JobsByAge(by_direction, is_certain=is_certain)
    if direction and _unfinished(by_direction) == _unfinished(by_position):
        return JobsByAge(by_direction, is_certain=True)
    # Contradictory evidence proves nothing, but all tasks see the same positions.
    return JobsByAge(by_position, is_certain=direction == 0 or is_sorted_by_sid(listed))


def is_sorted_by_sid(listed: Sequence[Job]) -> bool:
    """Whether the list is in the order of the jobs' sids, which says nothing about their age. Any two jobs are."""
    return _direction(listed, lambda job: job.job_sid) != 0


def has_distinct_positions(listed: Sequence[Job]) -> bool:
    """Whether several jobs wait in Twilio's queue, each at its own position: some servers show the same for all."""
    positions = [_queue_position(job) for job in _unfinished(listed)]
    return None not in positions and len(set(positions)) == len(positions) > 1


def _unfinished(listed: Sequence[Job]) -> list[Job]:
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


def _queue_position(job: Job) -> int | None:
    """Its position; ``None`` once it is finished, or if Twilio does not say."""
    return None if job.is_finished else job.job_queue_position or None
