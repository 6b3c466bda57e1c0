"""Hostile responses about one job or file end neither the triggerer nor the waits for other jobs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.harness import Airflow
from support.scripted_server import Answer, Received, ScriptedServer

WAITS, WATCHER = "scripted_waits", "scripted_files_seen"

SIDS = [f"JS{number:032x}" for number in range(5)]
ODD = SIDS[2]

DAY = {"start_day": "2026-01-01", "end_day": "2026-01-01", "resource_type": "Messages"}
SUBMITTED = {**DAY, "details": [{"status": "Submitted", "count": 1, "days": None}]}
COMPLETED = {**DAY, "details": [{"status": "Completed", "count": 1, "days": ["2026-01-01"]}]}

WORDS = {"a surrogate": "no \udfff job", "NUL": "no\x00job", "half an emoji": "no job \ud83d"}

#: Responses about the odd job, in turn; an error's words go into the log, the last error's into the event.
TURNS: dict[str, Answer | dict[str, Any]] = {
    **{f"an error with {name}": Answer(500, {"message": words, "code": 20500}) for name, words in WORDS.items()},
    **{
        f"a name and a status with {name}": {
            **DAY,
            "friendly_name": words,
            "details": [{"status": words, "count": 2**65}, {"status": "Running", "count": 2**65}],
            "job_queue_position": 2**65,
            "estimated_completion_time": "9999-12-31T23:59:59",
        }
        for name, words in WORDS.items()
    },
}
LAST = Answer(400, {"message": "".join(WORDS.values()), "code": 2**65})

FILES = [
    {"day": "2026-01-01", "size": 7, "create_date": "2026-01-03", "friendly_name": "June \ud83d"},
    {"day": "2026-01-02", "size": 2**65, "create_date": "2026-01-03", "friendly_name": "June"},
    {"day": "2026-01-03", "size": 7, "create_date": "2026-01-03", "friendly_name": "June\x00\udfff"},
    {"day": "2026-01-04", "size": 7, "create_date": "9999-12-31", "friendly_name": "June"},
    {"day": "2026-01-05", "size": 7, "create_date": "2026-01-06", "friendly_name": "June"},
]


class Twilio:
    """Twilio's side, scripted by the test."""

    def __init__(self, server: ScriptedServer) -> None:
        self.odd: Answer | dict[str, Any] = SUBMITTED
        self.others = SUBMITTED
        self.files: list[dict[str, Any]] = []
        self.odd_responses = 0
        server.script = self.answer

    def answer(self, received: Received) -> Answer:
        path = received.target.partition("?")[0]
        if path.endswith("/Days"):
            return Answer(body={"days": self.files})
        if not path.endswith("/Jobs"):
            return self.about(path.rpartition("/")[2])
        others = [{**self.others, "job_sid": sid} for sid in SIDS if sid != ODD]
        if isinstance(self.odd, Answer):  # without it in the list, waits request it by its sid
            return Answer(body={"jobs": others})
        self.odd_responses += 1
        return Answer(body={"jobs": [*others, {**self.odd, "job_sid": ODD}]})

    def about(self, sid: str) -> Answer:
        if sid != ODD:
            return Answer(body={**self.others, "job_sid": sid})
        self.odd_responses += 1
        return self.odd if isinstance(self.odd, Answer) else Answer(body={**self.odd, "job_sid": sid})


@pytest.fixture
def twilio(scripted: ScriptedServer) -> Iterator[Twilio]:
    twilio = Twilio(scripted)
    yield twilio
    twilio.odd, twilio.others, twilio.files = COMPLETED, COMPLETED, []


def test_hostile_responses_about_one_job_affect_no_other(airflow: Airflow, twilio: Twilio) -> None:
    with airflow.unpaused(WATCHER):
        airflow.wait_until(lambda: baselines(airflow), "The watcher knows which files are there", timeout=120)
        run_id = airflow.trigger(WAITS, conf={"job_sids": SIDS})
        for number in range(len(SIDS)):
            airflow.wait_for_state(WAITS, run_id, f"wait_{number}", {"deferred"}, 120)
        processes = set(airflow.triggerer.pids())

        for name, turn in TURNS.items():
            twilio.odd = turn
            wait_for_poll(airflow, twilio, name)
            twilio.odd = SUBMITTED
            wait_for_poll(airflow, twilio, f"a good answer after {name}")
        twilio.files = FILES
        twilio.odd, twilio.others = LAST, COMPLETED
        states = [
            airflow.wait_for_state(WAITS, run_id, f"wait_{number}", {"success", "failed"}, 120)
            for number in range(len(SIDS))
        ]
        airflow.wait_until(lambda: airflow.runs(WATCHER), "The watcher announces its files", timeout=120)

    assert states == ["success", "success", "failed", "success", "success"]
    log = airflow.task_log(WAITS, run_id, f"wait_{SIDS.index(ODD)}")
    assert "no \ufffd job" in log, "Twilio's words are not lost"
    (run,) = airflow.runs(WATCHER)
    (event,) = airflow.triggering_events(WATCHER, run["dag_run_id"])
    payload = event["extra"]["payload"]
    assert payload["days"] == [file["day"] for file in FILES]
    assert payload["files"][0]["friendly_name"] == "June \ufffd"
    assert set(airflow.triggerer.pids()) == processes, "none of its processes was replaced"


def wait_for_poll(airflow: Airflow, twilio: Twilio, what: str) -> None:
    """Wait until Airflow polls the odd job once more; the next poll shows that it survived this one."""
    before = twilio.odd_responses
    airflow.wait_until(lambda: twilio.odd_responses > before, f"Airflow polls again after {what}", timeout=90)


def baselines(airflow: Airflow) -> list[Any]:
    return airflow.sql(
        "SELECT s.value FROM asset_state_store s JOIN asset a ON a.id = s.asset_id WHERE a.name = 'scripted_files'"
    )
