"""The end of a wait becomes a result or a failure; any other event fails the task."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any, get_args

import pytest
from support.logs import KeptLog

from airflow_provider_bulkexports.compat import AirflowException, AirflowSensorTimeout
from airflow_provider_bulkexports.exceptions import BulkExportsError
from airflow_provider_bulkexports.model.plain import plain
from airflow_provider_bulkexports.model.results import Status, WaitResult, failed_wait
from airflow_provider_bulkexports.tasks import results
from airflow_provider_bulkexports.tasks.failures import BulkExportsTaskError, BulkExportsTaskFailure

JOB = "JS" + "0" * 32
TASK = SimpleNamespace(log=KeptLog(), twilio_conn_id="twilio_of_test")
result_or_raise = partial(results.result_or_raise, task=TASK)


def result(**changes: Any) -> WaitResult:
    whole = WaitResult(
        job_sids=[JOB],
        resource_type="Messages",
        start_day="2026-01-01",
        end_day="2026-01-03",
        completed=["2026-01-01", "2026-01-02"],
        empty=["2026-01-03"],
        failed=[],
        expires_at=None,
    )
    return whole | changes  # type: ignore[return-value]


def event(status: str, **changes: Any) -> dict[str, Any]:
    return {"status": status, "message": "the words", "result": None} | changes


def test_final_days_are_the_result() -> None:
    finished = event("finished", result=result())

    assert result_or_raise(finished) == result()
    assert result_or_raise(finished) == result(), "the same event may arrive twice"


def test_failed_days_fail_the_task_with_a_remedy() -> None:
    finished = event("finished", result=result(completed=["2026-01-01"], failed=["2026-01-02"]))

    with pytest.raises(BulkExportsTaskFailure) as failure:
        result_or_raise(finished)

    message = str(failure.value)
    assert message.startswith("1 of 3 days failed at Twilio: 2026-01-02; 2 are exported. Clear the task")
    assert message.endswith(f"[connection twilio_of_test; job {JOB}]")
    assert "Clear the task that submitted the job" in message
    assert "failed_days='ignore'" in message


def test_one_other_day_is_exported() -> None:
    finished = event("finished", result=result(completed=["2026-01-01"], empty=[], failed=["2026-01-02"]))

    with pytest.raises(BulkExportsTaskFailure, match=r"; 1 is exported\. Clear the task"):
        result_or_raise(finished)


def test_failed_days_can_be_ignored() -> None:
    with_failed = result(completed=["2026-01-01"], failed=["2026-01-02"])

    assert result_or_raise(event("finished", result=with_failed), failed_days="ignore") == with_failed


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        ("deleted", BulkExportsTaskFailure),
        ("fatal", BulkExportsTaskFailure),
        ("timeout", AirflowSensorTimeout),
        ("error", BulkExportsTaskError),
    ],
)
def test_every_other_status_raises_its_own_error(status: str, failure: type[AirflowException]) -> None:
    with pytest.raises(failure, match="the words") as raised:
        result_or_raise(event(status), failed_days="ignore")

    assert type(raised.value) is failure


def test_event_brings_the_parts_of_the_error() -> None:
    error = BulkExportsError(
        "What happened", remedy="Do this.", details={"connection": "of_the_trigger (account AC1)", "job": [JOB, JOB]}
    )
    task = SimpleNamespace(log=KeptLog(), twilio_conn_id="of_the_task")

    with pytest.raises(BulkExportsTaskError) as failure:
        results.result_or_raise(plain(failed_wait("error", error)), task=task)

    assert str(failure.value) == str(error)
    assert task.log.lines == [
        "What happened: What happened",
        "Connection: of_the_trigger (account AC1)",
        f"Job: {JOB}",
        f"    {JOB}",
        "What to do: Do this.",
    ]


@pytest.mark.parametrize("failure", [None, "text", {}, {"what": "x"}, {"what": "x", "details": ["y"]}], ids=str)
def test_event_of_another_version_has_its_message(failure: Any) -> None:
    with pytest.raises(BulkExportsTaskError, match="the words"):
        result_or_raise(event("error", failure=failure))


def test_every_status_is_tested() -> None:
    assert set(get_args(Status)) == {"finished", "deleted", "timeout", "error", "fatal"}


def test_operator_may_choose_retriable_errors() -> None:
    failed_day = event("finished", result=result(failed=["2026-01-02"]))

    for ended in (failed_day, event("timeout")):
        with pytest.raises(BulkExportsTaskError):
            result_or_raise(ended, on_failed_days=BulkExportsTaskError, on_timeout=BulkExportsTaskError)


@pytest.mark.parametrize(
    "strange",
    [
        None,
        {},
        [],
        "finished",
        event("success"),
        event("Finished", result=result()),
        event("finished"),
        event("finished", result={}),
        event("finished", result="all of them"),
        event("finished", result={key: value for key, value in result().items() if key != "failed"}),
    ],
    ids=repr,
)
def test_unexpected_event_fails_the_task(strange: Any) -> None:
    with pytest.raises(BulkExportsTaskError, match="Unexpected trigger event"):
        result_or_raise(strange)
