"""Twilio's own headers, and limits on concurrency."""

from __future__ import annotations

import re
import threading
import time
from datetime import datetime
from email.utils import parsedate_to_datetime

import requests

from airflow_provider_bulkexports.simulator import Fault, Simulator


def test_every_api_answer_has_twilios_headers(sim: Simulator, api: requests.Session) -> None:
    sim.faults.add(Fault(status=503))
    seen = set()
    for path in ("/Messages", "/Messages", "/Nonsense"):
        headers = api.get(path).headers
        assert re.fullmatch(r"RQ[0-9a-f]{32}", headers["Twilio-Request-Id"])
        assert float(headers["Twilio-Request-Duration"]) >= 0
        assert headers["Twilio-Concurrent-Requests"] == "1"
        seen.add(headers["Twilio-Request-Id"])
    assert len(seen) == 3


def test_they_can_be_absent(sim: Simulator, api: requests.Session, storage: requests.Session) -> None:
    assert "Twilio-Request-Id" not in storage.get(sim.storage_url).headers
    sim.knobs.twilio_headers = False
    assert not [name for name in api.get("/Messages").headers if name.lower().startswith("twilio")]


def test_the_date_is_the_simulated_one(sim: Simulator, api: requests.Session) -> None:
    sim.clock.advance(86400)
    shown: datetime = parsedate_to_datetime(api.get("/Messages").headers["Date"])
    assert shown == sim.clock.now()


def test_requests_beyond_the_limit_get_429(sim: Simulator, api: requests.Session) -> None:
    sim.knobs.concurrency_limit = 1
    sim.faults.add(Fault(delay=0.3))
    slow = threading.Thread(target=lambda: requests.get(f"{sim.base_url}/v1/Exports/Calls", auth=sim.auth, timeout=5))
    slow.start()
    while not len(sim.requests):
        time.sleep(0.001)
    crowded = api.get("/Messages")
    assert (crowded.status_code, crowded.json()["code"]) == (429, 20429)
    assert crowded.headers["Twilio-Concurrent-Requests"] == "2"
    slow.join()
    assert api.get("/Messages").status_code == 200


def test_answers_are_not_held_back_by_the_network_stack(api: requests.Session) -> None:
    # 40 ms each is what a delayed acknowledgement costs when small writes are collected.
    began = time.monotonic()
    for _ in range(50):
        api.get("/Messages")
    assert time.monotonic() - began < 50 * 0.03


def test_every_answer_can_take_a_while(sim: Simulator, api: requests.Session) -> None:
    sim.knobs.latency_seconds = 0.1
    began = time.monotonic()
    duration = api.get("/Messages").headers["Twilio-Request-Duration"]
    assert time.monotonic() - began >= 0.1 <= float(duration) + 0.001
