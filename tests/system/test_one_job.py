"""One range of days gets one job, whichever process dies at whatever time."""

from __future__ import annotations

from support.harness import Airflow, TaskProcess

from airflow_provider_bulkexports.simulator import Fault, Simulator

DAYS = {"start_day": "2026-02-01", "end_day": "2026-02-03"}

#: Seconds to hold a request; its sender is killed before.
HELD = 300.0


def test_job_is_found_after_its_response_is_lost(airflow: Airflow, simulator: Simulator) -> None:
    simulator.faults.add(Fault(method="POST", processed=True))
    run_id = airflow.trigger("export_days", conf={"resource_type": "Calls", **DAYS})
    airflow.wait_for_state("export_days", run_id, "wait", {"deferred"})
    (job,) = simulator.state.jobs.values()
    simulator.finish_jobs()
    assert airflow.wait_for_run("export_days", run_id) == "success"

    assert airflow.xcom("export_days", run_id, "create") == job.sid
    assert airflow.task_instance("export_days", run_id, "create")["try_number"] == 1
    assert f"Found the job of the lost response: {job.sid}" in airflow.task_log("export_days", run_id, "create")
    assert len(simulator.requests.matching(method="POST")) == 1


def test_worker_killed_around_the_submission_leaves_one_job(airflow: Airflow, simulator: Simulator) -> None:
    dag_id = "export_in_one_task_on_worker"

    def run_until(fault: Fault, resource_type: str) -> tuple[str, TaskProcess]:
        simulator.faults.add(fault)
        run_id = airflow.trigger(dag_id, conf={"resource_type": resource_type, **DAYS})
        process = airflow.task_process(dag_id, run_id, "create")
        airflow.wait_until(lambda: fault.hits, f"The export of {resource_type} reaches {fault}")
        return run_id, process

    # After the submission, at the first poll. With the supervisor killed too, Airflow gets no report.
    after, process = run_until(Fault(method="GET", path=r"/v1/Exports/Jobs/\w+", delay=HELD), "Conferences")
    process.kill_with_supervisor()
    # During: Twilio creates the job once its sender is dead and the next attempt is running.
    during, process = run_until(Fault(method="POST", path=r"/v1/Exports/Messages/Jobs", delay=12), "Messages")
    process.kill()
    # Before: while it looks for an earlier job.
    before, process = run_until(Fault(method="GET", path=r"/v1/Exports/Calls/Jobs", delay=HELD), "Calls")
    process.kill()

    airflow.wait_until(lambda: len(simulator.state.jobs) == 3, "Every run has a job", timeout=180)
    for run_id in (after, during, before):
        airflow.wait_until(
            lambda run_id=run_id: airflow.task_instance(dag_id, run_id, "create")["try_number"] == 2,
            "The task is tried again",
            timeout=120,
        )
    simulator.finish_jobs()
    for run_id in (after, during, before):
        assert airflow.wait_for_run(dag_id, run_id) == "success"

    jobs = {job.request.resource_type.value: job.sid for job in simulator.state.jobs.values()}
    assert len(jobs) == len(simulator.requests.matching(method="POST")) == 3
    assert f"Adopted job {jobs['Conferences']}" in airflow.task_log(dag_id, after, "create", try_number=2)
    assert f"Adopted job {jobs['Messages']}" in airflow.task_log(dag_id, during, "create", try_number=2)
    assert f"Submitted job {jobs['Calls']}" in airflow.task_log(dag_id, before, "create", try_number=2)
