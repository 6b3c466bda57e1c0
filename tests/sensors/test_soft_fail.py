"""``soft_fail`` skips the same failures in every mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_bulkexports.simulator import Fault, Simulator

Wait = Callable[..., Any]


@pytest.fixture
def job_sid(sim: Simulator) -> str:
    return sim.create_job("Messages", "2026-01-01", "2026-01-03").sid


def succeed(sim: Simulator, job_sid: str) -> None:
    pass


def fail_a_day(sim: Simulator, job_sid: str) -> None:
    sim.state.fail_day("Messages", "2026-01-02")


def delete(sim: Simulator, job_sid: str) -> None:
    sim.state.delete_job(sim.account, job_sid)


def forget(sim: Simulator, job_sid: str) -> None:
    sim.state.forget_job(job_sid)


def refuse(sim: Simulator, job_sid: str) -> None:
    sim.faults.add(Fault(status=401, times=None))


def break_down(sim: Simulator, job_sid: str) -> None:
    sim.faults.add(Fault(status=503, times=None))


def break_down_later(sim: Simulator, job_sid: str) -> None:
    sim.faults.add(Fault(status=503, after=1, times=None))


def take_forever(sim: Simulator, job_sid: str) -> None:
    sim.state.set_details(job_sid, None)


@pytest.mark.parametrize(
    ("what_happens", "plainly", "softly"),
    [
        (succeed, "success", "success"),
        (fail_a_day, "failed", "skipped"),
        (delete, "failed", "skipped"),
        (forget, "failed", "skipped"),
        (refuse, "failed", "skipped"),
        (take_forever, "failed", "skipped"),
        (break_down, "up_for_retry", "up_for_retry"),
        (break_down_later, "up_for_retry", "up_for_retry"),
    ],
)
@pytest.mark.parametrize("soft_fail", [False, True])
def test_same_input_ends_in_the_same_state(
    wait_for: Wait, sim: Simulator, job_sid: str, what_happens: Any, plainly: str, softly: str, soft_fail: bool
) -> None:
    what_happens(sim, job_sid)

    end = wait_for(job_sid, soft_fail=soft_fail, timeout=7200)

    assert end.state == (softly if soft_fail else plainly), end.error


def test_invalid_rendered_sid_is_skipped_with_soft_fail(wait_for: Wait) -> None:
    assert wait_for("{{ 'JS1' }}", soft_fail=True).state == "skipped"
