"""What the log and the link of a task show while it is deferred, as Airflow's UI gets them: through the REST API."""

from __future__ import annotations

from datetime import datetime, timezone

from support.harness import Airflow

from airflow_provider_bulkexports.links import BulkExportsLink
from airflow_provider_bulkexports.simulator import Simulator

DAG_ID = "export_days"
DAYS = {"resource_type": "Calls", "start_day": "2026-02-01", "end_day": "2026-02-03"}


def test_deferred_wait_says_what_it_is_doing(airflow: Airflow, simulator: Simulator) -> None:
    run_id = airflow.trigger(DAG_ID, conf=DAYS)
    airflow.wait_for_state(DAG_ID, run_id, "wait", {"deferred"})
    (job,) = simulator.state.jobs

    # The first line of the triggerer is the same progress again.
    log = log_while_deferred(airflow, run_id, "wait", f"{job}: 0/3 days final", times=2)

    (goal,) = lines_with(log, "Waiting for ")
    assert f"Waiting for 2026-02-01 to 2026-02-03 of {job}" in goal
    (status,) = lines_with(log, "; waiting since ")
    assert "0/3 days final; waiting since " in status and ", timeout " in status
    assert lines_with(log, "Deferring: a triggerer must be running. It logs here every 15 minutes")


def test_task_that_waits_for_quota_warns_and_has_its_link(airflow: Airflow, simulator: Simulator) -> None:
    simulator.state.spend_quota(366)
    run_id = airflow.trigger(DAG_ID, conf=DAYS)
    airflow.wait_for_state(DAG_ID, run_id, "create", {"deferred"})

    log = log_while_deferred(airflow, run_id, "create", " left")

    (until,) = lines_with(log, "Waiting until ")
    assert " warning " in until and "UTC: no quota left today for 3 days (366 per UTC day)" in until
    (response,) = lines_with(log, "Twilio's response: Daily limit of 366 export days exceeded")
    assert " warning " in response
    assert lines_with(log, "Deferring: a triggerer must be running. It logs here every 15 minutes")
    assert "let it wait" not in log
    assert link(airflow, run_id, "create") == f"{simulator.base_url}/v1/Exports/Calls/Jobs"


def test_task_that_waits_for_the_calendar_prepares_its_reader(airflow: Airflow, simulator: Simulator) -> None:
    today = datetime.now(timezone.utc).date().isoformat()
    run_id = airflow.trigger(DAG_ID, conf={"resource_type": "Calls", "start_day": today, "end_day": today})
    airflow.wait_for_state(DAG_ID, run_id, "create", {"deferred"})

    log = log_while_deferred(airflow, run_id, "create", " left")

    assert lines_with(log, "Waiting until ") and lines_with(log, "UTC: Twilio does not export ")
    assert lines_with(log, "and normal: Twilio exports a day two UTC days later")
    assert link(airflow, run_id, "create") == f"{simulator.base_url}/v1/Exports/Calls/Jobs"
    assert not simulator.requests


def log_while_deferred(airflow: Airflow, run_id: str, task_id: str, text: str, times: int = 1) -> str:
    """The log of a deferred task, as soon as the triggerer's line is in it."""

    def log_with_text() -> str | None:
        log = airflow.task_log(DAG_ID, run_id, task_id)
        return log if log.count(text) >= times else None

    log: str = airflow.wait_until(log_with_text, f"The log has {text!r}")
    assert airflow.task_instance(DAG_ID, run_id, task_id)["state"] == "deferred"
    return log


def lines_with(log: str, text: str) -> list[str]:
    return [line for line in log.splitlines() if text in line]


def link(airflow: Airflow, run_id: str, task_id: str) -> str:
    links = airflow.rest("GET", f"/dags/{DAG_ID}/dagRuns/{run_id}/taskInstances/{task_id}/links")
    url: str = links["extra_links"][BulkExportsLink.name]
    return url
