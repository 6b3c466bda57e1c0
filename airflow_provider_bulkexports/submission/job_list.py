"""Twilio's list of jobs as a task last read it, and the age of that reading."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from airflow_provider_bulkexports.model.resources import Job, ResourceType

if TYPE_CHECKING:
    from airflow_provider_bulkexports.api.client import BulkExportsClient

__all__ = ["JobList"]

#: Seconds after which a list is too old to submit by: a process can be frozen for minutes between the two.
_FRESH_FOR = 10.0

#: After more consecutive reads that take longer than that, the list is long and the process was not frozen.
_MAX_SLOW_READS = 2

#: How many reads of this task fit into the time in which other tasks end the read they have begun.
_READS_TO_SETTLE = 3


class JobList:
    """
    The jobs of a resource type, as last read.

    The age is measured by two clocks because either may mislead: the monotonic one stands still while a machine is
    suspended, and the other one can be set back.
    """

    def __init__(self, client: BulkExportsClient, resource_type: ResourceType) -> None:
        self.jobs: Sequence[Job] = ()
        self._client = client
        self._resource_type = resource_type
        self._read_at: tuple[float, float] | None = None
        self._slow_reads = 0
        self._last_read_took = 0.0

    def refresh(self) -> Sequence[Job]:
        """
        Read the list.

        :raises BulkExportsError: if it cannot be read; the last reading stays.
        """
        began = time.monotonic(), time.time()
        self.jobs = list(self._client.list_jobs(self._resource_type))
        self._last_read_took = _since(began)
        is_slow = self._last_read_took > _FRESH_FOR
        self._slow_reads = self._slow_reads + 1 if is_slow else 0
        self._read_at = began if self._slow_reads <= _MAX_SLOW_READS else (time.monotonic(), time.time())
        return self.jobs

    @property
    def settle_seconds(self) -> float:
        """Seconds in which other tasks end a read that they have begun."""
        return min(_READS_TO_SETTLE * self._last_read_took, _FRESH_FOR)

    @property
    def sids(self) -> set[str]:
        """The jobs' sids."""
        return {job.job_sid for job in self.jobs}

    @property
    def is_stale(self) -> bool:
        """Whether the list is too old to submit by."""
        return self._read_at is None or _since(self._read_at) > _FRESH_FOR


def _since(moment: tuple[float, float]) -> float:
    return max(time.monotonic() - moment[0], time.time() - moment[1])
