"""Listing, fetching and deleting jobs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import requests

from airflow_provider_bulkexports.simulator import Simulator

Create = Callable[..., dict[str, Any]]


def statuses(api: requests.Session, sid: str) -> dict[str, int]:
    details = api.get(f"/Jobs/{sid}").json()["details"]
    return {group["status"]: group["count"] for group in details}


def test_job_goes_from_submitted_to_completed(sim: Simulator, create: Create, api: requests.Session) -> None:
    sid = create()["job_sid"]
    assert statuses(api, sid) == {"Submitted": 7}
    sim.clock.advance(16)
    assert statuses(api, sid) == {"Running": 4, "Submitted": 3}
    sim.finish_jobs()
    assert statuses(api, sid) == {"Completed": 7}


def test_only_a_fetched_job_has_a_url(create: Create, api: requests.Session) -> None:
    job = create()
    fetched = api.get(f"/Jobs/{job['job_sid']}").json()
    assert api.get(fetched["url"]).json() == fetched
    (listed,) = api.get("/Messages/Jobs").json()["jobs"]
    assert {"url", *listed} == set(fetched)
    assert set(listed) == set(job)


def test_jobs_are_listed_by_type_oldest_first(sim: Simulator, create: Create, api: requests.Session) -> None:
    sids = [create()["job_sid"] for _ in range(3)]
    create("Calls")
    listed = [job["job_sid"] for job in api.get("/Messages/Jobs").json()["jobs"]]
    assert listed == sids
    sim.knobs.newest_job_first = True
    listed = [job["job_sid"] for job in api.get("/Messages/Jobs").json()["jobs"]]
    assert listed == sids[::-1]


def test_queue_position_never_increases_and_ends_at_zero(sim: Simulator, create: Create, api: requests.Session) -> None:
    for _ in range(2):
        create()
    sid = create("Calls")["job_sid"]
    positions = []
    for _ in range(60):
        positions.append(api.get(f"/Jobs/{sid}").json()["job_queue_position"])
        sim.clock.advance(5)
    assert positions[0] == "3"
    assert positions[-1] == "0"
    assert positions == sorted(positions, reverse=True)


def test_estimate_is_in_the_future_until_the_job_is_done(sim: Simulator, create: Create, api: requests.Session) -> None:
    job = create()
    now = f"{sim.clock.now():%Y-%m-%dT%H:%M:%S}"
    assert job["estimated_completion_time"] > now
    sim.finish_jobs()
    sim.clock.advance(60)
    done = api.get(f"/Jobs/{job['job_sid']}").json()
    assert now < done["estimated_completion_time"] < f"{sim.clock.now():%Y-%m-%dT%H:%M:%S}"


def test_finished_job_is_listed_for_seven_days(sim: Simulator, create: Create, api: requests.Session) -> None:
    sid = create()["job_sid"]
    sim.clock.advance_to(sim.state.jobs[sid].finishes_at + timedelta(days=7, seconds=-1))
    assert len(api.get("/Messages/Jobs").json()["jobs"]) == 1
    sim.clock.advance(1)
    assert api.get("/Messages/Jobs").json()["jobs"] == []
    assert api.get(f"/Jobs/{sid}").status_code == 404
    sim.knobs.job_retention_days = 30
    assert api.get(f"/Jobs/{sid}").status_code == 200


def test_unfinished_job_stays_listed(sim: Simulator, create: Create, api: requests.Session) -> None:
    sim.knobs.queue_seconds = 30 * 86400
    sid = create()["job_sid"]
    sim.clock.advance(29 * 86400)
    assert api.get(f"/Jobs/{sid}").status_code == 200


@pytest.mark.parametrize("sid", ["JS" + "0" * 32, "nonsense", "JS", "%00", "a b", "%F0%9F%92%A9"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_unknown_job_gets_404(api: requests.Session, method: str, sid: str) -> None:
    response = api.request(method, f"/Jobs/{sid}")
    assert (response.status_code, response.json()["code"]) == (404, 20404)


def test_deleting_a_job_deletes_its_unfinished_days(sim: Simulator, create: Create, api: requests.Session) -> None:
    sim.knobs.parallel_days = 2
    sid = create()["job_sid"]
    job = sim.state.jobs[sid]
    sim.clock.advance_to(sorted(run.ends_at for run in job.runs)[1])
    before = statuses(api, sid)
    response = api.delete(f"/Jobs/{sid}")
    assert (response.status_code, response.content) == (204, b"")
    assert statuses(api, sid) == {
        "Completed": 2,
        "RunningToBeDeleted": before["Running"],
        "DeletedByUserRequest": before["Submitted"],
    }
    sim.clock.advance(sim.knobs.stop_seconds)
    assert statuses(api, sid) == {"Completed": 2, "DeletedByUserRequest": 5}
    assert len(api.get("/Messages/Days").json()["days"]) == 2
    assert api.get(f"/Jobs/{sid}").json()["job_queue_position"] == "0"
    sim.clock.advance(3600)
    assert len(sim.state.day_files) == 2


def test_deletion_does_not_delay_the_end_of_a_day(sim: Simulator) -> None:
    job = sim.create_job("Messages", "2026-11-01", "2026-11-01")
    planned = job.finishes_at
    sim.clock.advance_to(planned - timedelta(seconds=1))
    sim.state.delete_job(sim.account, job.sid)
    assert job.finishes_at == planned


def test_deleting_twice_is_accepted_until_the_job_is_finished(create: Create, api: requests.Session) -> None:
    sid = create()["job_sid"]
    assert [api.delete(f"/Jobs/{sid}").status_code for _ in range(3)] == [204, 204, 404]


def test_deleted_job_can_be_unknown_at_once(sim: Simulator, create: Create, api: requests.Session) -> None:
    sim.knobs.deleted_job = "gone"
    sid = create()["job_sid"]
    api.delete(f"/Jobs/{sid}")
    assert api.get(f"/Jobs/{sid}").status_code == 404
    assert api.get("/Messages/Jobs").json()["jobs"] == []


@pytest.mark.parametrize(("status", "is_left"), [(204, False), (404, True), (409, True)])
def test_deletion_of_a_finished_job_follows_the_knob(
    sim: Simulator, create: Create, api: requests.Session, status: Any, is_left: bool
) -> None:
    sim.knobs.delete_finished_status = status
    sid = create()["job_sid"]
    sim.finish_jobs()
    assert api.delete(f"/Jobs/{sid}").status_code == status
    assert (api.get(f"/Jobs/{sid}").status_code == 200) is is_left
    assert len(api.get("/Messages/Days").json()["days"]) == 7


def test_forgotten_job_gets_404(sim: Simulator, create: Create, api: requests.Session) -> None:
    sid = create()["job_sid"]
    sim.state.forget_job(sid)
    assert api.get(f"/Jobs/{sid}").status_code == 404


@pytest.mark.parametrize("path", ["", "/", "/Jobs", "/Messages/", "/Messages/Jobs/JS0", "/Messages/Nonsense"])
def test_paths_without_operations_get_404(api: requests.Session, path: str) -> None:
    response = api.get(f"/{path.removeprefix('/')}" if path else "/")
    assert (response.status_code, response.json()["code"]) == (404, 20404)


def test_wrong_method_gets_405(api: requests.Session) -> None:
    response = api.put("/Messages/Jobs")
    assert (response.status_code, response.json()["code"]) == (405, 20004)
    assert {"GET", "POST"} <= set(response.headers["Allow"].split(", "))
