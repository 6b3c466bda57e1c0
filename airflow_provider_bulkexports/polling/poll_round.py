"""
One poll of many waits: each request is sent once, and a list answers for many jobs where that is cheaper.

All of this runs, and blocks, in a thread of the poller.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

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
from airflow_provider_bulkexports.polling.waits import Needs, StaleCredentialsError

if TYPE_CHECKING:
    from airflow_provider_bulkexports.api.client import BulkExportsClient

__all__ = ["PollRound", "PollerState"]

T = TypeVar("T")

#: Consecutive requests without a response that end the round. A single one may concern an odd job.
_MAX_UNANSWERED = 2

#: Jobs to fetch one by one, to see whether only the list fails. One of them may be the reason why it fails.
_SAMPLES = 3

#: Consecutive failures of a list from which on the list is suspected, and not Twilio as a whole.
_SUSPICIOUS = 3


@dataclass
class PollerState:
    """
    What a poller learned in its rounds.

    :param pages: Pages of each Jobs list to read until all awaited jobs were seen.
    :param types: Resource types of jobs whose waits did not name one.
    :param unlisted: Jobs of unknown type that are in none of the lists.
    :param list_failures: Consecutive failures of each Jobs list.
    :param unusable: Jobs lists that cannot be read, as the log says already.
    :param list_caches: The elements of each Jobs list as of the last round.
    """

    pages: dict[ResourceType, int] = field(default_factory=dict)
    types: dict[str, ResourceType] = field(default_factory=dict)
    unlisted: set[str] = field(default_factory=set)
    list_failures: dict[ResourceType, int] = field(default_factory=dict)
    unusable: set[ResourceType] = field(default_factory=set)
    list_caches: dict[ResourceType, ListCache] = field(
        default_factory=lambda: {kind: ListCache(Job.from_json, key="job_sid") for kind in ResourceType}
    )


class PollRound:
    """
    Answers the requests of one poll, each sent once; an ``ExportsReader``.

    :param state: What former rounds learned; this one adds to it.
    :param are_fresh: Whether the client's credentials were looked up just now.
    :param before_request: Called before each request that is sent.
    """

    def __init__(
        self,
        client: BulkExportsClient,
        state: PollerState,
        *,
        are_fresh: bool = False,
        before_request: Callable[[], None] = lambda: None,
    ) -> None:
        self._client = client
        self._state = state
        self._are_fresh = are_fresh
        self._before_request = before_request
        self._jobs: dict[str, Job] = {}
        self._errors: dict[str, BulkExportsError] = {}
        self._job_lists: dict[ResourceType, _JobList] = {}
        self._day_lists: dict[ResourceType, Sequence[ExportDay]] = {}
        self._unanswered = 0
        self._rate_limit: BulkExportsRateLimitError | None = None
        #: Seconds to pause before the next round, as Twilio asked.
        self.pause_asked = 0.0
        self.has_read_lists = False
        self.has_failed = False

    @property
    def account_sid(self) -> str | None:
        """Account of the client's credentials, if known."""
        return self._client.account_sid

    def prefetch(self, needs: Iterable[Needs]) -> Iterator[list[str]]:
        """Read the lists that are cheaper than fetching the jobs one by one; yield the sids of each page."""
        by_type: dict[ResourceType | None, set[str]] = {}
        for need in needs:
            for sid in need.job_sids:
                by_type.setdefault(need.job_type or self._state.types.get(sid), set()).add(sid)
        untyped = by_type.pop(None, set()) - self._state.unlisted
        for kind, wanted in by_type.items():
            assert kind is not None
            yield from self._read_list(kind, wanted)
        yield from self._discover_types(untyped)

    def has_answers_for(self, needs: Needs) -> bool:
        """Whether a poll with these needs would send no request."""
        return (
            all(sid in self._jobs for sid in needs.job_sids)
            and all(kind in self._day_lists for kind in needs.day_lists)
            and all(kind in self._job_lists and self._job_lists[kind].is_whole for kind in needs.job_lists)
        )

    def get_job(self, job_sid: str) -> Job:
        """Fetch one job, unless this round has it."""
        if job_sid in self._jobs:
            return self._jobs[job_sid]
        if job_sid in self._errors:
            raise self._errors[job_sid].with_traceback(None)
        try:
            job = self._send(lambda: self._client.get_job(job_sid))
        except BulkExportsNotFoundError:
            raise  # and not kept: a single 404 may be wrong
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
            self._send(jobs.read_page)
        return jobs.jobs.values()

    def list_days(self, resource_type: str) -> Iterable[ExportDay]:
        """List all day files of a resource type."""
        kind, key = ResourceType(resource_type), f"Days of {resource_type}"
        if key in self._errors:
            raise self._errors[key].with_traceback(None)
        if kind not in self._day_lists:
            try:
                self._day_lists[kind] = self._send(lambda: list(self._client.list_days(kind)))
            except BulkExportsError as error:
                self._errors[key] = error
                raise
        return self._day_lists[kind]

    def _read_list(self, kind: ResourceType, wanted: set[str]) -> Iterator[list[str]]:
        """Read the list until it has shown the wanted jobs, or has more pages than there are wanted jobs."""
        wanted = wanted - self._jobs.keys()
        if len(wanted) <= self._state.pages.get(kind, 1):
            return
        jobs = self._job_list(kind)
        self.has_read_lists = True
        try:
            while not jobs.is_whole and jobs.pages < len(wanted) and not wanted <= jobs.jobs.keys():
                page = self._send(jobs.read_page)
                self._jobs.update((job.job_sid, job) for job in page)
                yield [job.job_sid for job in page]
        except BulkExportsError as error:
            self._record_list_failure(kind, error, wanted - jobs.jobs.keys())
        else:
            self._state.list_failures[kind] = 0
            is_enough = jobs.is_whole or wanted <= jobs.jobs.keys()
            self._state.pages[kind] = max(jobs.pages, 1) if is_enough else len(wanted)

    def _record_list_failure(self, kind: ResourceType, error: BulkExportsError, missing: set[str]) -> None:
        """Let a failed list fail the jobs that it did not show, unless they can be fetched one by one."""
        self._state.list_failures[kind] = failures = self._state.list_failures.get(kind, 0) + 1
        if not error.is_transient and not isinstance(error, BulkExportsAuthError):
            self._warn_unusable(kind, error)  # for example a list whose pages form a loop
            return
        is_suspicious = failures >= _SUSPICIOUS and not isinstance(error, BulkExportsRateLimitError)
        if not (is_suspicious and any(map(self._can_be_fetched, sorted(missing)[:_SAMPLES]))):
            self._errors.update(dict.fromkeys(missing, error))

    def _warn_unusable(self, kind: ResourceType, error: BulkExportsError) -> None:
        """Warn once: from now on each poll sends a request for each job, which nobody expects."""
        if kind not in self._state.unusable:
            self._state.unusable.add(kind)
            logging.getLogger(__name__).warning(
                "Cannot read the list of %s jobs; fetching the missing jobs one by one: %s", kind, error
            )

    def _discover_types(self, untyped: set[str]) -> Iterator[list[str]]:
        """Find the types of jobs: a job says its own, and the list of that type shows others."""
        types = self._state.types
        tried: set[ResourceType] = set()
        while len(untyped) > 1 and len(tried) < len(ResourceType):
            first = min(untyped)
            kind = types.get(first) if self._can_be_fetched(first) else None
            if kind is None or kind in tried:
                kind = next(each for each in ResourceType if each not in tried)
            tried.add(kind)
            yield from self._read_list(kind, untyped)
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
            cache = self._state.list_caches[kind]
            self._job_lists[kind] = _JobList(self._client.list_job_pages(kind, recollection=cache))
        return self._job_lists[kind]

    def _send(self, request: Callable[[], T]) -> T:
        if self._unanswered >= _MAX_UNANSWERED:
            raise BulkExportsConnectionError("Not requested: Twilio had stopped responding to this poll")
        if self._rate_limit:
            raise self._rate_limit.with_traceback(None)
        self._before_request()
        try:
            response = request()
        except BulkExportsNotFoundError:
            raise
        except BulkExportsError as error:
            self._learn_from(error)
            raise
        except Exception as error:  # a bug in reading one response concerns that response only
            self.has_failed = True
            raise as_poll_error(error) from error
        self._unanswered = 0
        return response

    def _learn_from(self, error: BulkExportsError) -> None:
        """
        Conclude from a failure what it means for the rest of the round.

        :raises StaleCredentialsError: if the refused credentials may have been replaced.
        """
        self.has_failed = True
        if isinstance(error, BulkExportsConnectionError):
            self._unanswered += 1
        elif isinstance(error, BulkExportsRateLimitError):
            self._rate_limit = error
            self.pause_asked = PollSchedule(0).pause_after(1, retry_after=error.retry_after)
        elif isinstance(error, BulkExportsAuthError) and not self._are_fresh:
            raise StaleCredentialsError(str(error)) from error


class _JobList:
    """The pages of a Jobs list that were read so far. Its error, if any, is kept."""

    def __init__(self, pages: Iterator[list[Job]]) -> None:
        self.jobs: dict[str, Job] = {}
        self.pages = 0
        self.is_whole = False
        self._pages = pages
        self._error: BulkExportsError | None = None

    def read_page(self) -> list[Job]:
        """Read the next page, and return its jobs; none if there is no further page."""
        if self._error:
            raise self._error.with_traceback(None)
        try:
            page = next(self._pages, None)
        except Exception as error:
            # An iterator that raised has ended: the next call would take the list for whole.
            self._error = as_poll_error(error)
            raise self._error from error
        if page is None:
            self.is_whole = True
            return []
        self.pages += 1
        self.jobs.update((job.job_sid, job) for job in page)
        return page
