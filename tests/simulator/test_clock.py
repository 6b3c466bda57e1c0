"""The simulated clock: speed, steps and time zones."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone

import pytest

from airflow_provider_bulkexports.simulator import SimulatedClock

START = datetime(2026, 11, 24, tzinfo=timezone.utc)


def test_frozen_clock_stands_still() -> None:
    clock = SimulatedClock(START, speed=0)
    assert clock.now() == clock.now() == START


def test_clock_runs_at_its_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: real)
    clock = SimulatedClock(START, speed=60)
    real += 2
    assert clock.now() == START + timedelta(minutes=2)
    clock.speed = 1
    real += 2
    assert clock.now() == START + timedelta(minutes=2, seconds=2)
    assert clock.speed == 1


@pytest.mark.parametrize("step", [90, 90.0, timedelta(seconds=90)])
def test_clock_advances_by_seconds_or_duration(step: float | timedelta) -> None:
    clock = SimulatedClock(START, speed=0)
    assert clock.advance(step) == START + timedelta(seconds=90) == clock.now()


def test_clock_advances_to_a_time_but_never_back() -> None:
    clock = SimulatedClock(START, speed=0)
    clock.advance_to(START + timedelta(days=1))
    clock.advance_to(START)
    assert clock.now() == START + timedelta(days=1)


def test_negative_step_or_speed_is_an_error() -> None:
    with pytest.raises(ValueError, match="go back"):
        SimulatedClock(START).advance(-1)
    with pytest.raises(ValueError, match="backwards"):
        SimulatedClock(START, speed=-1)


def test_clock_starts_now_and_reads_naive_times_as_utc() -> None:
    assert abs(SimulatedClock().now() - datetime.now(timezone.utc)) < timedelta(minutes=1)
    assert SimulatedClock(datetime(2026, 11, 24), speed=0).now() == START
    assert SimulatedClock(START.astimezone(timezone(timedelta(hours=5))), speed=0).now().tzinfo is timezone.utc
