"""Errors end a task without retries if a retry cannot help."""

from __future__ import annotations

import traceback
from collections.abc import Iterator

import pytest
from support.logs import KeptLog

from airflow_provider_bulkexports import exceptions
from airflow_provider_bulkexports.compat import AirflowException, AirflowFailException, AirflowNotFoundException
from airflow_provider_bulkexports.exceptions import BulkExportsConnectionError, BulkExportsError, BulkExportsInputError
from airflow_provider_bulkexports.tasks.failures import (
    BulkExportsTaskError,
    BulkExportsTaskFailure,
    as_task_failures,
    failure_lines,
    task_failure,
)


class Task:
    twilio_conn_id = "twilio_of_test"
    soft_fail = False

    def __init__(self) -> None:
        self.log = KeptLog()


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
    failure = task_failure(Task(), error)

    assert isinstance(failure, AirflowException)
    assert isinstance(failure, AirflowFailException) is not error.is_transient
    assert str(failure) == "the words. [connection twilio_of_test]"


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


def test_log_has_cause_place_and_cure_in_short_lines_and_addresses_last() -> None:
    task = Task()
    error = BulkExportsError(
        "Twilio returned HTTP 401: Authenticate: Your AccountSid or AuthToken was incorrect.",
        remedy="Check the connection's login (Account SID or API key SID) and password "
        "(Auth Token or the key's secret).",
        details={
            "request": f"GET https://bulkexports.twilio.com/v1/Exports/Messages/Jobs/{'x' * 90}",
            "response": "HTTP 401, Twilio error 20003, request RQ47041715fefdb811942e795914567eff",
            "failed days": ["2026-01-01 to 2026-01-03", "2026-01-05", "and 9 more days"],
        },
    )

    task_failure(task, error)

    assert task.log.lines == [
        "What happened: Twilio returned HTTP 401: Authenticate: Your AccountSid or AuthToken",
        "    was incorrect.",
        "Connection: twilio_of_test",
        "Failed days: 2026-01-01 to 2026-01-03",
        "    2026-01-05",
        "    and 9 more days",
        "What to do: Check the connection's login (Account SID or API key SID) and password",
        "    (Auth Token or the key's secret).",
        "Request: GET",
        f"    https://bulkexports.twilio.com/v1/Exports/Messages/Jobs/{'x' * 90}",
        "Response: HTTP 401, Twilio error 20003, request RQ47041715fefdb811942e795914567eff",
    ]


def test_skipped_task_logs_warnings() -> None:
    task = Task()
    task.soft_fail = True

    task_failure(task, BulkExportsInputError("no day"))
    assert task.log.levels == {"warning"}
    transient = BulkExportsConnectionError("no response")
    task_failure(task, transient)
    assert task.log.levels == {"warning", "error"}, "a failure that is retried is no skip"


def test_only_the_raising_frame_is_ours_and_nothing_is_chained() -> None:
    def refuse() -> None:
        try:
            divide_by_zero()
        except ZeroDivisionError as error:
            raise BulkExportsInputError("no day") from error

    with pytest.raises(BulkExportsTaskFailure, match="no day") as failure, as_task_failures(Task()):
        refuse()

    assert failure.value.__cause__ is None
    assert failure.value.__suppress_context__
    assert [entry.name for entry in traceback.extract_tb(failure.value.__traceback__)][1:] == ["__exit__"]


def test_failure_from_below_loses_its_frames_and_keeps_its_cause() -> None:
    bug = ZeroDivisionError()

    def fail() -> None:
        raise BulkExportsTaskError("all is lost") from bug

    with pytest.raises(BulkExportsTaskError) as failure, as_task_failures(Task()):
        fail()

    assert failure.value.__cause__ is bug
    assert [entry.name for entry in traceback.extract_tb(failure.value.__traceback__)][1:] == ["__exit__"]


def test_missing_connection_says_what_to_create() -> None:
    task = Task()

    with pytest.raises(BulkExportsTaskError, match="isn't defined") as failure, as_task_failures(task):
        raise AirflowNotFoundException("The conn_id `x` isn't defined")

    assert "correct twilio_conn_id" in str(failure.value)
    assert any(line.startswith("What to do: Create the connection") for line in task.log.lines)


def test_foreign_errors_pass_unchanged() -> None:
    with pytest.raises(ZeroDivisionError) as failure, as_task_failures(Task()):
        divide_by_zero()

    assert traceback.extract_tb(failure.value.__traceback__)[-1].name == "divide_by_zero"


def divide_by_zero() -> None:
    _ = 1 / 0


def test_only_a_task_failure_prevents_retries() -> None:
    assert issubclass(BulkExportsTaskFailure, AirflowFailException)
    assert not issubclass(BulkExportsTaskError, AirflowFailException)


def test_command_can_be_copied() -> None:
    command = "`airflow backfill create --dag-id a_long_name_of_a_dag --from-date 2026-11-18 --to-date 2026-11-24`"
    error = BulkExportsInputError("No days", remedy=f"For a day: `do this`. For a week: {command}. Or pass days.")

    assert list(failure_lines(error)) == [
        "What happened: No days",
        "What to do: For a day: `do this`.",
        "    For a week:",
        "    `airflow backfill create --dag-id a_long_name_of_a_dag --from-date 2026-11-18 \\",
        "     --to-date 2026-11-24`.",
        "    Or pass days.",
    ]
