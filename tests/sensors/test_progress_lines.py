"""The log has one line for each change, and none for a poll without news."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_bulkexports.simulator import Fault, Simulator

DAYS = ["2026-01-01", "2026-01-02", "2026-01-03"]

Wait = Callable[..., Any]


@pytest.fixture
def job_sid(sim: Simulator) -> str:
    return sim.create_job("Messages", DAYS[0], DAYS[-1]).sid


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the wait says: Airflow 3 does not log through the standard library everywhere."""
    said: list[str] = []

    class Log:
        def info(self, message: str, *args: Any) -> None:
            said.append(message % args)

        warning = error = info

    from airflow_provider_bulkexports.polling.wait_poller import WaitPoller

    original = WaitPoller.__init__
    monkeypatch.setattr(WaitPoller, "__init__", lambda self, wait, log, schedule: original(self, wait, Log(), schedule))
    return said


def groups(**days: list[str]) -> list[dict[str, Any]]:
    return [{"status": status, "count": len(named), "days": named} for status, named in days.items()]


@pytest.mark.parametrize("mode", ["poke", "deferrable"])
def test_every_change_is_logged_once(
    wait_in: Wait, sim: Simulator, timeline: Any, job_sid: str, lines: list[str], mode: str
) -> None:
    shown = {"job_queue_position": "3", "estimated_completion_time": "2026-11-24T14:20:00.123456789"}
    sim.state.set_fields(job_sid, details=None, **shown)
    later = "2026-11-24T14:25:00.5"
    timeline.after(300, lambda: sim.state.set_fields(job_sid, estimated_completion_time=later))
    timeline.after(600, lambda: sim.state.set_details(job_sid, groups(Completed=DAYS[:1], Running=DAYS[1:])))
    timeline.after(900, lambda: sim.state.set_details(job_sid, groups(Completed=DAYS[:2], Running=DAYS[2:])))
    timeline.after(1200, lambda: sim.state.set_details(job_sid, groups(Completed=DAYS[:2], Failed=DAYS[2:])))

    wait_in(mode, job_sid, poke_interval=60, max_poll_interval=60)

    said = [line.removeprefix(f"{job_sid}: ") for line in lines]
    first = "0/3 days final; queue position 3; Twilio expects 14:20 UTC"
    assert said == [
        *([first, first] if mode == "deferrable" else [first]),  # on the worker, then in the triggerer
        "1/3 days final: 1 completed; queue position 3; Twilio expects 14:25 UTC",
        "2/3 days final: 2 completed; queue position 3; Twilio expects 14:25 UTC",
        "3/3 days final: 2 completed, 1 failed",
    ]


def test_failed_poll_is_logged_with_its_count(
    wait_in: Wait, sim: Simulator, timeline: Any, job_sid: str, lines: list[str]
) -> None:
    sim.faults.add(Fault(status=503, times=8))

    wait_in("poke", job_sid)

    failures = [line for line in lines if line.startswith("Poll failed")]
    counts = [re.findall(r"\((.*?)\)", line)[0] for line in failures]
    assert counts == ["1 of 10 consecutive failures", "2 of 10 consecutive failures"]
    assert all("HTTP 503" in line for line in failures)
