"""A response about something else than was requested is refused."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from airflow_provider_bulkexports.exceptions import BulkExportsResponseError
from airflow_provider_bulkexports.model.parsing import Once

SID = "JS" + "0123456789abcdef" * 2
OTHER = "JS" + "f" * 32
JANUARY = {"start_day": "2026-01-01", "end_day": "2026-01-03", "friendly_name": "first [af-20260124-3f9c0a12be]"}
ECHO = {"job_sid": SID, "resource_type": "Messages", **JANUARY}

NO_SIDS = [None, "", "JS1", SID[:-1], f"{SID}0", f"{SID}\n", f" {SID}", SID.replace("JS", "AC"), 7, [SID], {}, True]


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has not logged any odd element yet."""
    monkeypatch.setattr("airflow_provider_bulkexports.api.response_check._ignored", Once())


def create(server: Any) -> Any:
    return server.client().create_job("Messages", **JANUARY)


@pytest.mark.parametrize("sid", [OTHER, *NO_SIDS])
def test_response_about_another_job_is_retried(sid: Any, server: Any, answer: Any) -> None:
    server.answers(answer(body={**ECHO, "job_sid": sid}))
    with pytest.raises(BulkExportsResponseError, match=f"Requested job {SID}, but the response is about") as caught:
        server.client().get_job(SID)
    assert caught.value.is_transient
    assert len(server.received) == 4


def test_right_job_after_a_wrong_one_is_accepted(server: Any, answer: Any) -> None:
    server.answers(answer(body={"job_sid": OTHER}), answer(body=ECHO))
    assert server.client().get_job(SID).job_sid == SID
    server.answers(answer(body=ECHO))
    assert server.client().get_job(SID.replace("f", "F")).job_sid == SID


@pytest.mark.parametrize("sid", NO_SIDS)
def test_submission_response_without_a_job_is_transient(sid: Any, server: Any, answer: Any) -> None:
    server.answers(answer(201, {**ECHO, "job_sid": sid}))
    with pytest.raises(BulkExportsResponseError, match="Look for the job in the Jobs list") as caught:
        create(server)
    assert caught.value.is_transient
    assert len(server.received) == 1


@pytest.mark.parametrize(
    ("echo", "wrong"),
    [
        ({"start_day": "2026-01-02"}, "start_day"),
        ({"end_day": "2026-01-04"}, "end_day"),
        ({"resource_type": "Calls"}, "resource_type"),
        ({"friendly_name": "first [af-20260124-000000000a]"}, "friendly_name"),
        ({"friendly_name": "another"}, "friendly_name"),
        ({"start_day": "2025-01-01", "end_day": "2025-01-03"}, "start_day and end_day"),
    ],
)
def test_submission_response_about_another_job_is_transient(
    echo: dict[str, Any], wrong: str, server: Any, answer: Any
) -> None:
    server.answers(answer(201, {**ECHO, **echo}))
    with pytest.raises(BulkExportsResponseError, match=f": {wrong} (do|does) not match") as caught:
        create(server)
    assert caught.value.is_transient
    assert len(server.received) == 1


@pytest.mark.parametrize(
    "echo",
    [
        {},
        {"start_day": None, "end_day": None, "resource_type": None, "friendly_name": None},
        {"start_day": "2026-01-01T00:00:00Z", "end_day": "2026-01-03T00:00:00Z"},
        {"resource_type": "messages"},
        {"friendly_name": ""},
        {"friendly_name": " first  [af-20260124-3f9c0a12be] "},
        {"start_day": 7, "end_day": []},
    ],
)
def test_equal_or_missing_echo_is_accepted(echo: dict[str, Any], server: Any, answer: Any) -> None:
    server.answers(answer(201, {**ECHO, **echo}))
    assert create(server).job_sid == SID


def test_list_elements_without_a_job_are_logged_once(
    server: Any, answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    odd = [{"job_sid": sid} for sid in NO_SIDS] + [
        None,
        7,
        "job",
        [],
        {**ECHO, "job_sid": OTHER, "resource_type": "Calls"},
    ]
    server.answers(answer(body={"jobs": [*odd, ECHO, *odd]}))
    for _ in range(3):
        assert [job.job_sid for job in server.client().list_jobs("Messages")] == [SID]
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2


def test_files_of_another_resource_type_are_ignored(server: Any, answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    days = [
        {"day": "2026-01-01", "resource_type": "Calls"},
        {"day": "2026-01-02", "resource_type": "Messages"},
        {"day": "2026-01-03"},
        {"day": "never"},
    ]
    server.answers(answer(body={"days": days}))
    assert [str(file.day) for file in server.client().list_days("Messages")] == ["2026-01-02", "2026-01-03"]
    assert len(caplog.records) == 2


@pytest.mark.parametrize("operation", ["get_export", "get_configuration", "update_configuration"])
def test_response_about_another_resource_type_is_refused(operation: str, server: Any, answer: Any) -> None:
    server.answers(answer(body={"resource_type": "Calls", "enabled": True}))
    with pytest.raises(BulkExportsResponseError, match="Requested Messages, but the response is about Calls"):
        getattr(server.client(), operation)("Messages")
    assert len(server.received) == (1 if operation == "update_configuration" else 4)
    server.answers(answer(body={"resource_type": "Messages"}))
    assert getattr(server.client(), operation)("Messages").resource_type == "Messages"
    server.answers(answer(body={}))
    assert getattr(server.client(), operation)("Messages").resource_type is None
