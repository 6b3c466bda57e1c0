"""The log has one line for each change, none for a poll without news, and a heartbeat every quarter of an hour."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from support.logs import KeptLog, keep_lines_of_waits

from airflow_provider_bulkexports.simulator import Fault, Simulator

DAYS = ["2026-01-01", "2026-01-02", "2026-01-03"]

Wait = Callable[..., Any]


@pytest.fixture
def job_sid(sim: Simulator) -> str:
    return sim.create_job("Messages", DAYS[0], DAYS[-1]).sid


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> KeptLog:
    return keep_lines_of_waits(monkeypatch)


@pytest.fixture
def lines(log: KeptLog) -> list[str]:
    return log.lines


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

    said = [line.removeprefix(f"{job_sid}: ") for line in lines if line.startswith(job_sid)]
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
    assert all(len(line) <= 85 for line in failures), "the advice and the address come if the wait fails"
    counts = [re.findall(r"\((.*?)\)", line)[0] for line in failures]
    assert counts == ["1 of 10 consecutive failures", "2 of 10 consecutive failures"]
    assert all("HTTP 503" in line for line in failures)


@pytest.fixture
def long_job(sim: Simulator, timeline: Any, job_sid: str) -> str:
    """A job that nothing is known of until it ends, some minutes before an hour has passed."""
    sim.state.set_fields(job_sid, details=None, job_queue_position=None, estimated_completion_time=None)
    timeline.after(3500, lambda: sim.state.set_details(job_sid, groups(Completed=DAYS)))
    return job_sid


@pytest.mark.parametrize(
    ("kind", "next_polls"),
    [
        # At the next poll after a quarter of an hour.
        ("poke", ["12:01", "12:17", "12:33", "12:49"]),
        # After each quarter of an hour, whenever polls are due; the first line is the worker's.
        ("deferrable", ["now", "12:16", "12:30", "12:45"]),
    ],
)
def test_wait_without_news_has_a_heartbeat_every_quarter_of_an_hour(
    wait_in: Wait, long_job: str, lines: list[str], kind: str, next_polls: list[str]
) -> None:
    wait_in(kind, long_job, poke_interval=80, max_poll_interval=0, timeout=3600)

    assert statuses(lines) == [
        f"0/3 days final; waiting since 12:00 UTC, next poll {poll}, timeout 13:00" for poll in next_polls
    ]


def test_rescheduled_wait_says_at_each_poll_since_when_it_waits(wait_in: Wait, long_job: str, lines: list[str]) -> None:
    """Each poll is a process of its own, which knows nothing of the others."""
    wait_in("reschedule", long_job, poke_interval=1200, max_poll_interval=0, timeout=7200)

    assert statuses(lines) == [
        f"0/3 days final; waiting since 12:00 UTC, next poll {poll}, timeout 14:00"
        for poll in ("12:20", "12:40", "13:00")
    ]


def test_heartbeat_names_the_poll_of_airflows_own_backoff(
    wait_in: Wait, long_job: str, lines: list[str], timeline: Any
) -> None:
    began = timeline.now

    wait_in("poke", long_job, poke_interval=1200, exponential_backoff=True, timeout=7200)

    first_pause = timedelta(seconds=timeline.slept[0])
    assert f", next poll {began + first_pause:%H:%M}, timeout 14:00" in statuses(lines)[0]


def statuses(lines: list[str]) -> list[str]:
    return [line for line in lines if "; waiting since " in line]
