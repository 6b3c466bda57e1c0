"""
``bulkexports demo``: run the example DAG against the simulator and show its progress.

Airflow runs in a separate process (``dag_run.py``) and neither reads nor writes the user's Airflow. The days shown come
from the simulator over HTTP, as any client sees them; the end comes from the DAG run's own result.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

import airflow_provider_bulkexports
from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.cli.demo_view import DemoView
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.days import MAX_DAYS_PER_JOB, DayRange, newest_exportable_day, utc_today
from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.object_storage.layout import DEFAULT_LAYOUT, day_path, sidecar_of
from airflow_provider_bulkexports.provider_info import DEFAULT_CONN_ID
from airflow_provider_bulkexports.simulator import Simulator

__all__ = ["Demo", "run"]

_EXAMPLE = "example_bulkexports_range.py"

#: Real seconds that Twilio's part of the demo takes, however many days it exports.
_REAL_SECONDS = 6.0
_POLL_INTERVAL = 0.2

#: Other jobs in Twilio's queue before ours.
_JOBS_AHEAD = 2

#: The last line of a traceback in Airflow's log when this package failed the task. Some versions colour it.
_FAILURE = re.compile(r"\bBulkExportsTask(?:Error|Failure): (.+)$", re.MULTILINE)
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")

#: The user's variables that the demo's Airflow must not see.
_HIDDEN_VARIABLES = re.compile(r"AIRFLOW|(?i:\w+_proxy)$")


def run(options: argparse.Namespace) -> int:
    """
    Run the command.

    :param options: Its ``resource_type``, ``days``, ``fail_day``, ``empty_day``, ``output`` and ``log``.
    :return: As :meth:`Demo.run`.
    :raises BulkExportsInputError: for an unknown resource type, a number of days that no job can have, or a day that
        the demo does not export.
    """
    resource_type = ResourceType.parse(options.resource_type)
    if not 1 <= options.days <= MAX_DAYS_PER_JOB:
        raise BulkExportsInputError(
            f"--days must be 1 to {MAX_DAYS_PER_JOB}, the most that a job holds, got {options.days}"
        )
    end = newest_exportable_day(utc_today())
    days = DayRange(end - timedelta(days=options.days - 1), end)
    return Demo(
        resource_type=resource_type,
        days=days,
        failing=[_day_in(days, word, "--fail-day") for word in options.fail_day],
        empty=[_day_in(days, word, "--empty-day") for word in options.empty_day],
        output=options.output,
        show_log=options.log,
    ).run()


def _day_in(days: DayRange, word: str, option: str) -> str:
    by_number = {str(number): day for number, day in enumerate(days, start=1)}
    by_name = {day.isoformat(): day for day in days}
    day = by_number.get(word) or by_name.get(word)
    if day is None:
        raise BulkExportsInputError(f"{option} {word}: the demo exports {days}; name one of them, or 1 to {len(days)}")
    return day.isoformat()


@dataclass(frozen=True)
class Demo:
    """
    One run of the demo.

    :param days: The days to export.
    :param failing: Those that fail, ``YYYY-MM-DD``.
    :param empty: Those without records, ``YYYY-MM-DD``.
    :param output: Folder for the days' files; a temporary one by default.
    :param show_log: Print Airflow's log at the end.
    """

    resource_type: ResourceType
    days: DayRange
    failing: Sequence[str] = ()
    empty: Sequence[str] = ()
    output: Path | None = None
    show_log: bool = False

    def run(self) -> int:
        """
        Run the DAG and show its progress and result.

        :return: 0 if every day was exported, 1 if the DAG run failed.
        """
        simulator = self._simulator()
        view = DemoView(Console(highlight=False), self.days)
        with simulator, _temporary_folder() as home:
            view.say(f"Simulating Twilio on {simulator.base_url}; nothing leaves this machine.")
            view.say(f"Exporting {self.resource_type} of {self.days} with {_EXAMPLE} in a temporary Airflow home.\n")
            exit_code, log = self._run_airflow(home, simulator, view)
            outcome = _read_json(home / "outcome.json")
            stored = self._stored(home, outcome or {})
        if self.show_log or outcome is None:
            view.say(log)
        if outcome is None:
            view.say(f"Airflow could not run the DAG (exit status {exit_code}); its log is above.")
            return 1
        failures = _FAILURE.findall(log)
        view.show_end(outcome["state"], outcome["result"], stored, failures[-1] if failures else "")
        if self.output is not None:
            view.say("\n".join(["Files:", *(f"  {entry['uri']}" for entry in stored)]))
        elif stored:
            view.say("The files were deleted with the Airflow home; --output DIR keeps them.")
        return 0 if outcome["state"] == "success" else 1

    def _simulator(self) -> Simulator:
        simulator = Simulator()
        knobs = simulator.knobs
        knobs.parallel_jobs = 1
        knobs.eta_error_seconds = 30.0
        knobs.link_seconds = 24 * 3600  # of simulated time, which runs fast
        for other_days in range(1, _JOBS_AHEAD + 1):
            end = self.days.start - timedelta(days=1)
            first = end - timedelta(days=other_days)
            simulator.create_job(_another(self.resource_type), first.isoformat(), end.isoformat())
        rounds = _JOBS_AHEAD + math.ceil(len(self.days) / knobs.parallel_days)
        expected = knobs.queue_seconds + knobs.seconds_per_day_run * rounds
        simulator.clock.speed = max(expected / _REAL_SECONDS, 1.0)
        for day in self.failing:
            simulator.state.fail_day(self.resource_type, day)
        for day in self.empty:
            simulator.state.empty_day(self.resource_type, day)
        return simulator

    def _run_airflow(self, home: Path, simulator: Simulator, view: DemoView) -> tuple[int, str]:
        """Run Airflow and show the job's progress meanwhile; return the exit status and the log."""
        # Stop simulated time until the job is submitted, or the queue would empty while Airflow starts.
        speed, simulator.clock.speed = simulator.clock.speed, 0.0
        client = BulkExportsClient(simulator.account_sid, simulator.auth_token, base_url=simulator.base_url)
        log_file = home / "airflow.log"
        with log_file.open("wb") as log, _airflow(self._command(home), home, simulator, log) as airflow, view.live():
            ended = False
            while not ended:
                ended = _has_ended(airflow)
                # Poll once more after the end, so that the final state is shown.
                for job in client.list_jobs(self.resource_type):
                    simulator.clock.speed = speed
                    view.update(job)
        client.close()
        return airflow.returncode, _COLOURS.sub("", log_file.read_text("utf-8", errors="replace"))

    def _command(self, home: Path) -> list[str]:
        conf = {
            "resource_type": self.resource_type.value,
            "start_day": self.days.start.isoformat(),
            "end_day": self.days.end.isoformat(),
            "destination": f"file://{self._folder(home)}",
        }
        arguments = [str(_example_dag()), json.dumps(conf), str(home / "outcome.json")]
        return [sys.executable, "-m", "airflow_provider_bulkexports.cli.dag_run", *arguments]

    def _folder(self, home: Path) -> Path:
        return (self.output or home / "output").resolve()

    def _stored(self, home: Path, outcome: dict[str, Any]) -> list[dict[str, Any]]:
        """The storing task's result; if the task failed, the sidecars of the files that it stored before."""
        if outcome.get("stored") is not None or not outcome.get("has_stored"):
            return list(outcome.get("stored") or [])
        files = [
            day_path(DEFAULT_LAYOUT, resource_type=self.resource_type, day=day, account_sid=None) for day in self.days
        ]
        sidecars = (_read_json(self._folder(home) / sidecar_of(file)) for file in files)
        return [sidecar for sidecar in sidecars if sidecar is not None]


def _another(resource_type: ResourceType) -> ResourceType:
    return next(other for other in ResourceType if other is not resource_type)


def _example_dag() -> Path:
    """File of the example DAG: inside the installed package, or beside it in a checkout."""
    package = Path(airflow_provider_bulkexports.__file__).parent
    places = [folder / "example_dags" / _EXAMPLE for folder in (package, package.parent)]
    return next(place for place in places if place.is_file())


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bulkexports-demo-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextmanager
def _airflow(command: list[str], home: Path, simulator: Simulator, log: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Start the command with its own Airflow configuration; end it if the demo is interrupted."""
    environment = _environment(home, simulator)
    # The command is this interpreter with a module of this package.
    with subprocess.Popen(command, env=environment, cwd=home, stdout=log, stderr=subprocess.STDOUT) as process:  # noqa: S603
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()


def _environment(home: Path, simulator: Simulator) -> dict[str, str]:
    """The process's own environment, without the user's Airflow and without proxies: the demo uses no network."""
    kept = {name: value for name, value in os.environ.items() if not _HIDDEN_VARIABLES.match(name)}
    return kept | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(_example_dag().parent),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "AIRFLOW__BULKEXPORTS__POLL_INTERVAL": "1",
        "AIRFLOW__BULKEXPORTS__MAX_POLL_INTERVAL": "1",  # estimates are in simulated time
        "COLUMNS": "1000",  # Airflow 3.0 and 3.1 wrap a traceback at the terminal's width
        f"AIRFLOW_CONN_{DEFAULT_CONN_ID.upper()}": simulator.connection_json(),
        "NO_PROXY": "*",  # macOS also has system-wide proxies
        "PYTHONUTF8": "1",  # the demo reads Airflow's log, whatever the terminal can show
        "PYTHONIOENCODING": "utf-8",
    }


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(timeout=_POLL_INTERVAL)
    except subprocess.TimeoutExpired:
        return False
    return True


def _read_json(file: Path) -> dict[str, Any] | None:
    """A file's content; ``None`` if it was never written."""
    return json.loads(file.read_text("utf-8")) if file.is_file() else None
