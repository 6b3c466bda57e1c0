"""Webhooks: signed, sent on request, and only to this machine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.simulator import Simulator
from airflow_provider_bulkexports.simulator.service.webhooks import signature

Create = Callable[..., dict[str, Any]]


@dataclass
class Receiver:
    """Calls that a webhook receiver got: method, full URL, form, signature."""

    url: str = ""
    calls: list[tuple[str, str, dict[str, str], str]] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A web server on this machine that accepts every call."""
    received = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def take(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            url = f"http://127.0.0.1:{server.server_port}{self.path}"
            received.calls.append((self.command, url, dict(parse_qsl(body)), self.headers["X-Twilio-Signature"]))
            self.send_response(204)
            self.end_headers()

        do_GET = do_POST = take  # noqa: N815 (names that http.server looks for)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        received.url = f"http://127.0.0.1:{server.server_port}/hook?src=airflow"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield received
        server.shutdown()
        thread.join()


def test_signature_matches_the_test_vectors() -> None:
    key = "12345abcde12345abcde12345abcde12"
    url = "https://hooks.example.com/twilio/bulkexport?src=airflow"
    fields = {"JobSid": "JS0123456789abcdef0123456789abcdef", "Status": "completed"}
    assert signature(url, fields, key) == "9/dcKWgEGEsMsQ/jR3OfhQmm8Vs="
    assert signature(url, {}, key) == "F/slVJUq73EMhV2u+6MQZahJm1c="


def test_webhooks_are_sent_for_each_day_and_the_job(sim: Simulator, create: Create, receiver: Receiver) -> None:
    job = create(EndDay="2026-11-03", WebhookUrl=receiver.url, WebhookMethod="POST", FriendlyName="Käse & Brot")
    assert sim.deliver_webhooks() == []
    sim.finish_jobs()
    assert [delivery.status for delivery in sim.deliver_webhooks()] == [204] * 4
    assert sim.deliver_webhooks() == []
    days = [form.get("Day") for _, _, form, _ in receiver.calls]
    assert sorted(days[:3], key=str) == ["2026-11-01", "2026-11-02", "2026-11-03"]
    assert days[3] is None
    method, url, form, signed = receiver.calls[-1]
    assert (method, url) == ("POST", receiver.url)
    assert form == {
        "AccountSid": sim.account_sid,
        "JobSid": job["job_sid"],
        "ResourceType": "Messages",
        "FriendlyName": "Käse & Brot",
        "Status": "completed",
    }
    assert signed == signature(url, form, sim.auth_token)


def test_get_webhook_has_its_fields_in_the_signed_url(sim: Simulator, create: Create, receiver: Receiver) -> None:
    create(EndDay="2026-11-01", WebhookUrl=receiver.url, WebhookMethod="GET")
    sim.finish_jobs()
    sim.deliver_webhooks()
    method, url, form, signed = receiver.calls[-1]
    assert (method, form) == ("GET", {})
    assert dict(parse_qsl(urlsplit(url).query))["src"] == "airflow"
    assert dict(parse_qsl(urlsplit(url).query))["Status"] == "completed"
    assert signed == signature(url, {}, sim.auth_token)


@pytest.mark.parametrize(
    ("knobs", "calls"),
    [
        ({"webhook_copies": 4}, 12),
        ({"webhook_copies": 0}, 0),
        ({"webhook_per_day": False}, 1),
        ({"webhook_per_job": False}, 2),
    ],
)
def test_number_of_webhooks_follows_the_knobs(
    sim: Simulator, create: Create, receiver: Receiver, knobs: dict[str, Any], calls: int
) -> None:
    for name, value in knobs.items():
        setattr(sim.knobs, name, value)
    create(EndDay="2026-11-02", WebhookUrl=receiver.url, WebhookMethod="POST")
    sim.finish_jobs()
    sim.deliver_webhooks()
    assert len(receiver.calls) == calls


def test_webhook_of_a_job_can_be_sent_early(sim: Simulator, create: Create, receiver: Receiver) -> None:
    sim.knobs.webhook_early = True
    create(WebhookUrl=receiver.url, WebhookMethod="POST")
    sim.clock.advance(sim.knobs.queue_seconds)
    assert len(sim.deliver_webhooks()) == 1
    assert not sim.job_of("weekly").is_finished


def test_deleted_job_sends_no_webhook(sim: Simulator, create: Create, receiver: Receiver) -> None:
    sid = create(WebhookUrl=receiver.url, WebhookMethod="POST")["job_sid"]
    sim.state.delete_job(sim.account, sid)
    sim.clock.advance(3600)
    assert sim.deliver_webhooks() == []


def test_daily_export_sends_webhooks(sim: Simulator, receiver: Receiver) -> None:
    settings = sim.state.service.configuration(sim.account, ResourceType.MESSAGES)
    settings.webhook_url, settings.webhook_method = receiver.url, "POST"
    sim.state.set_enabled("Messages")
    sim.clock.advance(86400)
    sim.deliver_webhooks()
    ((_, _, form, _),) = receiver.calls
    assert form["Day"] == "2026-11-24"
    assert "JobSid" not in form


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/x", "http://hooks.example.com/x", "http://192.0.2.1/x", "http://127.0.0.1.example.com/"]
)
def test_webhooks_are_sent_to_this_machine_only(sim: Simulator, create: Create, url: str) -> None:
    create(EndDay="2026-11-01", WebhookUrl=url, WebhookMethod="POST")
    sim.finish_jobs()
    for delivery in sim.deliver_webhooks():
        assert delivery.status is None
        assert "this machine" in str(delivery.error)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://127.0.0.1:1/a b", "http://127.0.0.1:1/\x7f"])
def test_failed_webhook_is_reported(sim: Simulator, create: Create, url: str) -> None:
    create(EndDay="2026-11-01", WebhookUrl=url, WebhookMethod="POST")
    sim.finish_jobs()
    assert all(delivery.status is None and delivery.error for delivery in sim.deliver_webhooks())
