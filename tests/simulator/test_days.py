"""The list of day files, and the links to them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from airflow_provider_bulkexports.simulator import Simulator

Create = Callable[..., dict[str, Any]]


def days(api: requests.Session, resource_type: str = "Messages") -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = api.get(f"/{resource_type}/Days").json()["days"]
    return listed


def test_files_are_listed_as_each_day_is_done(sim: Simulator, create: Create, api: requests.Session) -> None:
    sid = create()["job_sid"]
    runs = sorted(sim.state.jobs[sid].runs, key=lambda run: run.ends_at)
    sim.clock.advance_to(runs[2].ends_at)
    assert [day["day"] for day in days(api)] == [run.day.isoformat() for run in runs[:3]]
    sim.finish_jobs()
    assert [day["day"] for day in days(api)] == [run.day.isoformat() for run in runs]


def test_files_can_appear_when_the_whole_job_is_done(sim: Simulator, create: Create, api: requests.Session) -> None:
    sim.knobs.files_wait_for_job = True
    sid = create()["job_sid"]
    sim.clock.advance_to(sim.state.jobs[sid].finishes_at - timedelta(seconds=1))
    assert days(api) == []
    sim.finish_jobs()
    assert len(days(api)) == 7


def test_days_list_entry_has_the_documented_fields(
    sim: Simulator, create: Create, api: requests.Session, storage: requests.Session, link_to: Callable[..., str]
) -> None:
    create(EndDay="2026-11-01")
    sim.finish_jobs()
    assert days(api) == [
        {
            "day": "2026-11-01",
            "size": len(storage.get(link_to()).content),
            "create_date": "2026-11-24",
            "friendly_name": "weekly",
            "resource_type": "Messages",
        }
    ]


def test_failed_days_have_no_file(sim: Simulator, create: Create, api: requests.Session) -> None:
    sim.state.fail_day("Messages", "2026-11-02")
    create()
    sim.finish_jobs()
    assert "2026-11-02" not in {day["day"] for day in days(api)}
    assert api.get("/Messages/Days/2026-11-02").status_code == 404


def test_second_export_of_a_day_adds_a_file_and_serves_it(
    sim: Simulator, create: Create, api: requests.Session, storage: requests.Session, link_to: Callable[..., str]
) -> None:
    for name, records in (("first", 5), ("second", 9)):
        sim.state.set_record_count("Messages", "2026-11-01", records)
        create(EndDay="2026-11-01", FriendlyName=name)
        sim.finish_jobs()
        sim.clock.advance(60)
    entries = days(api)
    assert [(entry["day"], entry["friendly_name"]) for entry in entries] == [
        ("2026-11-01", "first"),
        ("2026-11-01", "second"),
    ]
    assert len(storage.get(link_to()).content) == entries[1]["size"]


def test_file_is_removed_seven_days_after_its_creation(sim: Simulator, create: Create, api: requests.Session) -> None:
    sim.knobs.seconds_per_day_run = 86400
    sim.knobs.parallel_days = 1
    create(EndDay="2026-11-04")
    sim.finish_jobs()
    oldest, newest = sim.state.day_files[0], sim.state.day_files[-1]
    sim.clock.advance_to(oldest.created_at + timedelta(days=7, seconds=-1))
    assert api.get(f"/Messages/Days/{oldest.day}").status_code == 307
    sim.clock.advance(1)
    assert api.get(f"/Messages/Days/{oldest.day}").status_code == 404
    assert api.get(f"/Messages/Days/{newest.day}").status_code == 307
    assert oldest.day.isoformat() not in {day["day"] for day in days(api)}
    assert len(api.get("/Messages/Jobs").json()["jobs"]) == 1
    sim.knobs.file_retention_days = 30
    assert api.get(f"/Messages/Days/{oldest.day}").status_code == 307


def test_remove_files_removes_the_files_of_a_day(sim: Simulator, create: Create, api: requests.Session) -> None:
    create()
    sim.finish_jobs()
    sim.state.remove_files("Messages", "2026-11-03")
    assert len(days(api)) == 6
    assert api.get("/Messages/Days/2026-11-03").status_code == 404


@pytest.mark.parametrize("day", ["2026-11-08", "2026-11-1", "nonsense", "2026-11-01T00:00:00Z", "%00", "2026-02-30"])
def test_day_without_export_gets_404(sim: Simulator, create: Create, api: requests.Session, day: str) -> None:
    create()
    sim.finish_jobs()
    response = api.get(f"/Messages/Days/{day}")
    assert (response.status_code, response.json()["code"]) == (404, 20404)


def test_day_redirects_to_the_storage_origin(sim: Simulator, create: Create, api: requests.Session) -> None:
    create()
    sim.finish_jobs()
    response = api.get("/Messages/Days/2026-11-01")
    assert response.status_code == 307
    assert response.json() == {"redirect_to": response.headers["Location"]}
    link = urlsplit(response.headers["Location"])
    assert f"{link.scheme}://{link.netloc}" == sim.storage_url != sim.base_url
    assert link.path.startswith(f"/daily/day%3D2026-11-01/type%3DMessages/account%3D{sim.account_sid}/created_time%3D")
    assert "X-Amz-Expires=240" in link.query


def test_client_that_follows_the_redirect_gets_the_file(sim: Simulator, create: Create, api: requests.Session) -> None:
    create()
    sim.finish_jobs()
    response = api.get("/Messages/Days/2026-11-01", allow_redirects=True)
    assert response.status_code == 200
    assert response.content[:2] == b"\x1f\x8b"


@pytest.mark.parametrize("status", [200, 302, 307])
@pytest.mark.parametrize("with_location", [True, False])
@pytest.mark.parametrize("body", ["link", "null", "absent"])
def test_link_response_follows_its_knobs(
    sim: Simulator, create: Create, api: requests.Session, status: Any, with_location: bool, body: Any
) -> None:
    create()
    sim.finish_jobs()
    sim.knobs.day_fetch_status, sim.knobs.day_fetch_location, sim.knobs.day_fetch_body = status, with_location, body
    response = api.get("/Messages/Days/2026-11-01")
    assert response.status_code == status
    assert ("Location" in response.headers) is with_location
    if body == "absent":
        assert response.content == b""
    else:
        assert (response.json()["redirect_to"] is None) is (body == "null")


def test_first_fetches_of_a_finished_day_can_get_404(sim: Simulator, create: Create, api: requests.Session) -> None:
    sim.knobs.day_fetch_misses = 2
    create()
    sim.finish_jobs()
    assert [api.get("/Messages/Days/2026-11-01").status_code for _ in range(4)] == [404, 404, 307, 307]


def test_empty_days_are_listed_unless_hidden(sim: Simulator, create: Create, api: requests.Session) -> None:
    sim.state.empty_day("Messages", "2026-11-02")
    create()
    sim.finish_jobs()
    assert len(days(api)) == 7
    sim.knobs.hide_empty_days = True
    assert len(days(api)) == 6
    assert api.get("/Messages/Days/2026-11-02").status_code == 307


def test_empty_day_can_have_no_file(sim: Simulator, create: Create, api: requests.Session) -> None:
    sim.knobs.empty_day_file = "absent"
    sim.state.set_record_count("Messages", "2026-11-02", 0)
    create()
    sim.finish_jobs()
    assert len(days(api)) == 6
    assert api.get("/Messages/Days/2026-11-02").status_code == 404


def test_links_of_an_export_work(api: requests.Session) -> None:
    export = api.get("/Conferences").json()
    assert export["resource_type"] == "Conferences"
    assert api.get(export["url"]).json() == export
    assert api.get(export["links"]["days"]).status_code == 200
    assert api.get(export["links"]["export_custom_jobs"]).status_code == 200
    assert export["links"]["jobs"].endswith("/v1/Exports/Jobs")


@pytest.mark.parametrize(("generation", "served"), [("newest", 1), ("oldest", 0)])
def test_knob_chooses_among_the_files_of_a_day(
    sim: Simulator, create: Create, api: requests.Session, storage: requests.Session, generation: Any, served: int
) -> None:
    for records in (20, 30):
        sim.state.set_record_count("Messages", "2026-11-01", records)
        create(EndDay="2026-11-01")
        sim.finish_jobs()
    sizes = [entry["size"] for entry in days(api)]
    assert len(set(sizes)) == 2
    sim.knobs.day_fetch_generation = generation
    link = api.get("/Messages/Days/2026-11-01").json()["redirect_to"]
    assert len(storage.get(link).content) == sizes[served]


@pytest.mark.parametrize("listed", ["filled", "null", "absent"])
def test_listed_size_is_filled_null_or_absent(
    sim: Simulator, create: Create, api: requests.Session, storage: requests.Session, listed: Any
) -> None:
    sim.knobs.listed_size = listed
    create(EndDay="2026-11-01")
    sim.finish_jobs()
    (entry,) = days(api)
    length = len(storage.get(api.get("/Messages/Days/2026-11-01").json()["redirect_to"]).content)
    assert ("size" in entry) is (listed != "absent")
    assert entry.get("size") == (length if listed == "filled" else None)
