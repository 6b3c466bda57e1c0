"""A contender's process: it waits for every job of a round and writes down what that took."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import threading
import time
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
    round_ = {"waits": options.waits, "seconds": options.seconds, "estimated": options.estimates}
    begun = ask(f"{options.server}/begin?{urlencode(round_)}")
    jobs = [AwaitedJob(number, sid, ends_at) for number, (sid, ends_at) in enumerate(begun)]
    measurement = Measurement(jobs)
    report = Report(options.server, options.report, measurement)
    deadline = max(job.ends_at for job in jobs) + options.patience
    # In a thread, and without a farewell: what is too slow may be holding its event loop up.
    timer = threading.Timer(deadline - time.time(), report.give_up)
    timer.daemon = True
    timer.start()
    asyncio.run(wait_for_all(wait, jobs, measurement, report))


async def wait_for_all(wait: Wait, jobs: list[AwaitedJob], measurement: Measurement, report: Report) -> None:
    """Run all waits in this loop; a wait may go on after its event, and would be seen to fire again."""

    async def follow(job: AwaitedJob) -> None:
        async for has_ended in wait(job):
            measurement.note(job, has_ended)

    heartbeat = asyncio.create_task(measurement.heartbeat.beat())
    waits = []
    for job in jobs:
        waits.append(asyncio.create_task(follow(job)))
        await asyncio.sleep(0)
    await asyncio.gather(*waits)
    report.write(finished=True)
    heartbeat.cancel()


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

    def give_up(self) -> None:
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
