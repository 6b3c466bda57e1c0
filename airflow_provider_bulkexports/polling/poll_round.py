"""
One look of many waits: each question is asked once, and a list answers for many jobs where that is cheaper.

All of this runs in a poller's thread and blocks there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.api.json_body import ListCache
from airflow_provider_bulkexports.exceptions import (
    BulkExportsAuthError,
    BulkExportsConnectionError,
    BulkExportsError,
    BulkExportsNotFoundError,
    BulkExportsRateLimitError,
)
from airflow_provider_bulkexports.model.resources import ExportDay, Job, ResourceType
from airflow_provider_bulkexports.planning.pacing import PollSchedule
from airflow_provider_bulkexports.polling.wait_poller import as_poll_error
from airflow_provider_bulkexports.polling.waits import DayWait, JobWait, StaleCredentialsError, Wait

__all__ = ["PollRound", "PollerState"]

T = TypeVar("T")
OnJobs = Callable[[Iterable[str]], None]

#: Requests that may get no answer before the rest of a round is given up. One alone may be about an odd job.
_SILENCES = 2

#: Jobs that are asked for to see whether only the list fails. One of them may be what makes it fail.
_SAMPLES = 3

#: Failures of a list in a row after which it is suspected to be the list, and not Twilio, that fails.
_SUSPICIOUS = 3


@dataclass
class PollerState:
    """
    What a poller learned in its rounds.

    :param pages: Pages to read of each Jobs list until the awaited jobs were seen.
    :param types: Resource types of jobs whose waits did not say.
    :param unlisted: Jobs of unknown type that no list showed.
    :param list_failures: Failures in a row of each Jobs list.
    :param recollections: What each Jobs list showed the last time.
    :param unusable: Jobs lists of which was said that they cannot be read.
    """

    pages: dict[ResourceType, int] = field(default_factory=dict)
    types: dict[str, ResourceType] = field(default_factory=dict)
    unlisted: set[str] = field(default_factory=set)
    list_failures: dict[ResourceType, int] = field(default_factory=dict)
    unusable: set[ResourceType] = field(default_factory=set)
    recollections: dict[ResourceType, ListCache] = field(
        default_factory=lambda: {kind: ListCache(Job.from_json, key="job_sid") for kind in ResourceType}
    )


class PollRound:
    """
    Answers the requests of one poll, each sent once; an ``ExportsReader``.

    :param experience: What is known from former rounds; it grows.
    :param are_fresh: Whether the client's credentials were looked up just now.
    """

    def __init__(self, client: BulkExportsClient, state: PollerState, *, are_fresh: bool = False) -> None:
        self._client = client
        self._state = state
        self._are_fresh = are_fresh
        self._jobs: dict[str, Job] = {}
        self._errors: dict[str, BulkExportsError] = {}
        self._job_lists: dict[ResourceType, _JobList] = {}
        self._day_lists: dict[ResourceType, Sequence[ExportDay]] = {}
        self._silences = 0
        self._rate_limit: BulkExportsRateLimitError | None = None
        #: Seconds that Twilio asked to wait before the next round.
        self.pause_asked = 0.0
        self.has_read_lists = False
        self.has_failed = False

    def gather(self, waits: Iterable[Wait], *, on_jobs: OnJobs = lambda _: None) -> None:
        """
        Read the lists that are cheaper than the jobs of these waits one by one.

        :param on_jobs: Called with the sids that a page showed, as soon as it is read.
        """
        by_type: dict[ResourceType | None, set[str]] = {}
        for wait in waits:
            if isinstance(wait, JobWait):
                for sid in wait.job_sids:
                    kind = wait.resource_type or self._state.types.get(sid)
                    by_type.setdefault(kind, set()).add(sid)
        untyped = by_type.pop(None, set()) - self._state.unlisted
        for kind, wanted in by_type.items():
            assert kind is not None
            self._read_list(kind, wanted, on_jobs)
        self._find(untyped, on_jobs)

    def knows(self, wait: Wait | None) -> bool:
        """Whether the wait's questions are answered already."""
        if isinstance(wait, JobWait):
            return all(sid in self._jobs for sid in wait.job_sids)
        if isinstance(wait, DayWait):
            jobs = self._job_lists.get(wait.resource_type)
            return wait.resource_type in self._day_lists and jobs is not None and jobs.is_whole
        return False

    def knows_days(self, resource_type: ResourceType | None) -> bool:
        """Whether the list of day files of a resource type was read."""
        return resource_type in self._day_lists

    def get_job(self, job_sid: str) -> Job:
        """Fetch one job, unless it is known."""
        if job_sid in self._jobs:
            return self._jobs[job_sid]
        if job_sid in self._errors:
            raise self._errors[job_sid].with_traceback(None)
        try:
            job = self._ask(lambda: self._client.get_job(job_sid))
        except BulkExportsNotFoundError:
            raise  # and not kept: a single one is not believed
        except BulkExportsError as error:
            self._errors[job_sid] = error
            raise
        self._jobs[job_sid] = job
        if job.resource_type:
            self._state.types.setdefault(job_sid, job.resource_type)
        return job

    def list_jobs(self, resource_type: str) -> Iterable[Job]:
        """List all jobs of a resource type."""
        jobs = self._job_list(ResourceType(resource_type))
        while not jobs.is_whole:
            self._ask(jobs.read_page)
        return jobs.jobs.values()

    def list_days(self, resource_type: str) -> Iterable[ExportDay]:
        """List all day files of a resource type."""
        kind, key = ResourceType(resource_type), f"Days of {resource_type}"
        if key in self._errors:
            raise self._errors[key].with_traceback(None)
        if kind not in self._day_lists:
            try:
                self._day_lists[kind] = self._ask(lambda: list(self._client.list_days(kind)))
            except BulkExportsError as error:
                self._errors[key] = error
                raise
        return self._day_lists[kind]

    def _read_list(self, kind: ResourceType, wanted: set[str], on_jobs: OnJobs) -> None:
        """Read the list until it showed the wanted jobs, or proved to be longer than they are many."""
        wanted = wanted - self._jobs.keys()
        if len(wanted) <= self._state.pages.get(kind, 1):
            return
        jobs = self._job_list(kind)
        self.has_read_lists = True
        try:
            while not jobs.is_whole and jobs.pages < len(wanted) and not wanted <= jobs.jobs.keys():
                shown = self._ask(jobs.read_page)
                self._jobs.update((job.job_sid, job) for job in shown)
                on_jobs([job.job_sid for job in shown])
        except BulkExportsError as error:
            self._blame(kind, error, wanted - jobs.jobs.keys())
        else:
            self._state.list_failures[kind] = 0
            is_enough = jobs.is_whole or wanted <= jobs.jobs.keys()
            self._state.pages[kind] = max(jobs.pages, 1) if is_enough else len(wanted)

    def _blame(self, kind: ResourceType, error: BulkExportsError, missing: set[str]) -> None:
        """Let a failed list fail the jobs that it did not show, unless they can be had one by one."""
        self._state.list_failures[kind] = failures = self._state.list_failures.get(kind, 0) + 1
        if not error.is_transient and not isinstance(error, BulkExportsAuthError):
            self._say_unusable(kind, error)  # such as one that leads in circles
            return
        is_suspicious = failures >= _SUSPICIOUS and not isinstance(error, BulkExportsRateLimitError)
        if not (is_suspicious and any(map(self._can_be_fetched, sorted(missing)[:_SAMPLES]))):
            self._errors.update(dict.fromkeys(missing, error))

    def _say_unusable(self, kind: ResourceType, error: BulkExportsError) -> None:
        """Warn, once: a request for each job, time after time, is not what anybody expects."""
        if kind not in self._state.unusable:
            self._state.unusable.add(kind)
            logging.getLogger(__name__).warning(
                "The list of %s jobs cannot be read, so those that it did not show are asked for one by one: %s",
                kind,
                error,
            )

    def _find(self, untyped: set[str], on_jobs: OnJobs) -> None:
        """Learn the types of jobs: one job tells its own, and the list of that type shows others."""
        types = self._state.types
        tried: set[ResourceType] = set()
        while len(untyped) > 1 and len(tried) < len(ResourceType):
            first = min(untyped)
            kind = types.get(first) if self._can_be_fetched(first) else None
            if kind is None or kind in tried:
                kind = next(each for each in ResourceType if each not in tried)
            tried.add(kind)
            self._read_list(kind, untyped, on_jobs)
            types.update(dict.fromkeys(untyped & self._job_list(kind).jobs.keys(), kind))
            untyped = untyped - types.keys() - self._errors.keys()
        if len(tried) == len(ResourceType):
            self._state.unlisted |= untyped

    def _can_be_fetched(self, job_sid: str) -> bool:
        try:
            self.get_job(job_sid)
        except BulkExportsError:
            return False
        return True

    def _job_list(self, kind: ResourceType) -> _JobList:
        if kind not in self._job_lists:
            recollection = self._state.recollections[kind]
            self._job_lists[kind] = _JobList(self._client.list_job_pages(kind, recollection=recollection))
        return self._job_lists[kind]

    def _ask(self, question: Callable[[], T]) -> T:
        if self._silences >= _SILENCES:
            raise BulkExportsConnectionError("Twilio did not answer the other questions of this look")
        if self._rate_limit:
            raise self._rate_limit.with_traceback(None)
        try:
            answer = question()
        except BulkExportsNotFoundError:
            raise
        except BulkExportsError as error:
            self._learn_from(error)
            raise
        except Exception as error:  # a fault in reading one answer is the fault of that answer
            self.has_failed = True
            raise as_poll_error(error) from error
        self._silences = 0
        return answer

    def _learn_from(self, error: BulkExportsError) -> None:
        """
        Conclude from a failure what it means for the rest of the round.

        :raises StaleCredentialsError: if credentials were refused that may have been replaced.
        """
        self.has_failed = True
        if isinstance(error, BulkExportsConnectionError):
            self._silences += 1
        elif isinstance(error, BulkExportsRateLimitError):
            self._rate_limit = error
            self.pause_asked = PollSchedule(0).pause_after(1, retry_after=error.retry_after)
        elif isinstance(error, BulkExportsAuthError) and not self._are_fresh:
            raise StaleCredentialsError(str(error)) from error


class _JobList:
    """As much of a Jobs list as was read; an error of it stays."""

    def __init__(self, pages: Iterator[list[Job]]) -> None:
        self.jobs: dict[str, Job] = {}
        self.pages = 0
        self.is_whole = False
        self._pages = pages
        self._error: BulkExportsError | None = None

    def read_page(self) -> list[Job]:
        """Read the next page, and return its jobs; none if there is no further one."""
        if self._error:
            raise self._error.with_traceback(None)
        try:
            page = next(self._pages, None)
        except Exception as error:
            # An iterator that raised has ended: asked again, it would look like a list that was read to its end.
            self._error = as_poll_error(error)
            raise self._error from error
        if page is None:
            self.is_whole = True
            return []
        self.pages += 1
        self.jobs.update((job.job_sid, job) for job in page)
        return page
