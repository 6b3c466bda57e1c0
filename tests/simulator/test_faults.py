"""Scripted faults: what they do, and to which requests."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests

from airflow_provider_bulkexports.simulator import Fault, Simulator, problem_body
from airflow_provider_bulkexports.simulator.faults import HTML_PAGE

FORM = {"StartDay": "2026-11-01", "EndDay": "2026-11-01", "FriendlyName": "x"}


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (Fault(status=429), 429, 20429),
        (Fault(status=429, headers={"Retry-After": "1"}), 429, 20429),
        (Fault(status=500), 500, 20500),
        (Fault(status=503), 503, 20503),
        (Fault(status=400, body={"status": 400, "code": 12345, "message": "x"}), 400, 12345),
        (Fault(status=429, body=problem_body(429, 20429, "Too Many Requests", "slow down")), 429, 20429),
    ],
)
def test_fault_applies_once_by_default(
    sim: Simulator, api: requests.Session, fault: Fault, status: int, code: int
) -> None:
    sim.faults.add(fault)
    response = api.get("/Messages")
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert fault.headers.items() <= response.headers.items()
    assert api.get("/Messages").status_code == 200


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("", "text/plain"),
        (HTML_PAGE, "text/html"),
        (b"\xff\x00", "application/octet-stream"),
        (["list"], "application/json"),
        (problem_body(500, 20500, "Oops"), "application/problem+json"),
    ],
)
def test_fault_can_have_any_body(sim: Simulator, api: requests.Session, body: Any, content_type: str) -> None:
    sim.faults.add(Fault(status=502, body=body))
    response = api.get("/Messages")
    assert response.headers["Content-Type"] == content_type
    if isinstance(body, (list, dict)):
        assert response.json() == body
    else:
        assert response.content == (body.encode() if isinstance(body, str) else body)


def test_fault_can_be_a_success_with_a_wrong_body(sim: Simulator, api: requests.Session) -> None:
    sim.faults.add(Fault(status=200, body="not json", content_type="application/json"))
    response = api.get("/Messages")
    assert (response.status_code, response.text) == (200, "not json")
    assert response.headers["Content-Type"] == "application/json"


def test_times_and_after_count_matching_requests_only(sim: Simulator, api: requests.Session) -> None:
    sim.faults.add(Fault(status=503, method="GET", path=r"/v1/Exports/Jobs/JS.*", times=2, after=1))
    sid = sim.create_job("Messages", "2026-11-01", "2026-11-01").sid
    statuses = []
    for _ in range(5):
        assert api.get("/Messages/Jobs").status_code == 200
        statuses.append(api.get(f"/Jobs/{sid}").status_code)
    assert statuses == [200, 503, 503, 200, 200]
    (fault,) = sim.faults
    assert (fault.matched, fault.hits) == (5, 2)


def test_fault_without_limit_lasts_until_cleared(sim: Simulator, api: requests.Session) -> None:
    sim.faults.add(Fault(status=500, times=None))
    assert {api.get("/Messages").status_code for _ in range(5)} == {500}
    sim.faults.clear()
    assert len(sim.faults) == 0
    assert api.get("/Messages").status_code == 200


def test_faults_apply_in_the_order_of_adding(sim: Simulator, api: requests.Session) -> None:
    sim.faults.add(Fault(status=500), Fault(status=503), Fault(status=429, method="POST"))
    assert [api.get("/Messages").status_code for _ in range(3)] == [500, 503, 200]


def test_dropped_request_has_no_effect(sim: Simulator, api: requests.Session) -> None:
    sim.faults.add(Fault(drop=True))
    with pytest.raises(requests.ConnectionError, match="without response"):
        api.post("/Messages/Jobs", data=FORM)
    assert sim.state.jobs == {}
    assert sim.requests[-1].status is None
    assert api.get("/Messages").headers["Twilio-Concurrent-Requests"] == "1"


@pytest.mark.parametrize("fault", [Fault(processed=True), Fault(processed=True, drop=True)])
def test_processed_request_can_lose_its_response(sim: Simulator, api: requests.Session, fault: Fault) -> None:
    sim.faults.add(fault)
    with pytest.raises(requests.ConnectionError):
        api.post("/Messages/Jobs", data=FORM)
    assert len(sim.state.jobs) == 1


def test_processed_request_can_get_an_error(sim: Simulator, api: requests.Session) -> None:
    sim.faults.add(Fault(processed=True, status=500))
    assert api.post("/Messages/Jobs", data=FORM).status_code == 500
    assert len(sim.state.jobs) == 1


@pytest.mark.parametrize("status", [None, 200])
@pytest.mark.parametrize("length", [0, 10])
def test_response_body_can_break_off(sim: Simulator, api: requests.Session, status: int | None, length: int) -> None:
    sim.faults.add(Fault(drop_at=length, status=status, body='{"resource_type": null}'))
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match=f"{length} bytes read"):
        api.get("/Messages")
    assert sim.requests[-1].status == 200


def test_headers_of_a_fault_replace_those_of_the_response(sim: Simulator, api: requests.Session) -> None:
    sim.faults.add(Fault(headers={"Content-Type": "text/plain", "Twilio-Request-Id": "RQ"}))
    response = api.get("/Messages")
    assert response.headers["Content-Type"] == "text/plain"
    assert response.headers["Twilio-Request-Id"] == "RQ"
    assert response.json()["resource_type"] == "Messages"


def test_response_can_be_delayed(sim: Simulator, api: requests.Session) -> None:
    sim.faults.add(Fault(delay=0.2), Fault(delay=0.2))
    with pytest.raises(requests.Timeout):
        api.get("/Messages", timeout=0.05)
    began = time.monotonic()
    assert api.get("/Messages").status_code == 200
    assert time.monotonic() - began >= 0.2


def test_faults_can_apply_to_the_storage_only(
    sim: Simulator, api: requests.Session, storage: requests.Session, caplog: pytest.LogCaptureFixture
) -> None:
    sim.create_job("Messages", "2026-11-01", "2026-11-01")
    sim.finish_jobs()
    sim.faults.add(Fault(origin="storage", drop_at=100), Fault(origin="storage", status=503, body="<Error/>"))
    link = api.get("/Messages/Days/2026-11-01").json()["redirect_to"]
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="100 bytes read"):
        storage.get(link)
    assert storage.get(link).status_code == 503
    assert storage.get(link).status_code == 403
    assert [entry.status for entry in sim.requests.matching(origin="storage")] == [200, 503, 403]
    sim.stop()
    assert caplog.text == ""
