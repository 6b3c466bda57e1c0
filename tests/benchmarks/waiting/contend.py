"""A contender's process: it waits for every job of a round and writes down what that took."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

from .contenders import CONTENDERS, AwaitedJob, Wait
from .measure import Measurement


def main() -> None:
    """Import, begin a round, wait, report."""
    options = arguments()
    wait = CONTENDERS[options.contender].load(options.server, options.interval)
    # A triggerer has waited before: what Airflow and the libraries import and set up only then is not measured.
    asyncio.run(follow_all(wait, begin(options.server, waits=1, seconds=0, estimated=False), lambda *_: None))
    jobs = begin(options.server, waits=options.waits, seconds=options.seconds, estimated=options.estimates)
    measurement = Measurement(jobs)
    report = Report(options.server, options.report, measurement)
    deadline = max(job.ends_at for job in jobs) + options.patience
    # In a thread, and without a farewell: what is too slow may be holding its event loop up.
    timer = threading.Timer(deadline - time.time(), report.cancel_on_timeout)
    timer.daemon = True
    timer.start()
    asyncio.run(compete(wait, jobs, measurement, report))


def begin(server: str, *, waits: int, seconds: float, estimated: bool) -> list[AwaitedJob]:
    """Begin a round on the server."""
    begun = ask(f"{server}/begin?{urlencode({'waits': waits, 'seconds': seconds, 'estimated': estimated})}")
    return [AwaitedJob(number, sid, ends_at) for number, (sid, ends_at) in enumerate(begun)]


async def compete(wait: Wait, jobs: list[AwaitedJob], measurement: Measurement, report: Report) -> None:
    """Wait for all jobs beside a heartbeat, and report before the loop is taken down."""
    heartbeat = asyncio.create_task(measurement.heartbeat.beat())
    await follow_all(wait, jobs, measurement.note)
    report.write(finished=True)
    heartbeat.cancel()


async def follow_all(wait: Wait, jobs: list[AwaitedJob], note: Callable[[AwaitedJob, bool], None]) -> None:
    """Run all waits in this loop, each to its end: one that fires twice would be noted twice."""

    async def follow(job: AwaitedJob) -> None:
        async for has_ended in wait(job):
            note(job, has_ended)

    waits = []
    for job in jobs:
        waits.append(asyncio.create_task(follow(job)))
        await asyncio.sleep(0)
    await asyncio.gather(*waits)


class Report:
    """What a round took, written once."""

    def __init__(self, server: str, file: Path, measurement: Measurement) -> None:
        self._server = server
        self._file = file
        self._measurement = measurement
        self._lock = threading.Lock()

    def write(self, *, finished: bool) -> None:
        """Write everything down."""
        with self._lock:
            if not self._file.exists():
                results = {**self._measurement.results(), "finished": finished, **ask(f"{self._server}/counts")}
                self._file.write_text(json.dumps(results))

    def cancel_on_timeout(self) -> None:
        """Write what there is, and end the process."""
        self.write(finished=False)
        os._exit(0)


def ask(url: str) -> Any:
    """Get JSON."""
    with urlopen(url, timeout=60) as response:
        return json.load(response)


def arguments() -> argparse.Namespace:
    """Read the command line that the driver wrote."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("contender", choices=CONTENDERS)
    parser.add_argument("--server", required=True)
    parser.add_argument("--waits", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--interval", type=float, required=True)
    parser.add_argument("--patience", type=float, required=True)
    parser.add_argument("--estimates", action="store_true")
    parser.add_argument("--report", type=Path, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    main()
