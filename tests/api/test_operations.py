"""Each method of the client sends the request of its operation in Twilio's OpenAPI document, and reads the response."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.exceptions import BulkExportsNotFoundError, BulkExportsResponseError
from airflow_provider_bulkexports.model.details import DayStatus
from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.simulator import Simulator

JANUARY = {"start_day": "2026-01-01", "end_day": "2026-01-03", "friendly_name": "first days"}


@dataclass(frozen=True)
class Operation:
    call: Callable[[BulkExportsClient, str], Any]
    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    form: dict[str, str] = field(default_factory=dict)


OPERATIONS = {
    "CreateExportCustomJob, as little as possible": Operation(
        lambda client, _: client.create_job("Calls", **JANUARY),
        "POST",
        "/v1/Exports/Calls/Jobs",
        form={"StartDay": "2026-01-01", "EndDay": "2026-01-03", "FriendlyName": "first days"},
    ),
    "CreateExportCustomJob, everything": Operation(
        lambda client, _: client.create_job(
            "Messages",
            start_day=date(2026, 1, 1),
            end_day=date(2026, 1, 1),
            friendly_name="ünï & co",
            webhook_url="https://hooks.example.com/x?a=b&c=d",
            webhook_method="POST",
            email="team@example.com",
        ),
        "POST",
        "/v1/Exports/Messages/Jobs",
        form={
            "StartDay": "2026-01-01",
            "EndDay": "2026-01-01",
            "FriendlyName": "ünï & co",
            "WebhookUrl": "https://hooks.example.com/x?a=b&c=d",
            "WebhookMethod": "POST",
            "Email": "team@example.com",
        },
    ),
    "CreateExportCustomJob, optional values empty": Operation(
        lambda client, _: client.create_job("Calls", **JANUARY, webhook_url="", webhook_method="", email=""),
        "POST",
        "/v1/Exports/Calls/Jobs",
        form={"StartDay": "2026-01-01", "EndDay": "2026-01-03", "FriendlyName": "first days"},
    ),
    "ListExportCustomJob": Operation(
        lambda client, _: list(client.list_jobs("Conferences")),
        "GET",
        "/v1/Exports/Conferences/Jobs",
        query={"PageSize": "1000"},
    ),
    "FetchJob": Operation(lambda client, sid: client.get_job(sid), "GET", "/v1/Exports/Jobs/{sid}"),
    "DeleteJob": Operation(lambda client, sid: client.delete_job(sid), "DELETE", "/v1/Exports/Jobs/{sid}"),
    "ListDay": Operation(
        lambda client, _: list(client.list_days("Participants")),
        "GET",
        "/v1/Exports/Participants/Days",
        query={"PageSize": "400"},
    ),
    "FetchDay": Operation(
        lambda client, _: client.get_day_link("Messages", "2026-01-01"), "GET", "/v1/Exports/Messages/Days/2026-01-01"
    ),
    "FetchExport": Operation(lambda client, _: client.get_export("Messages"), "GET", "/v1/Exports/Messages"),
    "FetchExportConfiguration": Operation(
        lambda client, _: client.get_configuration("Calls"), "GET", "/v1/Exports/Calls/Configuration"
    ),
    "UpdateExportConfiguration, everything": Operation(
        lambda client, _: client.update_configuration(
            "Calls", enabled=True, webhook_url="https://hooks.example.com/", webhook_method="GET"
        ),
        "POST",
        "/v1/Exports/Calls/Configuration",
        form={"Enabled": "true", "WebhookUrl": "https://hooks.example.com/", "WebhookMethod": "GET"},
    ),
    "UpdateExportConfiguration, off and unset": Operation(
        lambda client, _: client.update_configuration("Calls", enabled=False, webhook_url="", webhook_method=""),
        "POST",
        "/v1/Exports/Calls/Configuration",
        form={"Enabled": "false", "WebhookUrl": "", "WebhookMethod": ""},
    ),
}


@pytest.fixture
def sid(sim: Simulator) -> str:
    """A job whose day has a file."""
    job = sim.create_job("Messages", "2026-01-01", "2026-01-01")
    sim.finish_jobs()
    return job.sid


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS.keys())
def test_operation_sends_exactly_its_request(
    operation: Operation, sim: Simulator, client: BulkExportsClient, sid: str
) -> None:
    operation.call(client, sid)
    (request,) = sim.requests
    assert (request.method, request.path) == (operation.method, operation.path.format(sid=sid))
    assert request.query == operation.query
    assert request.form == operation.form


@pytest.mark.parametrize("resource_type", [kind.value for kind in ResourceType])
def test_path_has_twilios_spelling_of_the_resource_type(
    resource_type: str, sim: Simulator, client: BulkExportsClient
) -> None:
    client.get_export(resource_type)
    client.get_export(ResourceType(resource_type))
    assert [request.path for request in sim.requests] == [f"/v1/Exports/{resource_type}"] * 2


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS.keys())
def test_api_key_works_like_the_account(operation: Operation, sim: Simulator, sid: str) -> None:
    client = BulkExportsClient(sim.api_key_sid, sim.api_key_secret, base_url=sim.base_url, account_sid=sim.account_sid)
    operation.call(client, sid)
    assert sim.requests[0].status is not None
    assert sim.requests[0].status < 400
    assert client.account_sid == sim.account_sid
    client.close()


def test_request_has_accept_and_user_agent(sim: Simulator) -> None:
    client = BulkExportsClient(sim.account_sid, sim.auth_token, base_url=sim.base_url + "/", user_agent="airflow/3.1")
    client.get_export("Messages")
    headers = sim.requests[0].headers
    assert headers["accept"] == "application/json"
    assert headers["user-agent"].startswith("airflow-provider-bulkexports/")
    assert headers["user-agent"].endswith(" airflow/3.1")
    client.close()


def test_created_job_is_as_requested(client: BulkExportsClient, sim: Simulator) -> None:
    job = client.create_job(
        "Messages", **JANUARY, webhook_url="https://hooks.example.com/", webhook_method="GET", email="a@example.com"
    )
    assert job.job_sid in sim.state.jobs
    assert (job.friendly_name, job.resource_type) == ("first days", ResourceType.MESSAGES)
    assert (job.start_day, job.end_day) == (date(2026, 1, 1), date(2026, 1, 3))
    assert (job.webhook_url, job.webhook_method) == ("https://hooks.example.com/", "GET")
    assert job.email == "a@example.com"
    assert job.details == ()
    assert job.job_queue_position is not None
    assert job.estimated_completion_time is not None


def test_fetched_job_has_the_status_of_its_days(client: BulkExportsClient, sim: Simulator, sid: str) -> None:
    job = client.get_job(sid)
    assert [(group.status, group.count, group.days) for group in job.details] == [
        (DayStatus.COMPLETED, 1, (date(2026, 1, 1),))
    ]
    assert job.job_queue_position == 0
    assert job.url == f"{sim.base_url}/v1/Exports/Jobs/{sid}"
    assert job.extra == {}


def test_listed_jobs_are_of_the_resource_type(client: BulkExportsClient, sim: Simulator, sid: str) -> None:
    sim.create_job("Calls", "2026-01-01", "2026-01-01")
    assert [job.job_sid for job in client.list_jobs("Messages")] == [sid]
    assert list(client.list_jobs("Participants")) == []


def test_deleted_job_has_its_status_and_unknown_is_an_error(client: BulkExportsClient, sim: Simulator) -> None:
    job = client.create_job("Messages", **JANUARY)
    client.delete_job(job.job_sid)
    assert {group.status for group in client.get_job(job.job_sid).details} == {DayStatus.DELETED_BY_USER_REQUEST}
    sim.state.forget_job(job.job_sid)
    with pytest.raises(BulkExportsNotFoundError):
        client.delete_job(job.job_sid)


def test_listed_days_are_the_files(client: BulkExportsClient, sim: Simulator, sid: str) -> None:
    (day,) = client.list_days("Messages")
    (file,) = sim.state.day_files
    assert (day.day, day.resource_type) == (date(2026, 1, 1), ResourceType.MESSAGES)
    assert day.size == file.size(sim.knobs) > 0
    assert day.create_date == file.created_at.date()
    assert day.friendly_name == "simulated"


def test_export_has_its_links(client: BulkExportsClient, sim: Simulator) -> None:
    export = client.get_export("Calls")
    assert export.resource_type is ResourceType.CALLS
    assert export.links["export_custom_jobs"] == f"{sim.base_url}/v1/Exports/Calls/Jobs"


def test_only_given_settings_change(client: BulkExportsClient) -> None:
    assert client.get_configuration("Calls").enabled is False
    first = client.update_configuration("Calls", webhook_url="https://hooks.example.com/", webhook_method="POST")
    second = client.update_configuration("Calls", enabled=True)
    assert (first.enabled, first.webhook_url, first.webhook_method) == (False, "https://hooks.example.com/", "POST")
    assert (second.enabled, second.webhook_url) == (True, "https://hooks.example.com/")
    unset = client.update_configuration("Calls", webhook_url="", webhook_method="")
    assert (unset.webhook_url, unset.webhook_method) == (None, None)


def test_job_response_without_a_sid_is_an_error(server: Any, answer: Any) -> None:
    server.answers(answer(201, {"friendly_name": "first days"}))
    with pytest.raises(BulkExportsResponseError, match="Jobs list"):
        server.client().create_job("Messages", **JANUARY)
    assert len(server.received) == 1
