"""Twilio's own Python library works with the simulator."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
import requests

from airflow_provider_bulkexports.simulator import Fault, Knobs, Simulator, problem_body

pytest.importorskip("twilio", minversion="9.11", reason="the group 'contract' is not installed")

from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

TWILIO = "https://bulkexports.twilio.com"


class SimulatorHttpClient(TwilioHttpClient):
    """Sends requests for Twilio's host to the simulator; URLs of the simulator stay as they are."""

    def __init__(self, base_url: str) -> None:
        super().__init__(timeout=10)
        self.base_url = base_url
        self.urls: list[str] = []

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        if url.startswith(TWILIO):
            url = self.base_url + url.removeprefix(TWILIO)
        assert url.startswith(f"{self.base_url}/v1/"), f"the library left the simulator: {url}"
        self.urls.append(url)
        return super().request(method, url, *args, **kwargs)


@pytest.fixture
def http(sim: Simulator) -> SimulatorHttpClient:
    return SimulatorHttpClient(sim.base_url)


@pytest.fixture
def bulkexports(sim: Simulator, http: SimulatorHttpClient) -> Any:
    return Client(sim.account_sid, sim.auth_token, http_client=http).bulkexports.v1


@pytest.fixture(params=["Messages", "Calls", "Conferences", "Participants"])
def resource_type(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def test_library_creates_and_fetches_a_job(sim: Simulator, bulkexports: Any, resource_type: str) -> None:
    sim.state.empty_day(resource_type, "2026-01-02")
    created = bulkexports.exports(resource_type).export_custom_jobs.create(
        start_day="2026-01-01",
        end_day="2026-01-03",
        friendly_name="Für März & April",
        webhook_url="https://hooks.example.com/?a=1&b=2",
        webhook_method="POST",
        email="data@example.com",
    )
    assert (created.friendly_name, created.resource_type) == ("Für März & April", resource_type)
    assert (created.webhook_url, created.webhook_method) == ("https://hooks.example.com/?a=1&b=2", "POST")
    assert (created.email, created.details, created.job_queue_position) == ("data@example.com", None, "1")

    sim.finish_jobs()
    job = bulkexports.exports.jobs(created.job_sid).fetch()
    assert (job.start_day, job.end_day) == ("2026-01-01", "2026-01-03")
    assert job.url == f"{sim.base_url}/v1/Exports/Jobs/{created.job_sid}"
    assert job.job_queue_position == "0"
    assert {group["status"]: group["days"] for group in job.details} == {
        "Completed": ["2026-01-01", "2026-01-03"],
        "CompletedEmptyRecords": ["2026-01-02"],
    }


def test_library_deletes_a_job(sim: Simulator, bulkexports: Any) -> None:
    sim.knobs.deleted_job = "gone"
    job = sim.create_job("Messages", "2026-01-01", "2026-01-03")
    assert bulkexports.exports.jobs(job.sid).delete() is True
    with pytest.raises(TwilioRestException) as caught:
        bulkexports.exports.jobs(job.sid).fetch()
    assert (caught.value.status, caught.value.code) == (404, 20404)


@pytest.mark.parametrize("newest_first", [False, True])
def test_library_lists_every_job_once_over_many_pages(
    sim: Simulator, bulkexports: Any, http: SimulatorHttpClient, newest_first: bool
) -> None:
    sim.knobs = Knobs(quota_days=1000, newest_job_first=newest_first)
    sids = [sim.create_job("Calls", "2026-01-01", "2026-01-01").sid for _ in range(47)]
    sim.create_job("Messages", "2026-01-01", "2026-01-01")
    listed = bulkexports.exports("Calls").export_custom_jobs.list(page_size=10)
    assert [job.job_sid for job in listed] == (sids[::-1] if newest_first else sids)
    assert len(http.urls) == 5


def test_library_reads_an_empty_list(bulkexports: Any, http: SimulatorHttpClient, resource_type: str) -> None:
    assert bulkexports.exports(resource_type).export_custom_jobs.list() == []
    assert bulkexports.exports(resource_type).days.list() == []
    assert len(http.urls) == 2


def test_library_walks_pages_in_both_directions(sim: Simulator, bulkexports: Any) -> None:
    sids = [sim.create_job("Calls", "2026-01-01", "2026-01-01").sid for _ in range(5)]
    page = bulkexports.exports("Calls").export_custom_jobs.page(page_size=2)
    second = page.next_page()
    assert [job.job_sid for job in second] == sids[2:4]
    assert [job.job_sid for job in second.previous_page()] == sids[:2]
    assert [job.job_sid for job in second.next_page()] == sids[4:]
    assert second.next_page().next_page() is None


def test_library_lists_days_and_links_to_a_file(
    sim: Simulator, bulkexports: Any, http: SimulatorHttpClient, resource_type: str
) -> None:
    sim.create_job(resource_type, "2026-01-01", "2026-01-31", FriendlyName="January")
    sim.finish_jobs()
    days = bulkexports.exports(resource_type).days.list(page_size=7)
    assert sorted(day.day for day in days) == [f"2026-01-{number:02d}" for number in range(1, 32)]
    assert len(http.urls) == 5
    assert {(day.friendly_name, day.resource_type, day.create_date) for day in days} == {
        ("January", resource_type, sim.clock.now().date().isoformat())
    }

    link = bulkexports.exports(resource_type).days("2026-01-31").fetch().redirect_to
    assert link.startswith(sim.storage_url)
    content = requests.get(link, timeout=10).content
    assert len(content) == next(day.size for day in days if day.day == "2026-01-31")
    assert len([json.loads(line) for line in gzip.decompress(content).splitlines()]) == sim.knobs.records_per_day


def test_library_finds_no_day_without_export(bulkexports: Any) -> None:
    with pytest.raises(TwilioRestException) as caught:
        bulkexports.exports("Messages").days("2026-01-01").fetch()
    assert (caught.value.status, caught.value.code) == (404, 20404)


def test_library_fetches_the_export_and_its_links_work(sim: Simulator, bulkexports: Any, resource_type: str) -> None:
    export = bulkexports.exports(resource_type).fetch()
    assert (export.resource_type, export.url) == (resource_type, f"{sim.base_url}/v1/Exports/{resource_type}")
    for name in ("days", "export_custom_jobs"):
        assert requests.get(export.links[name], auth=sim.auth, timeout=10).status_code == 200


def test_library_fetches_and_updates_the_configuration(bulkexports: Any, resource_type: str) -> None:
    configuration = bulkexports.export_configuration(resource_type)
    assert configuration.fetch().enabled is False
    updated = configuration.update(enabled=True, webhook_url="https://hooks.example.com/", webhook_method="GET")
    assert (updated.enabled, updated.webhook_url) == (True, "https://hooks.example.com/")
    assert configuration.update(enabled=False).webhook_method == "GET"
    fetched = configuration.fetch()
    assert (fetched.enabled, fetched.resource_type) == (False, resource_type)


def test_library_uses_an_api_key(sim: Simulator, http: SimulatorHttpClient) -> None:
    job = sim.create_job("Messages", "2026-01-01", "2026-01-01")
    client = Client(sim.api_key_sid, sim.api_key_secret, account_sid=sim.account_sid, http_client=http)
    assert [listed.job_sid for listed in client.bulkexports.v1.exports("Messages").export_custom_jobs.list()] == [
        job.sid
    ]


def test_library_reports_wrong_credentials(sim: Simulator, http: SimulatorHttpClient) -> None:
    exports = Client(sim.account_sid, "0" * 32, http_client=http).bulkexports.v1.exports
    with pytest.raises(TwilioRestException) as caught:
        exports("Messages").fetch()
    assert (caught.value.status, caught.value.code) == (401, 20003)
    with pytest.raises(TwilioException, match="Unable to fetch page"):
        exports("Messages").export_custom_jobs.list()


@pytest.mark.parametrize(
    "form",
    [
        {"start_day": "2026-01-03", "end_day": "2026-01-01"},
        {"start_day": "2026-11-23", "end_day": "2026-11-23"},
        {"start_day": "2025-01-01", "end_day": "2026-01-02"},
        {"start_day": "2026-01-01", "end_day": "2026-01-01", "webhook_method": "POST"},
        {"start_day": "yesterday", "end_day": "2026-01-01"},
    ],
    ids=["reversed", "too recent", "over the quota", "half a webhook", "no day"],
)
def test_library_reports_a_rejected_submission(bulkexports: Any, form: dict[str, str]) -> None:
    with pytest.raises(TwilioRestException, match=r"Unable to create record: .+") as caught:
        bulkexports.exports("Messages").export_custom_jobs.create(friendly_name="refused", **form)
    assert (caught.value.status, caught.value.code) == (400, 20001)


def test_library_reads_the_newer_error_object(sim: Simulator, bulkexports: Any) -> None:
    sim.faults.add(Fault(status=409, body=problem_body(409, 20409, "Conflict")))
    with pytest.raises(TwilioServiceException) as caught:
        bulkexports.exports("Messages").fetch()
    assert caught.value.code == 20409
