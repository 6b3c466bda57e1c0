"""Read a job's ``details``, the days or number of days in each status, in every shape and spelling that Twilio uses."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import Enum
from functools import lru_cache
from itertools import islice
from typing import Any

from airflow_provider_bulkexports.model import parsing

__all__ = ["DayStatus", "StatusGroup", "normalized", "read_status_groups"]

log = logging.getLogger(__name__)

#: Longest word that can be a status, twice as long as Twilio's longest.
_LONGEST_WORD = 60

#: Most levels of objects around the groups in ``details``.
_MOST_LEVELS = 3

#: Most groups of one job, and days in them. A job has 366 days, and each may have its own group. The limit bounds the
#: memory for a list of a thousand jobs, which is cached.
_MOST_GROUPS = 1_000
_MOST_DAYS = 1_000


class DayStatus(Enum):
    """
    State of one day inside a job (OpenAPI document, ``export_custom_job_enum_status``).

    ``UNKNOWN`` is ours, for a word that Twilio's enum lacks. It counts as not final.
    """

    SUBMITTED = "Submitted"
    RUNNING = "Running"
    ERROR_DURING_RUN = "ErrorDuringRun"
    COMPLETED = "Completed"
    COMPLETED_EMPTY_RECORDS = "CompletedEmptyRecords"
    FAILED = "Failed"
    RUNNING_TO_BE_DELETED = "RunningToBeDeleted"
    DELETED_BY_USER_REQUEST = "DeletedByUserRequest"
    UNKNOWN = "Unknown"

    __hash__ = object.__hash__  # each member exists once; Enum's own hash is slow, and there are many days

    @classmethod
    def parse(cls, value: object) -> DayStatus:
        """Parse a status in any case and punctuation; an unknown word is logged once and is ``UNKNOWN``."""
        word = normalized(value[:_LONGEST_WORD]) if isinstance(value, str) else ""
        status = _STATUS_BY_WORD.get(word)
        if status is None:
            _warn_unknown_status(parsing.shown(value, _LONGEST_WORD))
            return cls.UNKNOWN
        return status

    @property
    def is_exported(self) -> bool:
        """Whether the day's records, possibly none, are available."""
        return self in (DayStatus.COMPLETED, DayStatus.COMPLETED_EMPTY_RECORDS)

    @property
    def is_deleted(self) -> bool:
        """Whether a delete request has removed the day from the job, or is about to."""
        return self in (DayStatus.RUNNING_TO_BE_DELETED, DayStatus.DELETED_BY_USER_REQUEST)

    @property
    def is_lost(self) -> bool:
        """Whether the job will not export the day."""
        return self.is_deleted or self is DayStatus.FAILED

    @property
    def is_final(self) -> bool:
        """Whether the status will not change. ``ErrorDuringRun`` is not final: Twilio runs the day again."""
        return self.is_exported or self.is_lost


@dataclass(frozen=True, slots=True)
class StatusGroup:
    """
    One element of a job's ``details``: the number of days in a status, and usually which.

    :param days: The days, ascending as Twilio lists them; empty when it gave only the count.
    """

    status: DayStatus
    count: int
    days: tuple[date, ...] = ()


def normalized(text: str) -> str:
    """Reduce a word to its lower-case letters, to compare spellings."""
    return re.sub(r"[^a-z]", "", text.lower())


_STATUS_BY_WORD = {normalized(status.value): status for status in DayStatus if status is not DayStatus.UNKNOWN}


_unknown_words = parsing.Once()


def _warn_unknown_status(word: str) -> None:
    if _unknown_words.is_new(word):
        log.warning("Unknown day status %s from Twilio; treating the day as unfinished", word)


def read_status_groups(details: Any) -> tuple[StatusGroup, ...]:
    """
    Read every shape of ``details`` that was documented or observed, or that the documentation allows.

    These are null, an object, an array, an array of an empty object, and objects whose names are the statuses:
    ``{"Completed": {"count": 2, "days": […]}, "Running": ["2026-01-03"], "Failed": 1}``.
    """
    return _shared(tuple(_bounded(_status_groups(details))))


def _bounded(groups: Iterable[StatusGroup]) -> Iterator[StatusGroup]:
    """Limit the groups and days to what one job can have."""
    days_left = _MOST_DAYS
    for group in islice(groups, _MOST_GROUPS):
        if len(group.days) > days_left:
            group = replace(group, days=group.days[:days_left])
        days_left -= len(group.days)
        yield group


@lru_cache(maxsize=8192)
def _shared(groups: tuple[StatusGroup, ...]) -> tuple[StatusGroup, ...]:
    """Keep equal groups once: jobs of the same days have the same ones, in every poll."""
    return groups


def _status_groups(details: Any, levels: int = _MOST_LEVELS) -> Iterator[StatusGroup]:
    for element in parsing.as_list(details):
        if not isinstance(element, Mapping):
            continue
        if element.get("status") is not None:
            yield _group(element["status"], count=element.get("count"), days=element.get("days"))
        elif levels:
            for name, value in element.items():
                if _is_status(name, value):
                    yield from _groups_of(name, value)
                else:
                    yield from _status_groups(value, levels - 1)


def _is_status(name: str, value: Any) -> bool:
    """Whether a name in an object is a status: a known word, or any word whose value has days or a count."""
    word = normalized(name[:_LONGEST_WORD])
    if word in _STATUS_BY_WORD:
        return True
    is_group = isinstance(value, Mapping) and value.get("status") is None and ("days" in value or "count" in value)
    return bool(word) and is_group


def _groups_of(status: str, value: Any) -> Iterator[StatusGroup]:
    """The groups that an object has under the name of a status; none for null, zero and empty values."""
    elements = parsing.as_list(value)
    groups = [element for element in elements if isinstance(element, Mapping)]
    for element in groups:
        if element.get("status") is not None:
            yield from _status_groups(element)
        else:
            group = _group(status, count=element.get("count"), days=element.get("days") or element.get("day"))
            if group.count:
                yield group
    if days := parsing.days([element for element in elements if not isinstance(element, Mapping)]):
        yield _group(status, count=None, days=days)
    elif not isinstance(value, list) and (count := parsing.integer_or_none(value, capped=True)):
        yield _group(status, count=count, days=None)


def _group(status: Any, *, count: Any, days: Any) -> StatusGroup:
    named = days if isinstance(days, tuple) else parsing.days(days)
    return StatusGroup(
        DayStatus.parse(status), max(parsing.integer_or_none(count, capped=True) or 0, len(named)), named
    )
