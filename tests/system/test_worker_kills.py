"""The job's end when its task's worker is killed, and one job for mapped tasks that start together."""

from __future__ import annotations

from support.harness import Airflow

from airflow_provider_bulkexports.simulator import Simulator

DAG_ID = "export_in_one_task_on_worker_or_cancel"
AT_ONCE = "export_the_same_days_at_once"
DAYS = {"start_day": "2026-02-01", "end_day": "2026-02-03"}


def test_retry_adopts_the_job_and_marking_failed_deletes_it(airflow: Airflow, simulator: Simulator) -> None:
    kinds = ("Messages", "Calls", "Conferences")
    runs = {kind: airflow.trigger(DAG_ID, conf={"resource_type": kind, **DAYS}) for kind in kinds}
    processes = {kind: airflow.task_process(DAG_ID, run_id, "create") for kind, run_id in runs.items()}
    airflow.wait_until(lambda: len(simulator.state.jobs) == len(kinds), "Every task has a job", timeout=120)
    jobs = {job.request.resource_type.value: job for job in simulator.state.jobs.values()}
    for kind, run_id in runs.items():
        airflow.wait_until(
            lambda kind=kind, run_id=run_id: (
                f"Submitted job {jobs[kind].sid}" in airflow.task_log(DAG_ID, run_id, "create")
            ),
            "The submission is logged",
            timeout=60,
        )

    processes["Messages"].terminate()
    airflow.clear(DAG_ID, runs["Calls"], "create")
    airflow.set_state(DAG_ID, runs["Conferences"], "create", "failed")

    airflow.wait_until(lambda: simulator.requests.matching(method="DELETE"), "A job is deleted", timeout=120)
    for kind in ("Messages", "Calls"):
        airflow.wait_until(
            lambda run_id=runs[kind]: airflow.task_instance(DAG_ID, run_id, "create")["try_number"] == 2,
            f"Attempt 2 for {kind}",
            timeout=120,
        )
    simulator.finish_jobs()
    for kind in ("Messages", "Calls"):
        assert airflow.wait_for_run(DAG_ID, runs[kind]) == "success"
        log = airflow.task_log(DAG_ID, runs[kind], "create", try_number=2)
        assert f"Adopted job {jobs[kind].sid}" in log
    assert [kind for kind, job in jobs.items() if job.is_deleted] == ["Conferences"]
    assert len(simulator.state.jobs) == len(kinds)


def test_mapped_tasks_that_start_together_share_a_job(airflow: Airflow, simulator: Simulator) -> None:
    run_id = airflow.trigger(AT_ONCE, conf={})

    assert airflow.wait_for_run(AT_ONCE, run_id) == "success"

    query = "SELECT value FROM xcom WHERE dag_id = %s AND run_id = %s AND key = 'return_value'"
    ((sid,),) = set(airflow.sql(query, (AT_ONCE, run_id)))
    (kept,) = [job for job in simulator.state.jobs.values() if not job.is_deleted]
    assert kept.sid in str(sid)
