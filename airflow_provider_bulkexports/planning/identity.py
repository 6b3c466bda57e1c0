"""
The marker in a job's FriendlyName, that lets a task find its job.

    nightly export [af-20260124-3f9c0a12be]
                       submit    identity
                       day

Twilio has no idempotency key and accepts the same job twice; the friendly name is the only text that comes back with a
job. The identity is a hash of what makes two submissions the same: dag, task, run, resource type and range. It omits
the try number (a retry wants the same job) and the map index (mapped tasks of the same days share a job).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import date, datetime

from airflow_provider_bulkexports.model import parsing
from airflow_provider_bulkexports.model.days import DayRange
from airflow_provider_bulkexports.model.resources import Job, ResourceType

__all__ = ["Marker", "base_of", "friendly_name", "identity_of", "read_marker"]

#: The length limit of FriendlyName is undocumented; 64 plain characters are safe.
MAX_FRIENDLY_NAME = 64

_MARKER = re.compile(r"\[af-([0-9]{8})-([0-9a-f]{10})\]")
_NOT_PLAIN = re.compile(r"[^ -~]+")
#: What ends a word of a name, for example of ``dag_id.task_id``.
_BETWEEN_WORDS = " ._-/:"


@dataclass(frozen=True, slots=True)
class Marker:
    """
    What the package adds to a job's friendly name.

    :param submitted_on: UTC day on which the job was submitted, ``yyyymmdd``.
    :param identity: Ten hexadecimal digits; see :func:`identity_of`.
    """

    submitted_on: str
    identity: str

    def __str__(self) -> str:
        return f"[af-{self.submitted_on}-{self.identity}]"

    @property
    def day(self) -> date:
        """``submitted_on`` as a date."""
        return datetime.strptime(self.submitted_on, "%Y%m%d").date()


def identity_of(
    *, dag_id: str, task_id: str, run_id: str, resource_type: ResourceType, days: DayRange, submission_key: str = ""
) -> str:
    """
    Hash what makes two submissions the same; ten hexadecimal digits.

    :param submission_key: Distinguishes a submission from others of the same task, if it has to be a new job.
    """
    parts = [dag_id, task_id, run_id, resource_type.value, days.start.isoformat(), days.end.isoformat()]
    if submission_key:
        parts.append(submission_key)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:10]


def friendly_name(base: str, *, identity: str, today: date) -> str:
    """
    Append the marker to a name, which is reduced to plain ASCII and, to fit, shortened at the end of a word.

    :param today: Current UTC day.
    """
    marker = str(Marker(today.strftime("%Y%m%d"), identity))
    plain = _shorten(_NOT_PLAIN.sub("?", base).strip(), MAX_FRIENDLY_NAME - len(marker) - 1)
    return f"{plain} {marker}".strip()


def _shorten(text: str, longest: int) -> str:
    """Cut a text after a word; within one only if that would lose more than half of what fits."""
    if len(text) <= longest:
        return text
    end = longest
    while end > longest // 2 and text[end] not in _BETWEEN_WORDS:
        end -= 1
    whole_words = text[:end].rstrip(_BETWEEN_WORDS)
    is_at_word_end = text[end] in _BETWEEN_WORDS
    return whole_words if is_at_word_end and whole_words else text[:longest].rstrip()


def read_marker(job: Job) -> Marker | None:
    """
    Find the marker in a job's friendly name; ``None`` for a job that this package did not submit.

    A marker with an invalid or absurd day, for example of the year 9999, is ignored.
    """
    # The last one: the text before it is the user's, who may have copied it from another job.
    for submitted_on, identity in reversed(_MARKER.findall(job.friendly_name or "")):
        if parsing.day_or_none(f"{submitted_on[:4]}-{submitted_on[4:6]}-{submitted_on[6:]}"):
            return Marker(submitted_on, identity)
    return None


def base_of(job: Job) -> str:
    """The text before the marker in a job's friendly name."""
    return (job.friendly_name or "").rpartition("[af-")[0].rstrip()
