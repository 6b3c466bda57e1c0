"""
What an error means for a task: fail without retries, or fail and let Airflow retry.

    AirflowException
    ├── BulkExportsTaskError             a retry may help: Twilio is down, too many requests, days to resubmit
    └── AirflowFailException
        └── BulkExportsTaskFailure       a retry cannot: bad input, bad credentials, a deleted job
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow_provider_bulkexports.compat import AirflowException, AirflowFailException
from airflow_provider_bulkexports.exceptions import BulkExportsError

__all__ = ["BulkExportsTaskError", "BulkExportsTaskFailure", "as_task_failures", "task_failure"]


class BulkExportsTaskError(AirflowException):
    """The task fails; a retry may succeed."""


class BulkExportsTaskFailure(AirflowFailException):
    """The task fails without a retry, which would fail the same way."""


def task_failure(error: BulkExportsError) -> AirflowException:
    """Translate an error of this package into the Airflow exception that fails the task, with or without retries."""
    return (BulkExportsTaskError if error.is_transient else BulkExportsTaskFailure)(str(error))


@contextmanager
def as_task_failures() -> Iterator[None]:
    """Translate the errors raised in the block; see :func:`task_failure`."""
    try:
        yield
    except BulkExportsError as error:
        raise task_failure(error) from error
