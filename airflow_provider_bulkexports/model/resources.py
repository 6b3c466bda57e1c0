"""
Twilio's resources: resource types, jobs, day files, settings.

Parsing is tolerant (a field may be missing, null or of another type; unknown fields are kept in ``extra``), because the
documentation, the OpenAPI document and recorded responses disagree about shapes. What goes out is strict: see
:meth:`ResourceType.parse`, :func:`parse_job_sid` and ``model/days.py``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from dataclasses import fields as dataclass_fields
from datetime import date, datetime, timedelta
from enum import Enum
from functools import cache
from types import MappingProxyType
from typing import Any

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model import parsing
from airflow_provider_bulkexports.model.days import MAX_DAYS_PER_JOB, DayRange
from airflow_provider_bulkexports.model.details import StatusGroup, normalized, read_status_groups

__all__ = [
    "Export",
    "ExportConfiguration",
    "ExportDay",
    "Job",
    "ResourceType",
    "is_job_sid",
    "parse_job_sid",
    "parse_job_sids",
]


class ResourceType(str, Enum):
    """Types of records that can be exported, in Twilio's exact spelling."""

    MESSAGES = "Messages"
    CALLS = "Calls"
    CONFERENCES = "Conferences"
    PARTICIPANTS = "Participants"

    __str__ = str.__str__

    @classmethod
    def parse(cls, value: object, *, name: str = "resource_type") -> ResourceType:
        """
        Parse a resource type given by the user.

        :param name: Name of the value in an error.
        :raises BulkExportsInputError: for any other word, naming the right one if only the spelling is off.
        """
        if isinstance(value, str):
            if value in cls._value2member_map_:
                return cls(value)
            by_word = {normalized(member.value).rstrip("s"): member for member in cls}
            if meant := by_word.get(normalized(value).rstrip("s")):
                raise BulkExportsInputError(f"{name} {parsing.shown(value)}: write {meant.value!r}")
        known = ", ".join(repr(member.value) for member in cls)
        raise BulkExportsInputError(f"{name} {parsing.shown(value)} cannot be exported: use one of {known}")


@dataclass(frozen=True, slots=True)
class Job:
    """
    An export job (OpenAPI ``bulkexports.v1.export.export_custom_job`` and ``bulkexports.v1.export.job``).

    :param resource_type: ``None`` if the response lacks it, as some recorded ones do.
    :param start_day: First UTC day, inclusive.
    :param end_day: Last UTC day, inclusive; both are ``None`` if Twilio's range is longer than any job.
    :param details: Days grouped by status; empty if Twilio gave no information, or not yet.
    :param job_queue_position: Place in Twilio's queue; ``0`` for a finished job.
    :param estimated_completion_time: Twilio's estimate, in UTC; that of a finished job is in the past.
    :param extra: Fields that this package does not know.
    """

    job_sid: str
    friendly_name: str | None = None
    resource_type: ResourceType | None = None
    start_day: date | None = None
    end_day: date | None = None
    details: tuple[StatusGroup, ...] = ()
    job_queue_position: int | None = None
    estimated_completion_time: datetime | None = None
    webhook_url: str | None = None
    webhook_method: str | None = None
    email: str | None = None
    url: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def from_json(cls, payload: Mapping[str, Any], former: Job | None = None) -> Job:
        """
        Build a job from a response of any job operation.

        :param former: Job whose equal parts are reused, usually the same job in the last poll.
        """
        details, extra = read_status_groups(payload.get("details")), _unknown_fields(cls, payload)
        start_day, end_day = _plausible_range(payload)
        return cls(
            job_sid=parsing.text_or_none(payload.get("job_sid")) or "",
            friendly_name=parsing.text_or_none(payload.get("friendly_name")),
            resource_type=parsing.member_or_none(ResourceType, payload.get("resource_type")),
            start_day=start_day,
            end_day=end_day,
            details=former.details if former and former.details == details else details,
            job_queue_position=parsing.integer_or_none(payload.get("job_queue_position")),
            estimated_completion_time=parsing.moment_or_none(payload.get("estimated_completion_time")),
            webhook_url=parsing.text_or_none(payload.get("webhook_url"), parsing.LONGEST_URL),
            webhook_method=parsing.text_or_none(payload.get("webhook_method")),
            email=parsing.text_or_none(payload.get("email")),
            url=parsing.text_or_none(payload.get("url"), parsing.LONGEST_URL),
            extra=former.extra if former and former.extra == extra else extra,
        )

    @property
    def days(self) -> DayRange | None:
        """The days that the job exports; ``None`` if Twilio's response lacks them or they are impossible."""
        if self.start_day and self.end_day and 0 <= (self.end_day - self.start_day).days < MAX_DAYS_PER_JOB:
            return DayRange(self.start_day, self.end_day)
        return None

    @property
    def is_finished(self) -> bool:
        """Whether all days in its ``details`` are final."""
        return bool(self.details) and all(group.status.is_final for group in self.details)


@dataclass(frozen=True, slots=True)
class ExportDay:
    """
    A day file that can be downloaded (OpenAPI ``bulkexports.v1.export.day``).

    :param day: UTC day of the records.
    :param size: Bytes of the compressed file.
    :param create_date: Day on which the file was created; Twilio removes it seven days later.
    :param friendly_name: Name of its job; Twilio does not give the job's sid.
    """

    day: date
    size: int = 0
    create_date: date | None = None
    friendly_name: str | None = None
    resource_type: ResourceType | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def from_json(cls, payload: Mapping[str, Any]) -> ExportDay | None:
        """Build an entry of the Days list; ``None`` if it names no day."""
        day = parsing.day_or_none(payload.get("day"))
        if day is None:
            return None
        return cls(
            day=day,
            size=parsing.integer_or_none(payload.get("size")) or 0,
            create_date=parsing.day_or_none(payload.get("create_date")),
            friendly_name=parsing.text_or_none(payload.get("friendly_name")),
            resource_type=parsing.member_or_none(ResourceType, payload.get("resource_type")),
            extra=_unknown_fields(cls, payload),
        )


@dataclass(frozen=True, slots=True)
class Export:
    """
    The entry point of one resource type (OpenAPI ``bulkexports.v1.export``).

    :param links: URLs of the nested resources by name; the names have changed over time.
    """

    resource_type: ResourceType | None = None
    url: str | None = None
    links: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def from_json(cls, payload: Mapping[str, Any]) -> Export:
        """Build it from a response of ``FetchExport``."""
        return cls(
            resource_type=parsing.member_or_none(ResourceType, payload.get("resource_type")),
            url=parsing.text_or_none(payload.get("url"), parsing.LONGEST_URL),
            links=_texts(payload.get("links")),
            extra=_unknown_fields(cls, payload),
        )


@dataclass(frozen=True, slots=True)
class ExportConfiguration:
    """
    Settings of Twilio's automatic daily export (OpenAPI ``bulkexports.v1.export_configuration``).

    :param enabled: Whether Twilio exports every day automatically; needs a Twilio Editions account.
    :param webhook_url: ``None`` when unset (Twilio sends an empty string).
    :param webhook_method: ``GET`` or ``POST``; ``None`` when unset.
    """

    enabled: bool | None = None
    webhook_url: str | None = None
    webhook_method: str | None = None
    resource_type: ResourceType | None = None
    url: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def from_json(cls, payload: Mapping[str, Any]) -> ExportConfiguration:
        """Build it from a response of the configuration operations."""
        enabled = payload.get("enabled")
        return cls(
            enabled=enabled if isinstance(enabled, bool) else None,
            webhook_url=parsing.text_or_none(payload.get("webhook_url"), parsing.LONGEST_URL),
            webhook_method=parsing.text_or_none(payload.get("webhook_method")),
            resource_type=parsing.member_or_none(ResourceType, payload.get("resource_type")),
            url=parsing.text_or_none(payload.get("url"), parsing.LONGEST_URL),
            extra=_unknown_fields(cls, payload),
        )


def parse_job_sid(value: object) -> str:
    """
    Parse a job sid given by the user.

    :raises BulkExportsInputError: unless it is ``JS`` and 32 hexadecimal digits.
    """
    if isinstance(value, str) and is_job_sid(value):
        return value
    raise BulkExportsInputError(
        f"job_sid {parsing.shown(value)} is not a job sid: it is 'JS' and 32 hexadecimal digits, "
        "as CreateExportCustomJobOperator returns it"
    )


def parse_job_sids(value: object) -> tuple[str, ...]:
    """
    Parse a job sid or a list of them given by the user; each is returned once.

    :raises BulkExportsInputError: for an empty list, or an element that is not a job sid.
    """
    if isinstance(value, Mapping) and "job_sids" in value:
        raise BulkExportsInputError("job_sid is the whole result of a wait: write wait.output['job_sids']")
    sids: Any = [value] if isinstance(value, str) else value
    try:
        sids = tuple(sids)
    except TypeError:
        sids = ()
    if not sids:
        raise BulkExportsInputError(f"job_sid {parsing.shown(value)}: pass a job sid or a list of them")
    return tuple(dict.fromkeys(map(parse_job_sid, sids)))


def is_job_sid(value: str) -> bool:
    """Whether a text is a job sid: ``JS`` and 32 hexadecimal digits."""
    return _JOB_SID.fullmatch(value) is not None


def is_account_sid(value: object) -> bool:
    """Whether a value is an Account SID: ``AC`` and 32 hexadecimal digits."""
    return isinstance(value, str) and _ACCOUNT_SID.fullmatch(value) is not None


_JOB_SID = re.compile(r"JS[0-9a-fA-F]{32}")
_ACCOUNT_SID = re.compile(r"AC[0-9a-fA-F]{32}")


#: Shared, since few responses have unknown fields, and a list has thousands of elements.
_NOTHING: Mapping[str, Any] = MappingProxyType({})


def _unknown_fields(kind: type, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    known = _known_fields(kind)
    unknown = {key: value for key, value in payload.items() if key not in known}
    return parsing.bounded(unknown) if unknown else _NOTHING


def _plausible_range(payload: Mapping[str, Any]) -> tuple[date | None, date | None]:
    start, end = parsing.day_or_none(payload.get("start_day")), parsing.day_or_none(payload.get("end_day"))
    if start and end and end - start >= timedelta(days=MAX_DAYS_PER_JOB):
        return None, None
    return start, end


def _texts(value: Any) -> dict[str, str]:
    """The texts of an object, by name."""
    named = parsing.bounded(value) if isinstance(value, Mapping) else {}
    return {name: text for name, text in named.items() if isinstance(text, str)}


@cache
def _known_fields(kind: type) -> frozenset[str]:
    return frozenset(field.name for field in dataclass_fields(kind)) - {"extra"}
