"""A killed task leaves its job unless cancel_on_kill is set, and submits nothing more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from logging import getLogger
from typing import Any

import pytest

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.simulator import Fault, Simulator
from airflow_provider_bulkexports.submission.cancellation import JobGuard, cancel_jobs
from airflow_provider_bulkexports.tasks.failures import BulkExportsTaskError

Create = Callable[..., Any]


def is_deleted(sim: Simulator, sid: str) -> bool:
    return sim.state.jobs[sid].is_deleted


@pytest.fixture(autouse=True)
def recorded(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The task's state in Airflow's records: by default somebody marked it failed."""
    records = {"state": "failed"}

    def state_of(_: Any) -> Any:
        if isinstance(records["state"], Exception):
            raise records["state"]
        return records["state"]

    monkeypatch.setattr("airflow_provider_bulkexports.compat._recorded_state", state_of)
    return records


@pytest.fixture
def killed_while_waiting(
    make_create: Create, connection: str, run_task: Callable[..., Any], timeline: Any
) -> Callable[..., Any]:
    """Run a task that waits for its job; Airflow kills it after half a minute."""

    def run(**kwargs: Any) -> Any:
        task = make_create(wait_for_completion=True, **kwargs)
        timeline.after(30, task.on_kill)
        return run_task(lambda: task)

    return run


@pytest.mark.parametrize("cancel_on_kill", [False, True])
def test_kill_cancels_jobs_only_with_cancel_on_kill(
    killed_while_waiting: Any, sim: Simulator, timeline: Any, cancel_on_kill: bool
) -> None:
    end = killed_while_waiting(cancel_on_kill=cancel_on_kill)

    assert "was killed" in str(end.error)
    assert end.state == "up_for_retry", "so that the next attempt adopts the job"
    assert timeline.passed < 120
    (sid,) = sim.state.jobs
    assert is_deleted(sim, sid) is cancel_on_kill


def test_retry_after_cancellation_submits_again(killed_while_waiting: Any, create: Create, sim: Simulator) -> None:
    killed_while_waiting(cancel_on_kill=True)
    (first,) = sim.state.jobs

    second = create()

    assert second.state == "success", second.error
    assert second.value != first


def test_kill_cancels_the_job_of_an_earlier_attempt(create: Create, killed_while_waiting: Any, sim: Simulator) -> None:
    first = create().value

    killed_while_waiting(cancel_on_kill=True)

    assert list(sim.state.jobs) == [first]
    assert is_deleted(sim, first)


def test_kill_leaves_a_finished_job_alone(
    make_create: Create, connection: str, context: dict[str, Any], sim: Simulator, timeline: Any
) -> None:
    task = make_create(cancel_on_kill=True)
    sid = task.execute(context)
    sim.finish_jobs()

    task.on_kill()

    assert len(sim.requests.matching(method="DELETE")) == 0
    assert not is_deleted(sim, sid)


def test_job_created_after_the_kill_is_cancelled(
    make_create: Create, connection: str, context: dict[str, Any], sim: Simulator, timeline: Any
) -> None:
    """On Airflow 3 the code runs on after ``on_kill``, for instance in the middle of the POST."""
    task = make_create(cancel_on_kill=True)
    create_job = task.hook.get_conn().create_job

    def killed_meanwhile(*args: Any, **kwargs: Any) -> Any:
        task.on_kill()
        return create_job(*args, **kwargs)

    task.hook.get_conn().create_job = killed_meanwhile

    with pytest.raises(BulkExportsTaskError, match="was killed"):
        task.execute(context)

    (sid,) = sim.state.jobs
    assert is_deleted(sim, sid)


def test_task_killed_while_searching_submits_nothing(
    make_create: Create, connection: str, context: dict[str, Any], sim: Simulator, timeline: Any
) -> None:
    task = make_create(cancel_on_kill=True)
    list_jobs = task.hook.get_conn().list_jobs

    def killed_meanwhile(*args: Any) -> Any:
        task.on_kill()
        return list_jobs(*args)

    task.hook.get_conn().list_jobs = killed_meanwhile

    with pytest.raises(BulkExportsTaskError, match="was killed"):
        task.execute(context)

    assert len(sim.requests.matching(method="POST")) == 0


def test_task_can_be_killed_before_it_begins(make_create: Create, sim: Simulator, timeline: Any) -> None:
    make_create(cancel_on_kill=True).on_kill()

    assert len(sim.requests) == 0


@pytest.mark.slow
def test_kill_takes_at_most_three_seconds(
    make_create: Create, connection: str, context: dict[str, Any], sim: Simulator
) -> None:
    task = make_create(cancel_on_kill=True)
    task.execute(context)
    sim.faults.add(Fault(delay=20, path=r"/v1/Exports/Jobs/.*"))

    begun = time.monotonic()
    task.on_kill()

    assert 2.5 < time.monotonic() - begun < 4.5


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 401}, {"status": 404}, {"drop": True}], ids=str)
def test_kill_never_raises(
    make_create: Create, connection: str, context: dict[str, Any], sim: Simulator, fault: dict[str, Any]
) -> None:
    task = make_create(cancel_on_kill=True)
    task.execute(context)
    sim.faults.add(Fault(**fault, path=r"/v1/Exports/Jobs/.*", times=None))

    task.on_kill()

    assert not is_deleted(sim, *sim.state.jobs)


def test_kill_works_while_the_main_thread_holds_a_lock(client: Any, sim: Simulator) -> None:
    sid = sim.create_job("Messages", "2026-01-01", "2026-01-03").sid
    asked_in = []
    get_job = client.get_job
    client.get_job = lambda sid: asked_in.append(threading.current_thread()) or get_job(sid)

    class Log:
        info = warning = staticmethod(lambda *_: None)

    guard = JobGuard(client, Log(), cancel_on_kill=True)
    guard.register(sid)
    guard.kill()

    assert asked_in != [threading.main_thread()]
    assert is_deleted(sim, sid)


@pytest.mark.parametrize("cancel_on_kill", [False, True])
@pytest.mark.parametrize("deferrable", [False, True], ids=["on a worker", "deferrable"])
def test_timeout_cancels_jobs_only_with_cancel_on_kill(
    create: Create, sim: Simulator, cancel_on_kill: bool, deferrable: bool
) -> None:
    end = create(
        wait_for_completion=True, timeout=30, poll_interval=10, cancel_on_kill=cancel_on_kill, deferrable=deferrable
    )

    assert end.state == "up_for_retry"
    (sid,) = sim.state.jobs
    assert is_deleted(sim, sid) is cancel_on_kill
    if cancel_on_kill:
        assert f"Deleted job {sid} because cancel_on_kill is set" in str(end.error)
        assert "Clear the task to submit the missing days again" in str(end.error)
    else:
        assert "The job may still be running at Twilio. Clear this task to resume waiting" in str(end.error)


def test_timeout_names_a_job_that_cannot_be_cancelled(create: Create, sim: Simulator) -> None:
    sim.faults.add(Fault(status=503, method="DELETE", times=None))

    end = create(wait_for_completion=True, timeout=30, poll_interval=10, cancel_on_kill=True)

    assert end.state == "up_for_retry"
    assert "it is still running at Twilio" in str(end.error)
    assert "fault. Clear the task to resume waiting; raise timeout" in str(end.error)
    assert "submit the missing days again" not in str(end.error)


class Said(list[str]):
    """A log that keeps its lines."""

    def warning(self, message: str, *args: Any) -> None:
        self.append(message % args)

    info = error = warning


def test_finished_job_is_left_alone_and_can_be_waited_for(sim: Simulator, client: BulkExportsClient) -> None:
    job = sim.create_job("Messages", "2026-01-01", "2026-01-03")
    sim.finish_jobs()

    said = cancel_jobs(client, [job.sid], Said())

    assert said == f"Job {job.sid} is finished and was left alone. Clear the task to resume waiting"
    assert not is_deleted(sim, job.sid)


def test_one_deleted_job_of_several_is_submitted_again(sim: Simulator, client: BulkExportsClient) -> None:
    finished = sim.create_job("Messages", "2026-01-01", "2026-01-03")
    sim.finish_jobs()
    queued = sim.create_job("Messages", "2026-02-01", "2026-02-03")
    log = Said()

    said = cancel_jobs(client, [queued.sid, finished.sid, "JS" + "0" * 32], log)

    assert is_deleted(sim, queued.sid)
    assert said == f"{' '.join(log)} Clear the task to submit the missing days again"
    assert [line.partition(" JS")[0] for line in log] == ["Deleted job", "Job", "Job"]


@pytest.mark.parametrize(
    "state",
    ["running", "restarting", "up_for_retry", "queued", "deferred", None, RuntimeError("nobody answers")],
    ids=str,
)
def test_killed_worker_leaves_the_job_unless_the_task_ended(
    killed_while_waiting: Any, create: Create, sim: Simulator, recorded: dict[str, Any], state: Any
) -> None:
    """For example in a deployment, without memory, or when the API server is down."""
    recorded["state"] = state

    killed_while_waiting(cancel_on_kill=True)

    (sid,) = sim.state.jobs
    assert not is_deleted(sim, sid)
    assert create().value == sid


@pytest.mark.parametrize("state", ["failed", "success", "skipped", "removed"])
def test_task_marked_failed_cancels_its_job(
    killed_while_waiting: Any, sim: Simulator, recorded: dict[str, Any], state: str
) -> None:
    recorded["state"] = state

    killed_while_waiting(cancel_on_kill=True)

    assert is_deleted(sim, *sim.state.jobs)


@pytest.mark.slow
def test_slow_airflow_response_cancels_nothing(
    make_create: Create, connection: str, context: dict[str, Any], sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For example, the main thread holds a lock that the request needs."""
    asked, answered = threading.Event(), threading.Event()

    def never(_: Any) -> str:
        asked.set()
        answered.wait(30)
        return "running"

    monkeypatch.setattr("airflow_provider_bulkexports.compat._recorded_state", never)
    task = make_create(cancel_on_kill=True)
    task.execute(context)

    begun = time.monotonic()
    task.on_kill()

    assert time.monotonic() - begun < 4.5
    assert asked.is_set()
    assert not is_deleted(sim, *sim.state.jobs)
    answered.set()


@pytest.mark.parametrize("deferrable", [False, True], ids=["on a worker", "deferrable"])
def test_mapped_task_does_not_cancel_an_adopted_job(
    create: Create, killed_while_waiting: Any, sim: Simulator, context: dict[str, Any], deferrable: bool
) -> None:
    context["ti"].map_index = 0
    sid = create().value
    context["ti"].map_index = 1

    if deferrable:
        end = create(wait_for_completion=True, timeout=30, poll_interval=10, cancel_on_kill=True, deferrable=True)
        (deferral,) = end.deferrals
        assert deferral.trigger.cancel_on_kill is False
    else:
        killed_while_waiting(cancel_on_kill=True)

    assert list(sim.state.jobs) == [sid]
    assert not is_deleted(sim, sid)


def test_mapped_task_cancels_its_own_job(killed_while_waiting: Any, sim: Simulator, context: dict[str, Any]) -> None:
    context["ti"].map_index = 1

    killed_while_waiting(cancel_on_kill=True)

    assert is_deleted(sim, *sim.state.jobs)


@pytest.mark.parametrize(
    ("own", "share"), [(["JS1", "JS2"], True), (["JS2"], ["JS2"]), ([], False), (["JS3"], False)], ids=str
)
def test_trigger_gets_the_jobs_that_it_may_cancel(own: list[str], share: bool | list[str]) -> None:
    guard = JobGuard(None, getLogger(__name__))
    for sid in own:
        guard.register(sid)

    assert guard.cancellable(("JS1", "JS2")) == share
