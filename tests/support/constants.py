"""Values that many tests use."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

from airflow_provider_bulkexports.api.retry import RetryPolicy

__all__ = ["NOON", "QUICK", "quick"]

#: Noon of a day on which the days of January 2026 have long been exportable.
NOON = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)

#: Retries without waits, so that tests of faults do not sleep.
QUICK = RetryPolicy(max_retries=3, backoff_factor=0.0, max_wait=0.0)


def quick(max_retries: int = QUICK.max_retries) -> RetryPolicy:
    """A policy with at most this many retries and no waits."""
    return replace(QUICK, max_retries=min(max_retries, QUICK.max_retries))
