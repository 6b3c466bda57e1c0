"""Twilio's headers, the concurrency limit, and response times."""

from __future__ import annotations

import re
import threading
import time
from datetime import datetime
from email.utils import parsedate_to_datetime

import requests

from airflow_provider_bulkexports.simulator import Fault, Simulator


def test_every_api_response_has_the_headers_of_twilio(sim: Simulator, api: requests.Session) -> None:
    sim.faults.add(Fault(status=503))
    seen = set()
    for path in ("/Messages", "/Messages", "/Nonsense"):
        headers = api.get(path).headers
        assert re.fullmatch(r"RQ[0-9a-f]{32}", headers["Twilio-Request-Id"])
        assert float(headers["Twilio-Request-Duration"]) >= 0
        assert headers["Twilio-Concurrent-Requests"] == "1"
        seen.add(headers["Twilio-Request-Id"])
    assert len(seen) == 3


def test_twilio_headers_can_be_absent(sim: Simulator, api: requests.Session, storage: requests.Session) -> None:
    assert "Twilio-Request-Id" not in storage.get(sim.storage_url).headers
    sim.knobs.twilio_headers = False
    assert not [name for name in api.get("/Messages").headers if name.lower().startswith("twilio")]


def test_date_header_is_the_simulated_time(sim: Simulator, api: requests.Session) -> None:
    sim.clock.advance(86400)
    shown: datetime = parsedate_to_datetime(api.get("/Messages").headers["Date"])
    assert shown == sim.clock.now()


def test_requests_above_the_concurrency_limit_get_429(sim: Simulator, api: requests.Session) -> None:
    sim.knobs.concurrency_limit = 1
    sim.faults.add(Fault(delay=0.3))
    slow = threading.Thread(target=lambda: requests.get(f"{sim.base_url}/v1/Exports/Calls", auth=sim.auth, timeout=5))
    slow.start()
    while not len(sim.requests):
        time.sleep(0.001)
    rejected = api.get("/Messages")
    assert (rejected.status_code, rejected.json()["code"]) == (429, 20429)
    assert rejected.headers["Twilio-Concurrent-Requests"] == "2"
    slow.join()
    assert api.get("/Messages").status_code == 200


def test_responses_do_not_wait_for_delayed_acknowledgements(api: requests.Session) -> None:
    # A delayed acknowledgement costs 40 ms when small writes are collected.
    began = time.monotonic()
    for _ in range(50):
        api.get("/Messages")
    assert time.monotonic() - began < 50 * 0.03


def test_every_response_can_be_delayed(sim: Simulator, api: requests.Session) -> None:
    sim.knobs.latency_seconds = 0.1
    began = time.monotonic()
    duration = api.get("/Messages").headers["Twilio-Request-Duration"]
    assert time.monotonic() - began >= 0.1 <= float(duration) + 0.001
