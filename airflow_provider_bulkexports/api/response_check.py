"""Whether an answer is about what was asked for: what it repeats of the question is compared, where it repeats it."""

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

#: Characters from which a name that is the beginning of the one that was sent is taken for that one, cut.
_CUT_NAME = 32

_said = parsing.Once()

_Read = TypeVar("_Read", Export, ExportConfiguration)


def the_job(payload: Mapping[str, Any], *, job_sid: str) -> Job:
    """
    Read the answer to a question about a job.

    :raises BulkExportsResponseError: if it is about another one; transient, since no server of Twilio's means it.
    """
    job = Job.from_json(payload)
    if job.job_sid.lower() != job_sid.lower():
        raise BulkExportsResponseError(
            f"Twilio was asked for job {job_sid} and answered for {_name_of(job)}: ask again, and check whether a "
            "proxy or cache stands before Twilio"
        )
    return job


def created_job(payload: Mapping[str, Any], *, resource_type: ResourceType, days: DayRange, friendly_name: str) -> Job:
    """
    Read the answer to a submission.

    :raises BulkExportsResponseError: if it names no job, or one that was not submitted so: whether Twilio created the
        right one is then unknown.
    """
    job = Job.from_json(payload)
    if not is_job_sid(job.job_sid):
        raise BulkExportsResponseError(
            f"Twilio answered the submission with {_name_of(job)} instead of a job's sid: look for it in the Jobs list"
        )
    asked = {"resource_type": resource_type, "start_day": days.start, "end_day": days.end}
    wrong = [name for name, value in asked.items() if getattr(job, name) not in (None, value)]
    if not _is_same_name(job.friendly_name, friendly_name):
        wrong.append("friendly_name")
    if wrong:
        raise BulkExportsResponseError(
            f"Twilio answered the submission of {friendly_name!r} with job {job.job_sid}, whose {' and '.join(wrong)} "
            "was not asked for, so the answer is about another job: look for the right one in the Jobs list"
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
    Return what was read, if it is about the resource type that was asked for, or does not say.

    :raises BulkExportsResponseError: if it is about another one.
    """
    if read.resource_type not in (None, resource_type):
        raise BulkExportsResponseError(
            f"Twilio was asked about {resource_type} and answered about {read.resource_type}: ask again, and check "
            "whether a proxy or cache stands before Twilio"
        )
    return read


def listed_jobs(elements: Iterable[Any], resource_type: ResourceType) -> Iterator[Job]:
    """Yield the jobs of a list, without elements that are none, or none of the resource type; logged once."""
    for element in elements:
        if not isinstance(element, Job) or not is_job_sid(element.job_sid):
            _ignore(f"an element of the list of {resource_type} jobs without a job's sid")
        elif element.resource_type not in (None, resource_type):
            _ignore(f"a job of {element.resource_type} in the list of {resource_type} jobs")
        else:
            yield element


def listed_days(elements: Iterable[Any], resource_type: ResourceType) -> Iterator[ExportDay]:
    """Yield the day files of a list, without elements that are none, or none of the resource type; logged once."""
    for element in elements:
        if not isinstance(element, ExportDay):
            _ignore(f"an element of the list of {resource_type} files without a day")
        elif element.resource_type not in (None, resource_type):
            _ignore(f"a file of {element.resource_type} in the list of {resource_type} files")
        else:
            yield element


def _ignore(what: str) -> None:
    if _said.is_new(what):
        log.warning("Twilio answered with %s; it is ignored", what)


def _name_of(job: Job) -> str:
    return parsing.shown(job.job_sid) if job.job_sid else "a job without its job_sid"


def _is_same_name(answered: str | None, asked: str) -> bool:
    """Whether a name is the one that was sent, perhaps cut, or with other white space or replaced characters."""
    if not answered:
        return True
    is_cut = len(answered) >= _CUT_NAME and asked.startswith(answered)
    return is_cut or _plain(answered) == _plain(asked)


def _plain(name: str) -> str:
    """What of a name survives every way: letters and digits of ASCII."""
    return "".join(character for character in name if character.isascii() and character.isalnum())
