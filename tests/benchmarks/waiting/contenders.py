"""
The ways to wait that are compared.

Each is loaded in a process of its own: it does its imports and returns what waits for one job, an asynchronous iterator
of what came of the wait: ``True`` for "the job has ended", anything else for a failure.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

#: Airflow connections by id, which the driver gives to the contenders' processes; ``{server}`` is the server's origin.
CONNECTIONS = {
    "twilio_bulkexports_default": {
        "conn_type": "twilio_bulkexports",
        "host": "{server}",
        "login": "AC00000000000000000000000000000000",
        "password": "token",
    },
    "http_default": {"conn_type": "http", "host": "{server}"},
    "airbyte_default": {"conn_type": "airbyte", "host": "{server}/airbyte"},
}


@dataclass(frozen=True)
class AwaitedJob:
    """A job of a round, and when it will end, which only the harness itself may use."""

    number: int
    sid: str
    ends_at: float


Wait = Callable[[AwaitedJob], AsyncIterator[bool]]


@dataclass(frozen=True)
class Contender:
    """
    A way to wait.

    :param label: Its name in tables and plots.
    :param distribution: What has to be installed.
    :param load: Import what is needed; takes the server's origin and the seconds between two polls.
    """

    label: str
    distribution: str
    load: Callable[[str, float], Wait]


async def fired(trigger: Any) -> AsyncIterator[Any]:
    """Run a trigger as the triggerer does."""
    try:
        async for event in trigger.run():
            yield event.payload
    finally:
        await trigger.cleanup()


def this_package(server: str, interval: float) -> Wait:
    """The trigger of ``ExportCustomJobSensor``."""
    from airflow_provider_bulkexports.triggers.bulkexports import ExportCustomJobTrigger

    async def wait(job: AwaitedJob) -> AsyncIterator[bool]:
        async for payload in fired(
            ExportCustomJobTrigger(job_sids=[job.sid], resource_type="Messages", poll_interval=interval)
        ):
            yield payload["status"] == "finished"

    return wait


def http_sensor(server: str, interval: float) -> Wait:
    """
    The trigger of the http provider's deferrable ``HttpSensor``.

    All it understands is "404: not yet", so the server does it the kindness to answer like that. It reads no details.
    """
    from airflow.providers.http.triggers.http import HttpSensorTrigger

    async def wait(job: AwaitedJob) -> AsyncIterator[bool]:
        endpoint = f"/404-until-ended/v1/Exports/Jobs/{job.sid}"
        async for payload in fired(HttpSensorTrigger(endpoint=endpoint, poke_interval=interval)):
            yield payload is True

    return wait


def http_event(server: str, interval: float) -> Wait:
    """The http provider's ``HttpEventTrigger``: the one that can check a response, with a function of the user."""
    from airflow.providers.http.triggers.http import HttpEventTrigger

    async def wait(job: AwaitedJob) -> AsyncIterator[bool]:
        trigger = HttpEventTrigger(
            response_check_path="waiting.response_check.has_ended",
            method="GET",
            endpoint=f"/v1/Exports/Jobs/{job.sid}",
            poll_interval=interval,
        )
        async for payload in fired(trigger):
            yield payload["status"] == "success"

    return wait


def airbyte(server: str, interval: float) -> Wait:
    """The Airbyte provider's own trigger, which calls its hook on the event loop. The server speaks its words."""
    from airflow.providers.airbyte.triggers.airbyte import AirbyteSyncTrigger

    async def wait(job: AwaitedJob) -> AsyncIterator[bool]:
        trigger = AirbyteSyncTrigger(
            job_id=job.number, conn_id="airbyte_default", end_time=time.time() + 86400, poll_interval=interval
        )
        async for payload in fired(trigger):
            yield payload["status"] == "success"

    return wait


def twilio_loop(server: str, interval: float) -> Wait:
    """What one writes with Twilio's library: a loop per job, each with its client, the calls in threads."""
    from twilio.http.http_client import TwilioHttpClient
    from twilio.rest import Client

    class LocalHttpClient(TwilioHttpClient):
        """Twilio's own client, sent to the benchmark's server."""

        def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
            return super().request(method, url.replace("https://bulkexports.twilio.com", server), *args, **kwargs)

    async def wait(job: AwaitedJob) -> AsyncIterator[bool]:
        client = Client("AC00000000000000000000000000000000", "token", http_client=LocalHttpClient())
        while True:
            fetched = await asyncio.to_thread(client.bulkexports.v1.exports.jobs(job.sid).fetch)
            if all(part["status"] != "Running" for part in fetched.details):
                break
            await asyncio.sleep(interval)
        yield True

    return wait


def asleep(server: str, interval: float) -> Wait:
    """No wait at all, since it knows when the job ends: what is measured here is the benchmark itself."""

    async def wait(job: AwaitedJob) -> AsyncIterator[bool]:
        await asyncio.sleep(job.ends_at - time.time())
        yield True

    return wait


CONTENDERS = {
    "this-package": Contender("this package", "airflow-provider-bulkexports", this_package),
    "http-sensor": Contender("http: HttpSensorTrigger", "apache-airflow-providers-http", http_sensor),
    "http-event": Contender("http: HttpEventTrigger", "apache-airflow-providers-http", http_event),
    "airbyte": Contender("airbyte: AirbyteSyncTrigger", "apache-airflow-providers-airbyte", airbyte),
    "twilio-loop": Contender("a loop per job, twilio library", "twilio", twilio_loop),
    "asleep": Contender("asleep (the harness alone)", "apache-airflow", asleep),
}
