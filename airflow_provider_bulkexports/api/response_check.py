"""Check that a response is about what was requested, by comparing what it repeats of the request."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from airflow_provider_bulkexports.exceptions import BulkExportsResponseError
from airflow_provider_bulkexports.model import parsing
from airflow_provider_bulkexports.model.days import DayRange
from airflow_provider_bulkexports.model.resources import (
    Export,
    ExportConfiguration,
    ExportDay,
    Job,
    ResourceType,
    is_job_sid,
)

__all__ = ["configuration_about", "created_job", "export_about", "listed_days", "listed_jobs", "the_job"]

log = logging.getLogger(__name__)

#: Least characters of a name that may be the beginning of the one that was sent, cut by Twilio.
_CUT_NAME = 32

_ignored = parsing.Once()

_CHECK_PROXY = "Retry; if it persists, check whether a proxy or cache answers in Twilio's place."
_SEARCH_JOB = "Look for the job in the Jobs list."

_Read = TypeVar("_Read", Export, ExportConfiguration)


def the_job(payload: Mapping[str, Any], *, job_sid: str) -> Job:
    """
    Read the response to a request for a job.

    :raises BulkExportsResponseError: if it is about another job; transient, since Twilio does not do that.
    """
    job = Job.from_json(payload)
    if job.job_sid.lower() != job_sid.lower():
        raise BulkExportsResponseError(
            f"Requested job {job_sid}, but the response is about {_name_of(job)}", remedy=_CHECK_PROXY
        )
    return job


def created_job(payload: Mapping[str, Any], *, resource_type: ResourceType, days: DayRange, friendly_name: str) -> Job:
    """
    Read the response to a submission.

    :raises BulkExportsResponseError: if it names no job, or one that differs from the submission. It is then unknown
        whether Twilio created the right one.
    """
    job = Job.from_json(payload)
    if not is_job_sid(job.job_sid):
        raise BulkExportsResponseError(
            f"The response to the submission has no valid job sid ({parsing.shown(job.job_sid)})",
            remedy=_SEARCH_JOB,
        )
    sent = {"resource_type": resource_type, "start_day": days.start, "end_day": days.end}
    wrong = [name for name, value in sent.items() if getattr(job, name) not in (None, value)]
    if not _is_same_name(job.friendly_name, friendly_name):
        wrong.append("friendly_name")
    if wrong:
        raise BulkExportsResponseError(
            f"The response to the submission of {friendly_name!r} is about another job, {job.job_sid}: "
            f"{' and '.join(wrong)} {'do' if len(wrong) > 1 else 'does'} not match",
            remedy=_SEARCH_JOB,
        )
    return job


def export_about(payload: Mapping[str, Any], *, resource_type: ResourceType) -> Export:
    """Read the entry point of a resource type; see :func:`_about`."""
    return _about(Export.from_json(payload), resource_type)


def configuration_about(payload: Mapping[str, Any], *, resource_type: ResourceType) -> ExportConfiguration:
    """Read the settings of a resource type; see :func:`_about`."""
    return _about(ExportConfiguration.from_json(payload), resource_type)


def _about(read: _Read, resource_type: ResourceType) -> _Read:
    """
    Return what was read, if it is about the requested resource type or names none.

    :raises BulkExportsResponseError: if it is about another resource type.
    """
    if read.resource_type not in (None, resource_type):
        raise BulkExportsResponseError(
            f"Requested {resource_type}, but the response is about {read.resource_type}", remedy=_CHECK_PROXY
        )
    return read


def listed_jobs(elements: Iterable[Any], resource_type: ResourceType) -> Iterator[Job]:
    """Yield the jobs of a list. Other elements, and jobs of another resource type, are logged once and left out."""
    for element in elements:
        if not isinstance(element, Job) or not is_job_sid(element.job_sid):
            _ignore(f"an entry without a job sid in the list of {resource_type} jobs")
        elif element.resource_type not in (None, resource_type):
            _ignore(f"a job of {element.resource_type} in the list of {resource_type} jobs")
        else:
            yield element


def listed_days(elements: Iterable[Any], resource_type: ResourceType) -> Iterator[ExportDay]:
    """Yield the files of a list. Other elements, and files of another resource type, are logged once and left out."""
    for element in elements:
        if not isinstance(element, ExportDay):
            _ignore(f"an entry without a day in the list of {resource_type} files")
        elif element.resource_type not in (None, resource_type):
            _ignore(f"a file of {element.resource_type} in the list of {resource_type} files")
        else:
            yield element


def _ignore(what: str) -> None:
    if _ignored.is_new(what):
        log.warning("Ignored %s in a response from Twilio", what)


def _name_of(job: Job) -> str:
    return parsing.shown(job.job_sid) if job.job_sid else "a job without a job_sid"


def _is_same_name(received: str | None, sent: str) -> bool:
    """Whether a name is the one that was sent, allowing for a cut, other white space and replaced characters."""
    if not received:
        return True
    is_cut = len(received) >= _CUT_NAME and sent.startswith(received)
    return is_cut or _plain(received) == _plain(sent)


def _plain(name: str) -> str:
    """The part of a name that no change of encoding affects: letters and digits of ASCII."""
    return "".join(character for character in name if character.isascii() and character.isalnum())
