"""Any response about one job makes an event that can be stored, and other waits end correctly."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from support.scripted_server import Answer, Received, ScriptedServer
from support.waits import ends_of, waits

from tests.triggers.test_day_events import travels

SIDS = [f"JS{number:032x}" for number in range(5)]
ODD = SIDS[2]

DONE = [{"status": "Completed", "count": 1, "days": ["2026-01-01"]}]
JOB = {"resource_type": "Messages", "start_day": "2026-01-01", "end_day": "2026-01-01", "details": DONE}

WORDS = {
    "a surrogate": "no \ud83d job",
    "NUL": "no\x00job",
    "forged lines": "no\r\n2026-01-01 ERROR \x1b[31m\u202e\u2028job",
    "a hundred kilobytes": "no job " * 15_000,
}

FIELDS: dict[str, Any] = {
    **{f"friendly_name with {name}": {"friendly_name": words} for name, words in WORDS.items()},
    **{f"resource_type with {name}": {"resource_type": words} for name, words in WORDS.items()},
    **{f"a status with {name}": {"details": [{"status": words, "count": 1}]} for name, words in WORDS.items()},
    "a count of 2^65": {"details": [{"status": "Completed", "count": 2**65, "days": None}]},
    "a count of 2^65 beside another": {
        "details": [{"status": "Completed", "count": 2**65}, {"status": "CompletedEmptyRecords", "count": -(2**65)}]
    },
    "a count that is no number": {"details": [{"status": "Completed", "count": float("nan")}]},
    "a place of 2^65": {"job_queue_position": 2**65, "details": [{"status": "Submitted", "count": 1}]},
    "an estimate in 9999": {"estimated_completion_time": "9999-12-31T23:59:59", "details": None},
    "an estimate in 0001": {"estimated_completion_time": "0001-01-01T00:00:00+14:00", "details": None},
    "a marker of 9999": {"friendly_name": "x [af-99991231-0123456789]"},
    "a marker of 0001": {"friendly_name": "x [af-00010101-0123456789]"},
    "days of the whole calendar": {"start_day": "0001-01-01", "end_day": "9999-12-31"},
    "days at its end": {"start_day": "9999-12-31", "end_day": "9999-12-31"},
    "days of a year and one": {"start_day": "2025-01-01", "end_day": "2026-01-02"},
}


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    with ExitStack() as stack:
        server = ScriptedServer(stack)
        connection = {"conn_type": "twilio_bulkexports", "login": server.login, "password": "token", "host": server.url}
        monkeypatch.setenv("AIRFLOW_CONN_ODD", json.dumps(connection))
        yield server


def serve(server: ScriptedServer, about_odd: Callable[[], Answer | dict[str, Any]], *, lists: bool) -> None:
    """Respond correctly for all jobs but one; or let lists fail, so that each job is fetched by itself."""

    def answer(received: Received) -> Answer:
        path = received.target.partition("?")[0]
        sid = path.rpartition("/")[2]
        if path.endswith("/Days"):
            return Answer(body={"days": []})
        if not path.endswith("/Jobs"):
            found = about_odd() if sid == ODD else JOB
            return found if isinstance(found, Answer) else Answer(body={**found, "job_sid": sid})
        if not lists:
            return Answer(500, {"message": WORDS["a surrogate"], "code": 20500})
        found = about_odd()
        others = [JOB | {"job_sid": sid} for sid in SIDS if sid != ODD]
        return Answer(body={"jobs": [*others, *([] if isinstance(found, Answer) else [{**found, "job_sid": ODD}])]})

    server.script = answer


def ends(timeline: Any) -> list[dict[str, Any]]:
    arguments = {"poll_interval": 60, "twilio_conn_id": "odd", "end_time": timeline.now.timestamp() + 3000}
    return asyncio.run(ends_of(waits(SIDS, **arguments)))


@pytest.mark.parametrize("lists", [True, False], ids=["in a list", "one by one"])
@pytest.mark.parametrize("changes", FIELDS.values(), ids=FIELDS)
def test_odd_job_ends_only_its_own_wait(
    odd: ScriptedServer, timeline: Any, changes: dict[str, Any], lists: bool
) -> None:
    serve(odd, lambda: JOB | changes, lists=lists)

    events = ends(timeline)

    travels(events)
    assert events.pop(2)["status"] in ("finished", "timeout", "error", "fatal")
    assert {event["status"] for event in events} == {"finished"}
    assert {day for event in events for day in event["result"]["completed"]} == {"2026-01-01"}


@pytest.mark.parametrize("status", [200, 400, 404, 429, 500])
@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
def test_odd_error_ends_only_its_own_wait(odd: ScriptedServer, timeline: Any, status: int, words: str) -> None:
    body = {"message": words, "code": 20404, "more_info": words, "status": 2**65}
    serve(odd, lambda: Answer(status, body), lists=True)

    events = ends(timeline)

    travels(events)
    event = events.pop(2)
    assert event["status"] in ("timeout", "error", "fatal")
    assert len(event["message"]) <= 2000
    assert event["message"].isprintable()
    assert {event["status"] for event in events} == {"finished"}
