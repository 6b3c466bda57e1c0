"""
The server of the benchmark: a process of its own on loopback, HTTP/1.1 with keep-alive, as fast as is simple.

It is not the package's simulator. It answers what a wait asks Twilio, and the same jobs in two other forms, for
triggers that cannot read Twilio's: with status 404 until they have ended, and in Airbyte's words. ``/begin`` and
``/counts`` are for the benchmark itself and not counted.
"""

from __future__ import annotations

import asyncio
import json
import re
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

from .jobs import Job, day_files, make_jobs

Answer = tuple[HTTPStatus, bytes]
Query = dict[str, str]

NOT_FOUND = HTTPStatus.NOT_FOUND, b'{"code": 20404, "message": "The requested resource was not found", "status": 404}'


class Twilio:
    """The jobs and days, and how often each kind of request came."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.origin = ""
        self.counts: Counter[str] = Counter()
        self._clock = clock
        self._jobs: list[Job] = []
        self._by_sid: dict[str, Job] = {}
        self._days = day_files()
        self._cpu = 0.0
        self._routes = [
            (re.compile(r"/v1/Exports/Jobs/(\w+)"), self._job),
            (re.compile(r"/v1/Exports/\w+/Jobs"), self._list_jobs),
            (re.compile(r"/v1/Exports/\w+/Days"), self._list_days),
            (re.compile(r"/404-until-ended/v1/Exports/Jobs/(\w+)"), self._job_once_ended),
            (re.compile(r"/airbyte/jobs/(\d+)"), self._airbyte_job),
            (re.compile(r"/begin"), self._begin),
            (re.compile(r"/counts"), self._tell_counts),
        ]

    def answer(self, target: str) -> Answer:
        """Answer a GET."""
        url = urlsplit(target)
        query = dict(parse_qsl(url.query))
        for pattern, respond in self._routes:
            if found := pattern.fullmatch(url.path):
                return respond(query, *found.groups())
        self.counts["unknown"] += 1
        return NOT_FOUND

    def _job(self, query: Query, sid: str) -> Answer:
        self.counts["fetch"] += 1
        job = self._by_sid.get(sid)
        return (HTTPStatus.OK, job.at(self._clock())) if job else NOT_FOUND

    def _job_once_ended(self, query: Query, sid: str) -> Answer:
        self.counts["fetch"] += 1
        job, now = self._by_sid[sid], self._clock()
        return HTTPStatus.OK if job.has_ended(now) else HTTPStatus.NOT_FOUND, job.at(now)

    def _airbyte_job(self, query: Query, number: str) -> Answer:
        self.counts["fetch"] += 1
        job = {
            "jobId": int(number),
            "status": "succeeded" if self._jobs[int(number)].has_ended(self._clock()) else "running",
            "jobType": "sync",
            "startTime": "2026-01-01T00:00:00Z",
            "connectionId": "00000000-0000-0000-0000-000000000000",
        }
        return HTTPStatus.OK, json.dumps(job).encode()

    def _list_jobs(self, query: Query) -> Answer:
        self.counts["list"] += 1
        now = self._clock()
        size, page = _asked_page(query, at_most=1000)
        jobs = [job.at(now) for job in self._jobs[page * size : (page + 1) * size]]
        return self._page("jobs", "Jobs", jobs, page, size, len(self._jobs))

    def _list_days(self, query: Query) -> Answer:
        self.counts["list"] += 1
        size, page = _asked_page(query, at_most=400)
        return self._page("days", "Days", self._days[page * size : (page + 1) * size], page, size, len(self._days))

    def _page(self, key: str, path: str, entries: list[bytes], page: int, size: int, total: int) -> Answer:
        def url(number: int) -> str:
            return f"{self.origin}/v1/Exports/Messages/{path}?PageSize={size}&Page={number}&PageToken=PT{number}"

        meta = {
            "key": key,
            "page": page,
            "page_size": size,
            "url": url(page),
            "first_page_url": url(0),
            "next_page_url": url(page + 1) if (page + 1) * size < total else None,
            "previous_page_url": url(page - 1) if page else None,
        }
        body = b'{"%s": [%s], "meta": %s}' % (key.encode(), b", ".join(entries), json.dumps(meta).encode())
        return HTTPStatus.OK, body

    def _begin(self, query: Query) -> Answer:
        """Start a round: new jobs, whose sids and end times are in the response."""
        self._jobs = make_jobs(
            int(query["waits"]),
            seconds=float(query["seconds"]),
            now=self._clock(),
            estimated=query["estimated"] == "True",
        )
        self._by_sid = {job.sid: job for job in self._jobs}
        self.counts.clear()
        self._cpu = time.process_time()
        return HTTPStatus.OK, json.dumps([[job.sid, job.ends_at] for job in self._jobs]).encode()

    def _tell_counts(self, query: Query) -> Answer:
        counted = {"requests": dict(self.counts), "server_cpu_seconds": time.process_time() - self._cpu}
        return HTTPStatus.OK, json.dumps(counted).encode()


def _asked_page(query: Query, *, at_most: int) -> tuple[int, int]:
    return min(int(query.get("PageSize", 50)), at_most), int(query.get("Page", 0))


class Connection(asyncio.Protocol):
    """One client's connection. Requests have no bodies here."""

    def __init__(self, twilio: Twilio) -> None:
        self._twilio = twilio
        self._received = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *requests, self._received = (self._received + data).split(b"\r\n\r\n")
        for head in requests:
            method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
            assert method == "GET", f"nobody who waits sends {method}"
            status, body = self._twilio.answer(target)
            self._transport.write(
                b"HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                % (status, status.phrase.encode(), len(body), body)
            )
            if b"\r\nconnection: close" in head.lower():
                self._transport.close()


async def serve() -> None:
    """Print the origin, and serve until standard input ends, as it does when the parent process ends."""
    twilio = Twilio()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(twilio), "127.0.0.1", 0, backlog=4096)
    twilio.origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    print(twilio.origin, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    asyncio.run(serve())
