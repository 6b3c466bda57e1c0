"""SubmissionTimeTrigger: a deferred task waits until it can submit. Import it from ``triggers.bulkexports``."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from airflow_provider_bulkexports.compat import BaseTrigger, Log, TriggerEvent
from airflow_provider_bulkexports.polling.heartbeat import HEARTBEAT_INTERVAL, shown_duration, shown_time
from airflow_provider_bulkexports.triggers.base import serialized

__all__ = ["SubmissionTimeTrigger", "log_time_left"]


class SubmissionTimeTrigger(BaseTrigger):
    """
    Fires once, when the days become exportable or the quota renews; sends nothing to Twilio.

    :param end_time: When to fire, in seconds since the epoch.
    :param start_time: When the wait began, for its log; the trigger's start by default.
    """

    def __init__(self, end_time: float = 0.0, start_time: float | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # untyped in Airflow
        self.end_time = end_time
        self.start_time = start_time

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Name the class and its arguments, all plain JSON."""
        return serialized(self)

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait; a clock that is set meanwhile is noticed at the next heartbeat."""
        began = time.time() if self.start_time is None else self.start_time
        while (left := self.end_time - time.time()) > 0:
            log_time_left(self.log, began=began, end=self.end_time)
            await asyncio.sleep(min(left, HEARTBEAT_INTERVAL))
        yield TriggerEvent(self.end_time)


def log_time_left(log: Log, *, began: float, end: float) -> None:
    """
    Say how long a wait for a known time still takes.

    :param began: In seconds since the epoch.
    :param end: The same.
    """
    now = time.time()
    log.info(
        "Waiting since %s UTC, until %s UTC: %s left",
        shown_time(began, now=now),
        shown_time(end, now=now),
        shown_duration(end - now),
    )
