"""
Waiting for jobs: this package next to other ways, on one server, in one run.

Every contender waits in a process of its own, all of whose waits share one event loop, as in a triggerer. The jobs (90
days of details each) end one after the other in the second half of ``--seconds``. What counts is the comparison: the
server and the machine are the same for all.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from .contenders import CONNECTIONS, CONTENDERS
from .output import markdown_table, surroundings, write_results
from .parsing import PARSED, measure_parsing, parsing_table
from .tables import HEADER, in_words, ratios_table, row

BENCHMARKS = Path(__file__).parent.parent


def main() -> None:
    """Measure, print, draw."""
    options = arguments()
    contenders = [name for name in options.contenders if is_installed(name)]
    allow_many_sockets(max(options.waits))
    rounds = []
    with tempfile.TemporaryDirectory() as home, running_server() as server:
        environment = environment_for(server, Path(home))
        for waits in options.waits:
            for name in contenders:
                rounds.append(compete(name, waits, options, server, environment))
                print(in_words(rounds[-1]), flush=True)
        parsing = measure_parsing(options.parse_rounds, environment) if options.parse_rounds else {}
    results = {"surroundings": surroundings(*installed_distributions()), "rounds": rounds, "parsing": parsing}
    markdown = report(options, results)
    print(f"\n{markdown}")
    write_results(options.output, markdown, results)
    draw(options.output, rounds)


def compete(
    name: str, waits: int, options: argparse.Namespace, server: str, environment: dict[str, str]
) -> dict[str, Any]:
    """
    Let a contender wait for so many jobs.

    :return: What it reported.
    :raises SystemExit: with the end of its output, if it failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        file, log = Path(folder) / "report.json", Path(folder) / "log"
        command = [sys.executable, "-m", "waiting.contend", name, "--server", server, "--report", str(file)]
        for option in ("seconds", "interval", "patience"):
            command += [f"--{option}", str(getattr(options, option))]
        command += ["--waits", str(waits), *(["--estimates"] if options.estimates else [])]
        with log.open("w") as output:
            done = subprocess.run(
                command, cwd=BENCHMARKS, env=environment, stdout=output, stderr=output, check=False, timeout=3600
            )
        if done.returncode or not file.exists():
            sys.exit(f"{name} with {waits} waits failed:\n{log.read_text()[-4000:]}")
        return {"contender": name, "waits": waits, **json.loads(file.read_text())}


@contextmanager
def running_server() -> Iterator[str]:
    """Run the server; its origin."""
    command = [sys.executable, "-m", "waiting.server"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=BENCHMARKS, stdin=pipe, stdout=pipe, text=True) as server:
        assert server.stdin is not None and server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.stdin.close()


def environment_for(server: str, home: Path) -> dict[str, str]:
    """Give the contenders an Airflow home of their own and connections to the server."""
    connections = {
        f"AIRFLOW_CONN_{conn_id.upper()}": json.dumps(fields).replace("{server}", server)
        for conn_id, fields in CONNECTIONS.items()
    }
    return {
        **os.environ,
        **connections,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PYTHONPATH": str(BENCHMARKS),
    }


def allow_many_sockets(waits: int) -> None:
    """
    Let this process's children open a socket for every wait.

    :raises SystemExit: if the system forbids it.
    """
    _, allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed != resource.RLIM_INFINITY and allowed < waits + 200:
        sys.exit(f"{waits} waits need as many sockets, but only {allowed} are allowed: raise it with ulimit -Hn")
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, allowed))


def is_installed(contender: str) -> bool:
    """Whether a contender can compete; says so if not."""
    distribution = CONTENDERS[contender].distribution
    try:
        version(distribution)
    except PackageNotFoundError:
        print(f"without {CONTENDERS[contender].label}: {distribution} is not installed")
        return False
    return True


def installed_distributions() -> list[str]:
    """The contenders' distributions that are there."""
    return sorted({contender.distribution for name, contender in CONTENDERS.items() if is_installed(name)})


def report(options: argparse.Namespace, results: dict[str, Any]) -> str:
    """Everything, as markdown."""
    measured_on = ", ".join(f"{name} {value}" for name, value in results["surroundings"].items())
    estimates = "given" if options.estimates else "not given"
    parts = [
        f"{options.seconds:g} s, an interval of {options.interval:g} s, the jobs' ends {estimates} beforehand.",
        markdown_table(HEADER, [row(round_) for round_ in results["rounds"]]),
        *([ratios_table(results["rounds"])] if len(options.contenders) > 1 else []),
        *([PARSED, parsing_table(results["parsing"])] if results["parsing"] else []),
        f"Measured on {measured_on}.",
    ]
    return "\n\n".join(parts)


def draw(folder: Path, rounds: list[dict[str, Any]]) -> None:
    """Draw, if there is something to draw with."""
    try:
        from .plot import draw_rounds
    except ImportError as error:
        print(f"no plot: {error}; uv run --group bench installs what it needs")
        return
    print(draw_rounds(rounds, folder / "waiting.png"))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--waits", type=int, nargs="+", default=[1, 10, 100, 1000, 5000], help="jobs that are awaited")
    parser.add_argument("--seconds", type=float, default=30, help="until the last job ends")
    parser.add_argument("--interval", type=float, default=5, help="seconds between two polls")
    parser.add_argument("--patience", type=float, default=30, help="seconds after the last job's end until we give up")
    parser.add_argument("--contenders", nargs="+", choices=CONTENDERS, default=list(CONTENDERS), metavar="NAME")
    parser.add_argument("--estimates", action="store_true", help="jobs say when they will end, as Twilio's do")
    parser.add_argument("--parse-rounds", type=int, default=11, help="how often DAG files are parsed; 0: not at all")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent, help="folder of the results")
    return parser.parse_args()
