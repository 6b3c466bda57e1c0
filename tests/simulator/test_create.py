"""Which submissions are accepted, and their responses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from airflow_provider_bulkexports.simulator import Rejection, Simulator

WEEK = {"StartDay": "2026-11-01", "EndDay": "2026-11-07", "FriendlyName": "weekly"}

Create = Callable[..., dict[str, Any]]


def test_created_job_has_the_submitted_fields(create: Create) -> None:
    job = create(WebhookUrl="https://hooks.example.com/x", WebhookMethod="POST", Email="data@example.com")
    assert job["job_sid"][:2] == "JS"
    assert len(job["job_sid"]) == 34
    assert {name: job[name] for name in ("start_day", "end_day", "friendly_name", "resource_type")} == {
        "start_day": "2026-11-01",
        "end_day": "2026-11-07",
        "friendly_name": "weekly",
        "resource_type": "Messages",
    }
    assert job["webhook_url"] == "https://hooks.example.com/x"
    assert (job["webhook_method"], job["email"]) == ("POST", "data@example.com")
    assert job["details"] is None
    assert job["job_queue_position"] == "1"
    assert "url" not in job
    assert "status" not in job


def test_missing_optional_fields_are_null(create: Create) -> None:
    job = create(WebhookUrl="", Email="")
    assert job["webhook_url"] is job["webhook_method"] is job["email"] is None


def test_repeated_submission_creates_another_job(create: Create) -> None:
    assert create()["job_sid"] != create()["job_sid"]


def test_one_day_and_a_leap_year_are_accepted(create: Create) -> None:
    create(StartDay="2026-11-22", EndDay="2026-11-22")
    create(StartDay="2024-01-01", EndDay="2024-12-30")


@pytest.mark.parametrize(
    ("form", "knob"),
    [
        ({"StartDay": None}, "missing_parameter"),
        ({"EndDay": ""}, "missing_parameter"),
        ({"FriendlyName": " "}, "missing_parameter"),
        ({"StartDay": "2026-11-1"}, "invalid_parameter"),
        ({"StartDay": "2026-02-30"}, "invalid_parameter"),
        ({"EndDay": "2026-11-07T00:00:00Z"}, "invalid_parameter"),
        ({"EndDay": "2026-11-0\u0667"}, "invalid_parameter"),
        ({"StartDay": "2026-11-08"}, "days_out_of_order"),
        ({"EndDay": "2026-11-23"}, "end_day_too_recent"),
        ({"EndDay": "9999-12-31"}, "end_day_too_recent"),
        ({"WebhookUrl": "https://hooks.example.com"}, "half_webhook_pair"),
        ({"WebhookMethod": "POST"}, "half_webhook_pair"),
        ({"WebhookUrl": "hooks.example.com", "WebhookMethod": "POST"}, "invalid_parameter"),
        ({"WebhookUrl": "http://[::1", "WebhookMethod": "POST"}, "invalid_parameter"),
        ({"WebhookUrl": "http://h:port/", "WebhookMethod": "POST"}, "invalid_parameter"),
        ({"WebhookUrl": "https://hooks.example.com", "WebhookMethod": "PUT"}, "invalid_parameter"),
        ({"StartDay": "2024-01-01", "EndDay": "2025-01-01"}, "quota_exceeded"),
    ],
)
def test_invalid_submission_gets_the_rejection_of_its_knob(
    sim: Simulator, api: requests.Session, form: dict[str, str | None], knob: str
) -> None:
    bad = {name: value for name, value in {**WEEK, **form}.items() if value is not None}
    response = api.post("/Messages/Jobs", data=bad)
    assert (response.status_code, response.json()["code"]) == (400, 20001)
    assert response.json()["status"] == 400
    assert response.json()["message"]
    setattr(sim.knobs, knob, Rejection(422, 99999))
    response = api.post("/Messages/Jobs", data=bad)
    assert (response.status_code, response.json()["code"]) == (422, 99999)
    assert sim.state.jobs == {}
    assert sim.state.service.quota.used(sim.account_sid, sim.clock.now().date()) == 0


def test_latest_end_day_moves_with_the_utc_day(sim: Simulator, create: Create, api: requests.Session) -> None:
    form = {**WEEK, "EndDay": "2026-11-23"}
    assert api.post("/Messages/Jobs", data=form).status_code == 400
    sim.clock.advance(12 * 3600)
    create(**form)


def test_any_end_day_is_accepted_without_the_check(sim: Simulator, create: Create) -> None:
    sim.knobs.check_end_day = False
    assert create(StartDay="9999-12-01", EndDay="9999-12-31")["end_day"] == "9999-12-31"
    sim.finish_jobs()


@pytest.mark.parametrize("resource_type", ["messages", "MESSAGES", "Message", "Jobs", "Conversations", "Messages "])
def test_misspelled_resource_type_gets_404(api: requests.Session, resource_type: str) -> None:
    for path in ("", "/Jobs", "/Days", "/Days/2026-11-01", "/Configuration"):
        response = api.get(f"/{resource_type}{path}")
        assert (response.status_code, response.json()["code"]) == (404, 20404)
    assert api.post(f"/{resource_type}/Jobs", data=WEEK).status_code in (404, 405)


def test_response_can_be_lost_after_the_job_was_created(sim: Simulator, api: requests.Session) -> None:
    sim.knobs.drop_create_answer = True
    with pytest.raises(requests.ConnectionError):
        api.post("/Messages/Jobs", data=WEEK)
    assert sim.job_of("weekly").request.day_count == 7
    sim.knobs.drop_create_answer = False
    assert len(api.get("/Messages/Jobs").json()["jobs"]) == 1


def test_json_body_is_read_as_an_empty_form(api: requests.Session) -> None:
    response = api.post("/Messages/Jobs", json=WEEK)
    assert response.status_code == 400
    assert "StartDay" in response.json()["message"]


def test_job_of_unknown_friendly_name_is_an_error(sim: Simulator) -> None:
    with pytest.raises(LookupError, match="nobody"):
        sim.job_of("nobody")
