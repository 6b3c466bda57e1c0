"""Twilio's list of jobs as a task saw it last, and how long ago."""

from __future__ import annotations

import time
from collections.abc import Sequence

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.model.resources import Job, ResourceType

__all__ = ["Listing"]

#: Seconds after which a look is too old to submit by: a process can be frozen for minutes between the two.
_FRESH_FOR = 10.0

#: After so many looks that take longer than that, the list is taken for a long one, not the process for frozen.
_SLOW_LOOKS = 2

#: A pause in which other tasks end their look is so many times as long as one of this task.
_PAUSE_IN_LOOKS = 3


class Listing:
    """
    The jobs of a resource type, as the last look showed them.

    Its age is measured by two clocks, as one of them may have stood still: the monotonic one does on a machine that is
    suspended, and the other one can be set back.
    """

    def __init__(self, client: BulkExportsClient, resource_type: ResourceType) -> None:
        self.jobs: Sequence[Job] = ()
        self._client = client
        self._resource_type = resource_type
        self._seen_at: tuple[float, float] | None = None
        self._slow_looks = 0
        self._last_look_took = 0.0

    def look(self) -> Sequence[Job]:
        """Read the list."""
        began = time.monotonic(), time.time()
        self.jobs = list(self._client.list_jobs(self._resource_type))
        self._last_look_took = _since(began)
        is_slow = self._last_look_took > _FRESH_FOR
        self._slow_looks = self._slow_looks + 1 if is_slow else 0
        self._seen_at = began if self._slow_looks <= _SLOW_LOOKS else (time.monotonic(), time.time())
        return self.jobs

    @property
    def pause(self) -> float:
        """Seconds in which other tasks end a look that they have begun."""
        return min(_PAUSE_IN_LOOKS * self._last_look_took, _FRESH_FOR)

    @property
    def sids(self) -> set[str]:
        """The jobs' sids."""
        return {job.job_sid for job in self.jobs}

    @property
    def is_stale(self) -> bool:
        """Whether too much time has passed since the look to submit by it."""
        return self._seen_at is None or _since(self._seen_at) > _FRESH_FOR


def _since(moment: tuple[float, float]) -> float:
    return max(time.monotonic() - moment[0], time.time() - moment[1])
