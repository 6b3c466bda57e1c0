"""The wait for the calendar or the quota, in the triggerer."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import Any

import pytest
from support.logs import KeptLog

from airflow_provider_bulkexports.triggers import submission_time
from airflow_provider_bulkexports.triggers.submission_time import SubmissionTimeTrigger

#: The test's clock starts at 12:00 UTC on 24 November.
NOON, HOUR = 1795521600.0, 3600.0


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> KeptLog:
    kept = KeptLog()
    monkeypatch.setattr(SubmissionTimeTrigger, "log", kept)
    return kept


def fire(trigger: SubmissionTimeTrigger) -> Any:
    async def run() -> list[Any]:
        return [event.payload async for event in trigger.run()]

    (event,) = asyncio.run(run())
    return event


def test_trigger_fires_once_at_its_time_and_says_meanwhile_how_long_it_takes(timeline: Any, log: KeptLog) -> None:
    end = NOON + HOUR + 30

    assert fire(SubmissionTimeTrigger(end, NOON)) == end

    assert timeline.passed == HOUR + 30
    assert log.lines == [
        f"Waiting since 12:00 UTC, until 13:00 UTC: {left} left"
        for left in ("1 h", "46 min", "30 min", "16 min", "1 min")
    ]


def test_restarted_trigger_keeps_its_times(timeline: Any, log: KeptLog) -> None:
    classpath, arguments = SubmissionTimeTrigger(NOON + 36 * HOUR, NOON).serialize()
    timeline.advance(35.9 * HOUR)
    module, _, name = classpath.rpartition(".")

    fire(getattr(import_module(module), name)(**arguments))

    assert timeline.passed == 36 * HOUR
    assert log.lines == ["Waiting since 2026-11-24 12:00 UTC, until 2026-11-26 00:00 UTC: 6 min left"]


def test_time_that_has_passed_fires_at_once(timeline: Any, log: KeptLog) -> None:
    fire(SubmissionTimeTrigger(NOON - 1))

    assert (timeline.passed, log.lines) == (0, [])


def test_clock_that_is_set_meanwhile_is_noticed(timeline: Any, log: KeptLog, monkeypatch: pytest.MonkeyPatch) -> None:
    def set_clock(*args: Any, **kwargs: Any) -> None:
        if timeline.passed == 0:
            timeline.put_clock_forward(HOUR)

    monkeypatch.setattr(submission_time, "log_time_left", set_clock)

    fire(SubmissionTimeTrigger(NOON + 2 * HOUR))

    assert timeline.passed == HOUR
