"""A job's ``details``: which days, or how many, are in which status, in whatever shape and spelling Twilio says it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from functools import cache, lru_cache
from typing import Any

from airflow_provider_bulkexports.api import fields

__all__ = ["DayStatus", "StatusGroup", "letters", "read_status_groups"]

log = logging.getLogger(__name__)


class DayStatus(Enum):
    """
    State of one day inside a job (OpenAPI document, ``export_custom_job_enum_status``).

    ``UNKNOWN`` is ours: a word Twilio's enum does not have. It counts as not final.
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

    __hash__ = object.__hash__  # members are single; Enum's own hash is slow, and days are many

    @classmethod
    def parse(cls, value: object) -> DayStatus:
        """Read a status whatever its case and punctuation; an unknown word is logged once and is ``UNKNOWN``."""
        word = letters(value) if isinstance(value, str) else ""
        status = _STATUS_BY_WORD.get(word)
        if status is None:
            _warn_unknown_status(str(value))
            return cls.UNKNOWN
        return status

    @property
    def is_exported(self) -> bool:
        """Whether the day's records, possibly none, are available."""
        return self in (DayStatus.COMPLETED, DayStatus.COMPLETED_EMPTY_RECORDS)

    @property
    def is_deleted(self) -> bool:
        """Whether the day was, or is about to be, taken out of the job by a delete request."""
        return self in (DayStatus.RUNNING_TO_BE_DELETED, DayStatus.DELETED_BY_USER_REQUEST)

    @property
    def is_lost(self) -> bool:
        """Whether the job will not bring the day's records."""
        return self.is_deleted or self is DayStatus.FAILED

    @property
    def is_final(self) -> bool:
        """Whether waiting longer changes nothing. ``ErrorDuringRun`` is not final: Twilio runs the day again."""
        return self.is_exported or self.is_lost


@dataclass(frozen=True, slots=True)
class StatusGroup:
    """
    One element of a job's ``details``: how many days, and usually which, are in a status.

    :param days: The days, ascending as Twilio lists them; empty when it gave only the count.
    """

    status: DayStatus
    count: int
    days: tuple[date, ...] = ()


def letters(text: str) -> str:
    """Reduce a word to what counts when spellings differ in case and punctuation."""
    return re.sub(r"[^a-z]", "", text.lower())


_STATUS_BY_WORD = {letters(status.value): status for status in DayStatus if status is not DayStatus.UNKNOWN}


@cache
def _warn_unknown_status(word: str) -> None:
    log.warning("Twilio reported the unknown day status %r; it counts as not final", word)


def read_status_groups(details: Any) -> tuple[StatusGroup, ...]:
    """Read every shape of ``details`` that was documented or seen: null, object, array, array of an empty object."""
    return _shared(tuple(_status_groups(details)))


@lru_cache(maxsize=8192)
def _shared(groups: tuple[StatusGroup, ...]) -> tuple[StatusGroup, ...]:
    """Keep equal ones once: jobs of the same days say the same, and say it again at every look."""
    return groups


def _status_groups(details: Any) -> Iterator[StatusGroup]:
    if isinstance(details, Mapping):
        if "status" in details:
            details = [details]
        else:
            details = [element for value in details.values() for element in fields.as_list(value)]
    for element in fields.as_list(details):
        if not isinstance(element, Mapping) or element.get("status") is None:
            continue
        days = fields.days(element.get("days"))
        yield StatusGroup(
            status=DayStatus.parse(element["status"]),
            count=max(fields.integer(element.get("count")) or 0, len(days)),
            days=days,
        )
