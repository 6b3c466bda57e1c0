"""With ``failed_days="store"`` the sensor succeeds, and the storing task fails for the failed days."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.sensors.bulkexports import ExportCustomJobSensor
from airflow_provider_bulkexports.simulator import Simulator

DAYS = ["2026-01-01", "2026-01-02", "2026-01-03"]

Wait = Callable[..., Any]


@pytest.fixture
def job_sid(sim: Simulator) -> str:
    return sim.create_job("Messages", DAYS[0], DAYS[-1]).sid


def test_store_mode_passes_failed_days_downstream(
    wait_for: Wait, sim: Simulator, job_sid: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    sim.state.fail_day("Messages", DAYS[1])

    end = wait_for(job_sid, failed_days="store")

    assert end.state == "success", end.error
    assert (end.value["completed"], end.value["failed"]) == ([DAYS[0], DAYS[2]], [DAYS[1]])
    assert end.value["failed_days"] == "store"
    said = caplog.text + "".join(capsys.readouterr())
    assert f"Days that failed at Twilio: {DAYS[1]}; the storing task stores the others and then fails" in said
    assert "warning" in said.lower()


def test_store_mode_accepts_all_days_failed(wait_for: Wait, sim: Simulator, job_sid: str) -> None:
    sim.state.set_details(job_sid, [{"status": "Failed", "count": 3, "days": None}])

    end = wait_for(job_sid, failed_days="store")

    assert (end.state, end.value["completed"], end.value["failed"]) == ("success", [], DAYS)


@pytest.mark.parametrize(("failed_days", "fails"), [("store", False), ("ignore", True), ("fail", False)])
def test_mark_is_set_only_for_failed_days(
    wait_for: Wait, sim: Simulator, job_sid: str, failed_days: str, fails: bool
) -> None:
    if fails:
        sim.state.fail_day("Messages", DAYS[1])

    end = wait_for(job_sid, failed_days=failed_days)

    assert end.state == "success", end.error
    assert "failed_days" not in end.value


@pytest.mark.parametrize("failed_days", ["fail", "ignore", "store"])
def test_deleted_day_fails_in_every_mode(wait_for: Wait, sim: Simulator, job_sid: str, failed_days: str) -> None:
    sim.state.delete_job(sim.account, job_sid)

    assert wait_for(job_sid, failed_days=failed_days).state == "failed"


def test_unknown_mode_is_rejected_at_parse_time() -> None:
    with pytest.raises(BulkExportsInputError, match="'store'"):
        ExportCustomJobSensor(task_id="wait", job_sid="JS" + "0" * 32, failed_days="keep")


def test_failure_names_the_other_modes(wait_for: Wait, sim: Simulator, job_sid: str) -> None:
    sim.state.fail_day("Messages", DAYS[1])

    end = wait_for(job_sid)

    assert end.state == "failed"
    assert "failed_days='store' stores the others first" in str(end.error)


def test_whole_range_of_failed_days_is_named_as_a_range(wait_for: Wait, sim: Simulator) -> None:
    sid = sim.create_job("Messages", "2025-01-01", "2025-12-31").sid
    sim.state.set_details(sid, [{"status": "Failed", "count": 365, "days": None}])

    end = wait_for(sid)

    assert str(end.error).startswith("365 of 365 days failed at Twilio: 2025-01-01 to 2025-12-31; 0 are exported. ")


def test_many_failed_days_are_named_as_a_few_ranges(wait_for: Wait, sim: Simulator) -> None:
    sid = sim.create_job("Messages", "2025-01-01", "2025-12-31").sid
    failed = [f"2025-{month:02}-{day:02}" for month in range(12, 0, -1) for day in (20, 2, 1)]
    done = {"status": "Completed", "count": 365 - len(failed), "days": None}
    sim.state.set_details(sid, [done, {"status": "Failed", "count": len(failed), "days": failed}])

    end = wait_for(sid)

    assert "failed days 2025-01-01 to 2025-01-02, 2025-01-20, 2025-02-01 to 2025-02-02" in str(end.error)
    assert ", and 28 more days; job JS" in str(end.error)
