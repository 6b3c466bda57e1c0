"""
Fetching a day's file next to ``curl -o`` of the same bytes, from the same server, in the same run.

    uv run --group bench python tests/benchmarks/bench_download.py --mebibytes 64 512 --rounds 5

Prints medians and ratios, and draws them into ``bench_download.png`` beside this file. The machine's own speed matters
little: the two take turns, and what is quoted is their ratio. ``client.download_day`` verifies the file (gzip
checksums, lines, SHA-256), which curl does not; ``requests`` is a plain loop over ``iter_content``.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import requests

from airflow_provider_bulkexports.api.client import BulkExportsClient

SERVER = """
import sys, threading
from airflow_provider_bulkexports.simulator import SimulatedClock, Simulator
simulator = Simulator(clock=SimulatedClock(speed=0))
simulator.knobs.queue_seconds = simulator.knobs.seconds_per_day_run = 0
simulator.knobs.link_reusable = True
simulator.knobs.bytes_per_day = int(sys.argv[1])
with simulator:
    simulator.create_job("Messages", "2026-01-01", "2026-01-01")
    print(simulator.base_url, simulator.account_sid, simulator.auth_token, flush=True)
    threading.Event().wait()
"""


def measure(mebibytes: int, rounds: int, folder: Path) -> dict[str, float]:
    """Median seconds of each way to fetch a file of so many MiB."""
    command = [sys.executable, "-c", SERVER, str(mebibytes << 20)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        base_url, sid, token = server.stdout.readline().split()
        client = BulkExportsClient(sid, token, base_url=base_url)
        link = client.get_day_link("Messages", "2026-01-01").url
        ways: dict[str, Callable[[Path], object]] = {
            "curl -o": lambda target: subprocess.run(["curl", "-sf", "-o", str(target), link], check=True),
            "download_day": lambda target: client.download_day("Messages", "2026-01-01", target),
            "requests": lambda target: plain(link, target),
        }
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, fetch in ways.items():
                target = folder / "day.json.gz"
                began = time.perf_counter()
                fetch(target)
                seconds[name].append(time.perf_counter() - began)
                target.unlink()
        server.terminate()
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def plain(link: str, target: Path) -> None:
    """Fetch without any check."""
    with requests.get(link, stream=True, timeout=30) as response, target.open("wb") as file:
        for piece in response.iter_content(1 << 18):
            file.write(piece)


def draw(results: dict[int, dict[str, float]]) -> Path:
    """Draw throughput by size; return the picture's file."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4))
    for name in next(iter(results.values())):
        axes.plot(list(results), [size / seconds[name] for size, seconds in results.items()], marker="o", label=name)
    axes.set(xlabel="size of the compressed file (MiB)", ylabel="MiB/s", title="Fetching a day's file", ylim=0)
    axes.legend()
    target = Path(__file__).with_suffix(".png")
    figure.savefig(target, dpi=120, bbox_inches="tight")
    return target


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mebibytes", type=int, nargs="+", default=[2, 64, 512])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for mebibytes in options.mebibytes:
            results[mebibytes] = seconds = measure(mebibytes, options.rounds, Path(folder))
            rates = ", ".join(f"{name} {mebibytes / taken:.0f} MiB/s" for name, taken in seconds.items())
            print(f"{mebibytes} MiB: {rates}; download_day / curl = {seconds['curl -o'] / seconds['download_day']:.2f}")
    print(draw(results))


if __name__ == "__main__":
    main()
