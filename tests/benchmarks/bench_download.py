"""
Storing a day's file, verified, next to ``curl -o`` of the same bytes, from the same server, in the same run.

    uv run --group bench python tests/benchmarks/bench_download.py --mebibytes 256 --rounds 7

For files that compress differently well, and for two networks: loopback as fast as it goes, and 1 Gbit/s. Prints rates
and ratios, and draws the ratios into ``bench_download.png`` beside this file. The ways take turns, and of each the
fastest round counts, since what else the machine does can only slow it. ``inflating alone`` reads the file from the
page cache and neither receives, writes, counts nor hashes: nothing that inflates with this library can be faster.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from airflow_provider_bulkexports.api.download import download
from airflow_provider_bulkexports.api.file_check import gzip_reader
from airflow_provider_bulkexports.api.retry import RetryPolicy
from airflow_provider_bulkexports.api.signed_link import SignedLink
from airflow_provider_bulkexports.api.storage_host import Storage
from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.simulator.service.records import day_records

DAY = date(2026, 1, 1)
GIGABIT = 125_000_000
NETWORKS = {"loopback": 0, "1 Gbit/s": GIGABIT}
#: Bars beyond are cut, so that the others can be read; their labels are not.
TALLEST = 1.2
#: Name: random characters that a message's body gets, and the level of compression.
FILES = {"stored": (700, 0), "dense": (700, 6), "medium": (60, 6), "as simulated": (0, 1), "sparse": (0, 9)}


class Server(BaseHTTPRequestHandler):
    """Sends files of the working directory from kernel to kernel, at ``/NAME/BYTES_A_SECOND``; 0 means no limit."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        name, rate = self.path.strip("/").split("/")
        if int(rate):
            self.connection.setsockopt(socket.SOL_SOCKET, 47, int(rate))  # SO_MAX_PACING_RATE of Linux
        with Path(name).open("rb") as file:
            self.send_response(200)
            self.send_header("Content-Length", str(os.fstat(file.fileno()).st_size))
            self.send_header("ETag", '"one"')
            self.end_headers()
            self.connection.sendfile(file)

    def log_message(self, *_: object) -> None:
        pass


def serve() -> None:
    """Print the port, and serve until terminated."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    print(server.server_port, flush=True)
    server.serve_forever()


def make(file: Path, size: int, body: int, level: int) -> float:
    """Write messages, repeated until the file has the size; return how many times smaller compression made them."""
    chance = random.Random(1)
    lines = []
    for record in day_records(1, "AC" + "0" * 32, ResourceType.MESSAGES, DAY, 20_000):
        record["body"] += base64.b64encode(chance.randbytes(body * 3 // 4)).decode()
        lines.append(json.dumps(record) + "\n")
    text = "".join(lines).encode()
    member = gzip.compress(text, level)
    file.write_bytes(member * -(-size // len(member)))
    return len(text) / len(member)


def inflate(file: Path) -> None:
    """Inflate into nothing."""
    with gzip_reader()(file, "rb") as text:
        while text.read1(1 << 18):
            pass


def fastest(ways: dict[str, Callable[[], object]], target: Path, rounds: int) -> dict[str, float]:
    """Return the least seconds of each."""
    seconds = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for name, way in ways.items():
            target.unlink(missing_ok=True)
            began = time.perf_counter()
            way()
            seconds[name] = min(seconds[name], time.perf_counter() - began)
    return seconds


def measure(file: Path, base_url: str, rounds: int) -> dict[str, dict[str, float]]:
    """Return MiB/s by network and way."""
    storage, target = Storage((10.0, 30.0)), file.with_name("target")
    rates = {}
    for network, limit in NETWORKS.items():
        url = f"{base_url}/{file.name}/{limit}"
        ways: dict[str, Callable[[], object]] = {
            "curl": lambda url=url: subprocess.run(["curl", "-sf", "-o", str(target), url], check=True),
            "download": lambda url=url: download(
                DAY, target, request_link=lambda: SignedLink(url), storage=storage, backoff=RetryPolicy().backoff
            ),
        }
        if not limit:
            ways["inflating alone"] = lambda: inflate(file)
        seconds = fastest(ways, target, rounds)
        rates[network] = {name: (file.stat().st_size >> 20) / taken for name, taken in seconds.items()}
    storage.close()
    return rates


def draw(ratios: dict[str, dict[str, float]]) -> Path:
    """
    Draw one group of bars a file; return the picture's path.

    :param ratios: Speed relative to curl, by kind of bar and by file.
    """
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4))
    width = 0.8 / len(ratios)
    for number, (label, by_file) in enumerate(ratios.items()):
        places = [place + (number - 1) * width for place in range(len(by_file))]
        bars = axes.bar(places, [min(ratio, TALLEST) for ratio in by_file.values()], width, label=label)
        axes.bar_label(bars, [f"{ratio:.2f}" for ratio in by_file.values()], fontsize=8)
    axes.axhline(0.8, color="gray", linestyle=":")
    axes.set_xticks(range(len(by_file)), [file.replace(", ", "\n") for file in by_file])
    axes.set(ylabel="speed, curl -o = 1", title="Storing a day's file, verified, next to curl -o")
    axes.legend(fontsize=8)
    target = Path(__file__).with_suffix(".png")
    figure.savefig(target, dpi=100, bbox_inches="tight")
    return target


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder from another process; give the URL."""
    command = [sys.executable, str(Path(__file__).resolve()), "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder) as server:
        try:
            assert server.stdout is not None
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
        finally:
            server.terminate()


def compare(folder: Path, mebibytes: int, rounds: int) -> dict[str, dict[str, float]]:
    """Measure every file, and print; return the ratios to curl by way and by file."""
    ratios: dict[str, dict[str, float]] = {}
    file = folder / "day.json.gz"
    with served(folder) as base_url:
        for name, (body, level) in FILES.items():
            label = f"{name}, 1 : {make(file, mebibytes << 20, body, level):.1f}"
            for network, rates in measure(file, base_url, rounds).items():
                curl = rates.pop("curl")
                print(f"{label} ({network}): curl {curl:.0f} MiB/s", end="")
                for way, rate in rates.items():
                    ratios.setdefault(f"{way}, {network}", {})[label] = rate / curl
                    print(f"; {way} {rate:.0f} MiB/s, {rate / curl:.2f} of it", end="")
                print(flush=True)
    return ratios


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mebibytes", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve()
        return
    with tempfile.TemporaryDirectory() as folder:
        print(draw(compare(Path(folder), options.mebibytes, options.rounds)))


if __name__ == "__main__":
    main()
