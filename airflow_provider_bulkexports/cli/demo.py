"""
``bulkexports demo``: run the example DAG against the simulator and show its progress.

Airflow runs in a process of its own (``demo_airflow.py``). The days shown come from the simulator over HTTP, as any
client sees them; the end comes from the DAG run's own result.
"""

from __future__ import annotations

import json
import math
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

import airflow_provider_bulkexports
from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.api.temporary_files import sweep
from airflow_provider_bulkexports.cli.demo_airflow import HOME_PREFIX, DemoAirflow
from airflow_provider_bulkexports.cli.demo_options import DemoOptions
from airflow_provider_bulkexports.cli.demo_view import DemoView
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.days import MAX_DAYS_PER_JOB
from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.object_storage.layout import DEFAULT_LAYOUT, day_folders, day_path, sidecar_of
from airflow_provider_bulkexports.simulator import Simulator

__all__ = ["Demo"]

_EXAMPLE = "example_bulkexports_range.py"

#: Real seconds that Twilio's part of the demo takes, however many days it exports.
_REAL_SECONDS = 6.0
_POLL_INTERVAL = 0.2

#: Other jobs in Twilio's queue before ours, by their days.
_JOBS_AHEAD = (2, 3)

#: The last line of a traceback in Airflow's log when this package failed the task.
_FAILURE = re.compile(r"\bBulkExportsTask(?:Error|Failure): (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Demo:
    """
    One run of the demo.

    :param options: What to show.
    :param is_interrupted: Asked several times a second whether to stop.
    """

    options: DemoOptions
    is_interrupted: Callable[[], bool] = lambda: False

    def run(self) -> int:
        """
        Run the DAG and show its progress and result.

        :return: 0 if every day was exported, 1 if the DAG run failed.
        :raises KeyboardInterrupt: if it was interrupted. Airflow has ended then, and its home is removed.
        :raises BulkExportsInputError: if there is no place for temporary files.
        """
        options = self.options
        view = DemoView(_console(), options.days)
        try:
            with self._simulator() as simulator, _temporary_folder() as home:
                view.say(f"Simulating Twilio on {simulator.base_url}; nothing leaves this machine.")
                what = f"{options.resource_type} of {options.days}"
                view.say(f"Exporting {what} with {_EXAMPLE} in a temporary Airflow home.\n")
                exit_status, log = self._run_airflow(home, simulator, view)
                outcome = _read_json(home / "outcome.json")
                stored = self._stored(home, outcome or {})
            self._stop_if_interrupted()
        except KeyboardInterrupt:
            view.say("Interrupted. Airflow and the simulator have ended, and the temporary Airflow home is removed.")
            raise
        if options.show_log or outcome is None:
            view.say_as_it_is(log)
        if outcome is None:
            view.say(f"Airflow could not run the DAG (exit status {exit_status}); its log is above.")
            return 1
        failures = _FAILURE.findall(log)
        view.show_end(outcome["state"], outcome["result"], stored, failures[-1] if failures else "")
        if options.output is not None:
            view.show_files([entry["uri"] for entry in stored], folder=options.output)
        elif stored:
            view.say("The files were deleted with the Airflow home; --output DIR keeps them.")
        return 0 if outcome["state"] == "success" else 1

    def _simulator(self) -> Simulator:
        resource_type, days = self.options.resource_type, self.options.days
        simulator = Simulator()
        knobs = simulator.knobs
        knobs.quota_days = MAX_DAYS_PER_JOB + sum(_JOBS_AHEAD)  # the longest job also fits after those
        knobs.parallel_jobs = 1
        knobs.eta_error_seconds = 30.0
        knobs.link_seconds = 24 * 3600  # of simulated time, which runs fast
        for number in _JOBS_AHEAD:
            end = days.start - timedelta(days=1)
            first = days.start - timedelta(days=number)
            simulator.create_job(_another(resource_type), first.isoformat(), end.isoformat())
        rounds = len(_JOBS_AHEAD) + math.ceil(len(days) / knobs.parallel_days)
        expected = knobs.queue_seconds + knobs.seconds_per_day_run * rounds
        simulator.clock.speed = max(expected / _REAL_SECONDS, 1.0)
        for day in self.options.failing:
            simulator.state.fail_day(resource_type, day.isoformat())
        for day in self.options.empty:
            simulator.state.empty_day(resource_type, day.isoformat())
        return simulator

    def _run_airflow(self, home: Path, simulator: Simulator, view: DemoView) -> tuple[int, str]:
        """Run Airflow and show what happens meanwhile; return the exit status and the log."""
        # Stop simulated time until the job is submitted, or the queue would empty while Airflow starts.
        speed, simulator.clock.speed = simulator.clock.speed, 0.0
        client = BulkExportsClient(simulator.account_sid, simulator.auth_token, base_url=simulator.base_url)
        airflow = DemoAirflow(
            self._command(home), home=home, dags=_example_dag().parent, connection=simulator.connection_json()
        )
        try:
            with airflow, view.live():
                ended = False
                while not ended:
                    ended = airflow.has_ended(within=_POLL_INTERVAL)
                    self._stop_if_interrupted()
                    for message in airflow.new_messages():
                        view.show_message(message)
                    # Poll once more after the end, so that the final state is shown.
                    for job in client.list_jobs(self.options.resource_type):
                        # The files must not expire while they are stored, on however slow a machine.
                        simulator.clock.speed = 1.0 if job.is_finished else speed
                        view.update(job)
                    view.show_downloads(len(simulator.requests.matching(origin="storage")))
        finally:
            client.close()
            if self.options.output is not None:
                sweep(self.options.output, day_folders(DEFAULT_LAYOUT, **self._layout_fields))
        return airflow.exit_status, airflow.log

    def _stop_if_interrupted(self) -> None:
        if self.is_interrupted():
            raise KeyboardInterrupt

    def _command(self, home: Path) -> list[str]:
        conf = {
            "resource_type": self.options.resource_type.value,
            "start_day": self.options.days.start.isoformat(),
            "end_day": self.options.days.end.isoformat(),
            "destination": f"file://{self._folder(home)}",
        }
        arguments = [str(_example_dag()), json.dumps(conf), str(home / "outcome.json"), str(home)]
        return [sys.executable, "-m", "airflow_provider_bulkexports.cli.dag_run", *arguments]

    def _folder(self, home: Path) -> Path:
        return self.options.output or home / "output"

    def _stored(self, home: Path, outcome: dict[str, Any]) -> list[dict[str, Any]]:
        """The storing task's result; if the task failed, the sidecars of the files that it stored before."""
        if outcome.get("stored") is not None or not outcome.get("has_stored"):
            return list(outcome.get("stored") or [])
        files = [day_path(DEFAULT_LAYOUT, day=day, **self._layout_fields) for day in self.options.days]
        sidecars = (_read_json(self._folder(home) / sidecar_of(file)) for file in files)
        return [sidecar for sidecar in sidecars if sidecar is not None]

    @property
    def _layout_fields(self) -> dict[str, Any]:
        return {"resource_type": self.options.resource_type, "account_sid": None}


class _Console(Console):
    """A console that lets the command end in its own way if nobody reads its output."""

    def on_broken_pipe(self) -> None:
        """Let the error pass; by default rich ends the process with status 1."""
        self.quiet = True
        raise BrokenPipeError


def _console() -> Console:
    # Colours and live displays are for terminals, also where FORCE_COLOR asks for them elsewhere.
    return _Console(highlight=False, force_terminal=None if sys.stdout.isatty() else False)


def _another(resource_type: ResourceType) -> ResourceType:
    return next(other for other in ResourceType if other is not resource_type)


def _example_dag() -> Path:
    """File of the example DAG: inside the installed package, or beside it in a checkout."""
    package = Path(airflow_provider_bulkexports.__file__).parent
    places = [folder / "example_dags" / _EXAMPLE for folder in (package, package.parent)]
    return next(place for place in places if place.is_file())


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    try:
        folder = tempfile.TemporaryDirectory(prefix=HOME_PREFIX, ignore_cleanup_errors=True)
    except OSError as error:
        raise BulkExportsInputError(
            f"Cannot create a temporary folder in {tempfile.gettempdir()}: {error.strerror}; "
            "set TMPDIR to a folder that can be written to"
        ) from error
    with folder as path:
        yield Path(path).resolve()


def _read_json(file: Path) -> dict[str, Any] | None:
    """A file's content; ``None`` if it was never written."""
    return json.loads(file.read_text("utf-8")) if file.is_file() else None
