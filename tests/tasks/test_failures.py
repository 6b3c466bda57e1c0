"""Errors end a task without retries if a retry cannot help."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_provider_bulkexports import exceptions
from airflow_provider_bulkexports.compat import AirflowException, AirflowFailException
from airflow_provider_bulkexports.exceptions import BulkExportsError, BulkExportsInputError
from airflow_provider_bulkexports.tasks.failures import (
    BulkExportsTaskError,
    BulkExportsTaskFailure,
    as_task_failures,
    task_failure,
)


def every_error() -> Iterator[BulkExportsError]:
    from datetime import datetime, timezone

    needed = {
        "BulkExportsDownloadError": {"day": datetime.now(timezone.utc).date()},
        "DayNotExportableError": {"exportable_at": datetime.now(timezone.utc)},
        **{
            f"BulkExports{kind}Error": {"status": 400}
            for kind in ("API", "Auth", "NotFound", "Quota", "RateLimit", "Server")
        },
    }
    for name in exceptions.__all__:
        yield getattr(exceptions, name)("the words", **needed.get(name, {}))


@pytest.mark.parametrize("error", list(every_error()), ids=lambda error: type(error).__name__)
def test_transient_errors_are_retried_and_others_are_not(error: BulkExportsError) -> None:
    failure = task_failure(error)

    assert isinstance(failure, AirflowException)
    assert isinstance(failure, AirflowFailException) is not error.is_transient
    assert str(failure) == "the words"


def test_only_external_faults_and_kills_are_transient() -> None:
    passing = {type(error).__name__.removeprefix("BulkExports") for error in every_error() if error.is_transient}

    assert passing == {
        "ConnectionError",
        "DownloadError",
        "RateLimitError",
        "ResponseError",
        "ServerError",
        "StorageError",
        "TaskKilledError",
    }


def test_cause_is_chained() -> None:
    with pytest.raises(BulkExportsTaskFailure, match="no day") as failure, as_task_failures():
        raise BulkExportsInputError("no day")

    assert isinstance(failure.value.__cause__, BulkExportsInputError)


def test_foreign_errors_pass_unchanged() -> None:
    with pytest.raises(ZeroDivisionError), as_task_failures():
        _ = 1 / 0


def test_only_a_task_failure_prevents_retries() -> None:
    assert issubclass(BulkExportsTaskFailure, AirflowFailException)
    assert not issubclass(BulkExportsTaskError, AirflowFailException)
