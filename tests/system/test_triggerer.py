"""Deferred waits survive the triggerer's death and restart, and end at their timeouts."""

from __future__ import annotations

from support.harness import Airflow

from airflow_provider_bulkexports.simulator import Simulator

DAYS = {"start_day": "2026-02-01", "end_day": "2026-02-03"}


def test_waits_survive_death_and_restart_of_the_triggerer(airflow: Airflow, simulator: Simulator) -> None:
    waits = {"Calls": ("export_days", "wait"), "Messages": ("export_in_one_task_or_cancel", "create")}
    runs = {kind: airflow.trigger(dag, conf={"resource_type": kind, **DAYS}) for kind, (dag, _) in waits.items()}
    for kind, (dag_id, task_id) in waits.items():
        airflow.wait_for_state(dag_id, runs[kind], task_id, {"deferred"})
    for end in (airflow.triggerer.kill, airflow.triggerer.terminate):
        wait_for_poll(airflow, simulator)
        end()
        airflow.triggerer.start()
    wait_for_poll(airflow, simulator)
    simulator.finish_jobs()

    jobs = {job.request.resource_type.value: job for job in simulator.state.jobs.values()}
    for kind, (dag_id, task_id) in waits.items():
        assert airflow.wait_for_run(dag_id, runs[kind]) == "success"
        assert airflow.xcom(dag_id, runs[kind], task_id)["job_sids"] == [jobs[kind].sid]
        assert airflow.task_instance(dag_id, runs[kind], task_id)["try_number"] == 1
    assert len(simulator.requests.matching(method="POST")) == 2
    assert not simulator.requests.matching(method="DELETE")


def test_deferred_sensor_times_out_with_the_last_known_progress(airflow: Airflow, simulator: Simulator) -> None:
    job = simulator.create_job("Messages", "2026-02-01", "2026-02-03")
    run_id = airflow.trigger("impatient_waits", conf={"job_sid": job.sid})
    for task_id in ("timeout", "execution_timeout"):
        # Airflow's own timeout comes 15 minutes later.
        airflow.wait_for_state("impatient_waits", run_id, task_id, {"failed"}, timeout=120)
        assert airflow.task_instance("impatient_waits", run_id, task_id)["try_number"] == 1
        log = airflow.task_log("impatient_waits", run_id, task_id)
        errors = "\n".join(line for line in log.splitlines() if " error " in line)
        assert f"What happened: Timed out waiting for {job.sid} (0/3 days" in errors
        assert "What to do: The job may still be running at Twilio. Clear this task to resume" in errors
    assert not simulator.requests.matching(method="DELETE")


def wait_for_poll(airflow: Airflow, simulator: Simulator) -> None:
    """Wait until the triggerer polls both jobs once more."""
    requests_before = len(simulator.requests)

    def polled() -> bool:
        return {request.path for request in simulator.requests[requests_before:]} >= paths

    paths = {f"/v1/Exports/Jobs/{sid}" for sid in simulator.state.jobs}
    airflow.wait_until(polled, "The triggerer polls the jobs", timeout=120)
