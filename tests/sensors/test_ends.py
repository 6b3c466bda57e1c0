"""Waits that cannot succeed fail at once, in the same way in every mode."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_bulkexports.simulator import Fault, Simulator

DAYS = ["2026-01-01", "2026-01-02", "2026-01-03"]
UNKNOWN_JOB = "JS" + "f" * 32

Wait = Callable[..., Any]


@pytest.fixture
def job_sid(sim: Simulator) -> str:
    return sim.create_job("Messages", DAYS[0], DAYS[-1]).sid


def details(status: str, days: list[str], **others: list[str]) -> list[dict[str, Any]]:
    return [{"status": word, "count": len(named), "days": named} for word, named in {status: days, **others}.items()]


def test_failed_day_fails_the_task_without_retry(wait_for: Wait, sim: Simulator, job_sid: str) -> None:
    sim.state.fail_day("Messages", DAYS[1])

    end = wait_for(job_sid)

    assert end.state == "failed"
    assert str(end.error).startswith(f"1 of 3 days failed at Twilio: {DAYS[1]}; 2 are exported.")


def test_failed_days_are_named_when_twilio_reports_only_counts(wait_for: Wait, sim: Simulator, job_sid: str) -> None:
    sim.state.fail_day("Messages", DAYS[1])
    sim.knobs.details_days_null = True

    end = wait_for(job_sid)

    assert end.state == "failed"
    assert f"failed at Twilio: {DAYS[1]}; " in str(end.error)


def test_ignored_failed_days_are_in_the_result(wait_for: Wait, sim: Simulator, job_sid: str) -> None:
    sim.state.fail_day("Messages", DAYS[1])

    end = wait_for(job_sid, failed_days="ignore")

    assert end.state == "success"
    assert (end.value["completed"], end.value["failed"]) == ([DAYS[0], DAYS[2]], [DAYS[1]])


def test_job_with_all_days_failed_fails_unless_ignored(wait_for: Wait, sim: Simulator, job_sid: str) -> None:
    sim.state.set_details(job_sid, details("Failed", DAYS))

    assert wait_for(job_sid).state == "failed"
    assert wait_for(job_sid, failed_days="ignore").value["failed"] == DAYS


@pytest.mark.parametrize("failed_days", ["fail", "ignore"])
@pytest.mark.parametrize(
    "shown",
    [
        details("DeletedByUserRequest", DAYS),
        details("Completed", DAYS[:2], DeletedByUserRequest=DAYS[2:]),
        details("Running", DAYS[:2], RunningToBeDeleted=DAYS[2:]),
        details("Failed", DAYS[:2], DELETED_BY_USER_REQUEST=DAYS[2:]),
        [{"status": "DeletedByUserRequest", "count": 3, "days": None}],
    ],
    ids=["all", "the rest", "while others run", "beside failed ones", "days null"],
)
def test_deleted_day_fails_at_once_without_retry(
    wait_for: Wait, sim: Simulator, timeline: Any, job_sid: str, shown: Any, failed_days: str
) -> None:
    sim.state.set_details(job_sid, shown)

    end = wait_for(job_sid, failed_days=failed_days)

    assert end.state == "failed"
    assert str(end.error).startswith(f"Job {job_sid} was deleted; ")
    assert re.search(rf"\d days? will not be exported: .*{DAYS[2]}\. ", str(end.error))
    assert "Clear the task that submitted it" in str(end.error)
    assert timeline.passed == 0


def test_job_deleted_during_the_wait_fails(wait_for: Wait, sim: Simulator, timeline: Any, job_sid: str) -> None:
    timeline.after(30, lambda: sim.state.delete_job(sim.account, job_sid))

    end = wait_for(job_sid)

    assert end.state == "failed"
    assert "was deleted" in str(end.error)


def test_unknown_job_fails_at_once_without_retry(wait_for: Wait, timeline: Any) -> None:
    end = wait_for(UNKNOWN_JOB)

    assert end.state == "failed"
    assert str(end.error).startswith(
        f"Twilio does not know job {UNKNOWN_JOB}: it was deleted, finished more than seven"
    )
    assert "Clear the task that submitted it" in str(end.error)
    for cause in ("deleted", "seven days", "another account"):
        assert str(end.error).count(cause) == 1
    assert timeline.passed == 0


def test_job_that_disappears_during_the_wait_fails(wait_for: Wait, sim: Simulator, timeline: Any, job_sid: str) -> None:
    timeline.after(30, lambda: sim.state.forget_job(job_sid))

    end = wait_for(job_sid)

    assert end.state == "failed"
    assert f"Twilio does not know job {job_sid}" in str(end.error)


def test_single_404_is_checked_again(wait_for: Wait, sim: Simulator, job_sid: str) -> None:
    sim.faults.add(Fault(status=404, path=r"/v1/Exports/Jobs/.*", after=1))

    assert wait_for(job_sid).state == "success"


@pytest.mark.parametrize("status", [401, 403])
def test_rejected_credentials_fail_at_once_without_retry(
    wait_for: Wait, sim: Simulator, timeline: Any, job_sid: str, status: int
) -> None:
    sim.faults.add(Fault(status=status, times=None))

    end = wait_for(job_sid)

    assert end.state == "failed"
    assert f"HTTP {status}" in str(end.error)
    assert timeline.passed == 0


def test_final_days_are_accepted_without_the_days_list(wait_for: Wait, sim: Simulator, job_sid: str) -> None:
    sim.faults.add(Fault(status=503, path=r".*/Days", times=None))

    end = wait_for(job_sid)

    assert end.state == "success"
    assert (end.value["completed"], end.value["expires_at"]) == (DAYS, None)
