"""The job's end when a user clears a task or marks it, during the wait and after it."""

from __future__ import annotations

from support.harness import Airflow

from airflow_provider_bulkexports.simulator import Simulator

DAG_ID = "export_days"
DAYS = {"start_day": "2026-02-01", "end_day": "2026-02-03"}
CONF = {"resource_type": "Calls", **DAYS}

IN_ONE_TASK, OR_CANCEL = "export_in_one_task", "export_in_one_task_or_cancel"


def test_cleared_tasks_keep_their_job(airflow: Airflow, simulator: Simulator) -> None:
    run_id = airflow.trigger(DAG_ID, conf=CONF)
    airflow.wait_for_state(DAG_ID, run_id, "wait", {"deferred"})
    airflow.clear(DAG_ID, run_id, "wait")
    wait_for_attempt(airflow, DAG_ID, run_id, "wait", 2)
    airflow.wait_for_state(DAG_ID, run_id, "wait", {"deferred"})
    simulator.finish_jobs()
    assert airflow.wait_for_run(DAG_ID, run_id) == "success"

    airflow.clear(DAG_ID, run_id, "create")
    wait_for_attempt(airflow, DAG_ID, run_id, "create", 2)
    assert airflow.wait_for_run(DAG_ID, run_id) == "success"
    (job,) = simulator.state.jobs.values()
    assert airflow.xcom(DAG_ID, run_id, "create") == job.sid
    assert f"Adopted job {job.sid}" in airflow.task_log(DAG_ID, run_id, "create", try_number=2)
    assert [request.method for request in simulator.requests if request.method != "GET"] == ["POST"]


def test_clearing_after_a_failed_day_submits_only_that_day(airflow: Airflow, simulator: Simulator) -> None:
    simulator.state.fail_day("Calls", "2026-02-02", times=1)
    run_id = airflow.trigger(DAG_ID, conf=CONF)
    airflow.wait_for_state(DAG_ID, run_id, "wait", {"deferred"})
    simulator.finish_jobs()
    assert airflow.wait_for_run(DAG_ID, run_id) == "failed"
    assert "1 of 3 days failed at Twilio: 2026-02-02" in airflow.task_log(DAG_ID, run_id, "wait")

    airflow.clear(DAG_ID, run_id, "create", downstream=True)
    airflow.wait_until(lambda: len(simulator.state.jobs) == 2, "The failed day is submitted again", timeout=120)
    simulator.finish_jobs()
    assert airflow.wait_for_run(DAG_ID, run_id) == "success"
    first, second = simulator.state.jobs.values()
    assert (second.request.start_day, second.request.end_day) == (first.request.start_day.replace(day=2),) * 2
    assert airflow.xcom(DAG_ID, run_id, "create") == [first.sid, second.sid]
    assert airflow.xcom(DAG_ID, run_id, "wait")["completed"] == ["2026-02-01", "2026-02-02", "2026-02-03"]


def test_ended_deferred_task_deletes_its_job_only_with_cancel_on_kill(airflow: Airflow, simulator: Simulator) -> None:
    kinds = {"Messages": IN_ONE_TASK, "Calls": IN_ONE_TASK, "Conferences": OR_CANCEL, "Participants": OR_CANCEL}
    runs = {kind: airflow.trigger(dag, conf={"resource_type": kind, **DAYS}) for kind, dag in kinds.items()}
    for kind, dag_id in kinds.items():
        airflow.wait_for_state(dag_id, runs[kind], "create", {"deferred"})
        wait_for_words(airflow, dag_id, runs[kind], "starting")

    airflow.set_state(IN_ONE_TASK, runs["Messages"], "create", "failed")
    airflow.set_state(IN_ONE_TASK, runs["Calls"], "create", "success")
    airflow.clear(OR_CANCEL, runs["Participants"], "create")
    airflow.set_state(OR_CANCEL, runs["Conferences"], "create", "failed")
    for kind, dag_id in kinds.items():
        wait_for_words(airflow, dag_id, runs[kind], "invoking on_kill")
    airflow.wait_until(lambda: simulator.requests.matching(method="DELETE"), "A job is deleted", timeout=180)
    wait_for_attempt(airflow, OR_CANCEL, runs["Participants"], "create", 2)
    simulator.finish_jobs()
    assert airflow.wait_for_run(OR_CANCEL, runs["Participants"]) == "success"

    jobs = {job.request.resource_type.value: job for job in simulator.state.jobs.values()}
    assert len(jobs) == len(simulator.requests.matching(method="POST")) == 4
    assert [kind for kind, job in jobs.items() if job.is_deleted] == ["Conferences"]
    assert len(simulator.requests.matching(method="DELETE")) == 1
    log = airflow.task_log(OR_CANCEL, runs["Participants"], "create", try_number=2)
    assert f"Adopted job {jobs['Participants'].sid}" in log


def wait_for_attempt(airflow: Airflow, dag_id: str, run_id: str, task_id: str, number: int) -> None:
    """Wait until a task's attempt of that number starts."""
    airflow.wait_until(
        lambda: airflow.task_instance(dag_id, run_id, task_id)["try_number"] == number,
        f"Attempt {number} of {task_id}",
        timeout=120,
    )


def wait_for_words(airflow: Airflow, dag_id: str, run_id: str, words: str) -> None:
    """Wait until the log of the first attempt contains these words."""
    airflow.wait_until(lambda: words in airflow.task_log(dag_id, run_id, "create"), f"{words!r} in the log", timeout=60)
