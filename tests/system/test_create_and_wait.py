"""The usual DAG in a running Airflow: create a job and wait for it."""

from __future__ import annotations

from support.harness import Airflow

from airflow_provider_bulkexports.simulator import Simulator

DAG_ID = "export_days"
CONF = {"resource_type": "Calls", "start_day": "2026-02-01", "end_day": "2026-02-03"}
DAYS = ["2026-02-01", "2026-02-02", "2026-02-03"]


def test_run_exports_its_days_and_returns_them(airflow: Airflow, simulator: Simulator) -> None:
    run_id = airflow.trigger(DAG_ID, conf=CONF)
    airflow.wait_for_state(DAG_ID, run_id, "wait", {"deferred"})
    simulator.finish_jobs()
    assert airflow.wait_for_run(DAG_ID, run_id) == "success"

    (job,) = simulator.state.jobs.values()
    assert airflow.xcom(DAG_ID, run_id, "create") == job.sid
    result = airflow.xcom(DAG_ID, run_id, "wait")
    assert result["job_sids"] == [job.sid]
    assert (result["resource_type"], result["completed"], result["failed"]) == ("Calls", DAYS, [])


def test_wait_on_a_worker_resumes_after_its_process_is_killed(airflow: Airflow, simulator: Simulator) -> None:
    dag_id = "export_days_on_worker"
    run_id = airflow.trigger(dag_id, conf=CONF)
    airflow.task_process(dag_id, run_id, "wait").kill()
    airflow.wait_until(
        lambda: airflow.task_instance(dag_id, run_id, "wait")["try_number"] == 2, "The task is tried again"
    )
    simulator.finish_jobs()
    assert airflow.wait_for_run(dag_id, run_id) == "success"

    (job,) = simulator.state.jobs.values()
    assert airflow.xcom(dag_id, run_id, "wait")["job_sids"] == [job.sid]
