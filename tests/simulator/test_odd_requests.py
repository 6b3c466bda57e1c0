"""Requests of any bytes are refused without a crash, and are logged."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_bulkexports.simulator import Simulator

FORM = {"StartDay": "2026-11-01", "EndDay": "2026-11-01", "FriendlyName": "x"}


def exchange(origin: str, request: bytes) -> int:
    """Send raw bytes and return the status of the response."""
    parts = urlsplit(origin)
    with socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=5) as connection:
        connection.sendall(request)
        return int(connection.recv(64).split()[1])


@pytest.mark.parametrize("origin", ["base_url", "storage_url"])
@pytest.mark.parametrize(
    "target", [b"/v1/Exports/%ff%fe", b"/v1/Exports/%00/Jobs", b"/%2e%2e/", b"//", b"*", b"/v1/Exports/Jobs/JS%0A"]
)
def test_malformed_paths_get_a_client_error(sim: Simulator, origin: str, target: bytes) -> None:
    request = b"GET " + target + b" HTTP/1.1\r\nHost: \xff[\r\nConnection: close\r\n\r\n"
    assert 400 <= exchange(getattr(sim, origin), request) < 500


def test_request_that_is_not_http_gets_400(sim: Simulator) -> None:
    assert exchange(sim.base_url, b"\x16\x03\x01\x00\x00nonsense\r\n\r\n") == 400


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200), query=st.binary(max_size=50))
def test_any_body_and_query_get_a_valid_response(api: requests.Session, body: bytes, query: bytes) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    text = "".join(f"%{byte:02x}" for byte in query)
    assert api.post(f"/Messages/Jobs?{text}", data=body, headers=headers).status_code == 400
    assert api.post(f"/Messages/Configuration?{text}", data=body, headers=headers).status_code in (200, 400)
    assert api.get(f"/Messages/Jobs?PageToken={text}").status_code in (200, 400)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(min_size=1).filter(lambda text: text.strip()))
def test_any_friendly_name_comes_back_unchanged(sim: Simulator, api: requests.Session, name: str) -> None:
    sim.knobs.quota_days = 10_000
    job = api.post("/Messages/Jobs", data={**FORM, "FriendlyName": name}).json()
    assert job["friendly_name"] == name
    assert sim.job_of(name).sid == job["job_sid"]


def test_request_log_has_every_part_of_a_request(sim: Simulator, api: requests.Session) -> None:
    api.post("/Messages/Jobs?a=1&a=2", data=FORM, headers={"X-Odd": "Yes"})
    (entry,) = sim.requests
    assert (entry.origin, entry.method, entry.path, entry.status) == ("api", "POST", "/v1/Exports/Messages/Jobs", 201)
    assert (entry.query, entry.form) == ({"a": "2"}, FORM)
    assert entry.headers["x-odd"] == "Yes"
    assert entry.headers["authorization"].startswith("Basic ")
    assert entry.at == sim.clock.now()
    assert entry.fault is None


def test_request_log_can_be_searched_and_cleared(
    sim: Simulator, api: requests.Session, storage: requests.Session
) -> None:
    api.get("/Messages")
    api.get("/Calls")
    storage.get(sim.storage_url)
    assert [entry.path for entry in sim.requests.matching(path=r".*/Calls")] == ["/v1/Exports/Calls"]
    assert len(sim.requests.matching(method="GET", origin="api")) == 2
    assert sim.requests[-1].origin == "storage"
    assert len(sim.requests[:2]) == 2
    sim.requests.clear()
    assert len(sim.requests) == 0
