"""The command ``bulkexports``: see the main job happen, and have Twilio's side at hand, without a Twilio account."""

from __future__ import annotations

import argparse
import codecs
import signal
import sys
import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from airflow_provider_bulkexports import __version__
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.days import (
    MAX_DAYS_PER_JOB,
    DayRange,
    newest_exportable_day,
    parse_day,
    utc_today,
)
from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.provider_info import DEFAULT_CONN_ID

if TYPE_CHECKING:  # it needs an extra
    from airflow_provider_bulkexports.simulator import Simulator

__all__ = ["main"]

_Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001  # it has no other name


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the command.

    :param arguments: Words after ``bulkexports``; those of the process by default.
    :return: Exit status: 0 for success, 1 if a day failed, 2 for bad input or a missing extra, 130 if interrupted.
    """
    _print_in_any_encoding()
    options = _parser().parse_args(arguments)
    # A terminated command must clean up like an interrupted one.
    terminate = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return int(options.run(options))
    except (BulkExportsInputError, ModuleNotFoundError) as error:
        print(f"bulkexports: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    finally:
        signal.signal(signal.SIGTERM, terminate)


#: What is written instead of a character that the terminal's encoding does not have; of any other, a question mark.
_INSTEAD = {"→": "->", "…": "...", "\u2013": "-", "\u2014": "-", "\u2018": "'", "\u2019": "'", "“": '"', "”": '"'}


def _print_in_any_encoding() -> None:
    """Keep what cannot be printed, whatever it comes from, from ending a command that has done its work."""
    codecs.register_error("bulkexports.legible", _legible)
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):  # not if somebody has put another one there
            reconfigure(errors="bulkexports.legible")


def _legible(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_INSTEAD.get(letter, "?") for letter in error.object[error.start : error.end]), error.end


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bulkexports",
        description="Twilio BulkExports for Apache Airflow, tried without a Twilio account.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    _add_demo(commands)
    _add_simulate(commands)
    return parser


def _add_demo(commands: _Commands) -> None:
    demo = commands.add_parser(
        "demo",
        help="run the example DAG against the simulator and show every day's end",
        description="Runs the example DAG in a throw-away Airflow home, against a simulator of Twilio's side on this "
        "machine. Uses no network and leaves nothing behind but what --output asks for.",
    )
    _add_resource_type(demo)
    demo.add_argument("--days", type=int, default=7, metavar="N", help="how many days to export (default: 7)")
    demo.add_argument(
        "--fail-day",
        action="append",
        default=[],
        metavar="DAY",
        help="a day that fails: YYYY-MM-DD, or 1 for the first",
    )
    demo.add_argument("--empty-day", action="append", default=[], metavar="DAY", help="a day without records, likewise")
    demo.add_argument("--output", type=Path, metavar="DIR", help="keep the days' files in this folder")
    demo.add_argument("--log", action="store_true", help="show Airflow's own log at the end")
    demo.set_defaults(run=_demo)


def _add_simulate(commands: _Commands) -> None:
    simulate = commands.add_parser(
        "simulate",
        help="serve Twilio's side on this machine and print the connection to it",
        description="Serves Twilio's side of BulkExports on this machine until interrupted, and prints the Airflow "
        "connection to it.",
    )
    simulate.add_argument("--port", type=int, default=8765, help="port of the API; 0 takes a free one (default: 8765)")
    simulate.add_argument("--speed", type=float, default=1.0, help="seconds of simulated time in a second (default: 1)")
    simulate.add_argument("--seed", type=int, default=7, help="decides everything that looks random (default: 7)")
    _add_resource_type(simulate, meaning="what --fail-day and --empty-day are about")
    simulate.add_argument("--fail-day", action="append", default=[], metavar="DAY", help="a day that fails, YYYY-MM-DD")
    simulate.add_argument("--empty-day", action="append", default=[], metavar="DAY", help="a day without records")
    simulate.set_defaults(run=_simulate)


def _add_resource_type(parser: argparse.ArgumentParser, meaning: str = "what to export") -> None:
    choices = ", ".join(ResourceType)
    parser.add_argument(
        "--resource-type",
        default=ResourceType.MESSAGES.value,
        metavar="TYPE",
        help=f"{meaning}: {choices} (default: Messages)",
    )


def _demo(options: argparse.Namespace) -> int:
    from airflow_provider_bulkexports.cli.demo import Demo

    resource_type = ResourceType.parse(options.resource_type)
    if not 1 <= options.days <= MAX_DAYS_PER_JOB:
        raise BulkExportsInputError(
            f"--days {options.days}: write 1 to {MAX_DAYS_PER_JOB}, as many as one job can hold"
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


def _simulate(options: argparse.Namespace) -> int:
    from airflow_provider_bulkexports.simulator import SimulatedClock, Simulator

    resource_type = ResourceType.parse(options.resource_type)
    simulator = Simulator(clock=SimulatedClock(speed=options.speed), seed=options.seed, api_port=options.port)
    for word in options.fail_day:
        simulator.state.fail_day(resource_type, parse_day(word, name="--fail-day"))
    for word in options.empty_day:
        simulator.state.empty_day(resource_type, parse_day(word, name="--empty-day"))
    try:
        simulator.start()
    except OSError as error:
        raise BulkExportsInputError(f"--port {options.port}: {error.strerror}; take another, or 0") from error
    print(_how_to_use(simulator, speed=options.speed), flush=True)
    try:
        threading.Event().wait()
    finally:
        simulator.stop()
    return 0


def _how_to_use(simulator: Simulator, *, speed: float) -> str:
    connection = simulator.connection_json()
    pace = (
        "\nIts estimates are in simulated time, which tasks take for real time. Keep them from pausing by those, where "
        "Airflow runs:\n\n    export AIRFLOW__BULKEXPORTS__MAX_POLL_INTERVAL=0\n"
    )
    return (
        f"Twilio BulkExports, simulated on {simulator.base_url} (files on {simulator.storage_url}).\n"
        "\nThe connection for Airflow, as an environment variable:\n\n"
        f"    export AIRFLOW_CONN_{DEFAULT_CONN_ID.upper()}='{connection}'\n"
        "\nor stored:\n\n"
        f"    airflow connections add {DEFAULT_CONN_ID} --conn-json '{connection}'\n"
        f"{'' if speed == 1 else pace}"
        "\nInterrupt (Ctrl-C) to stop; its jobs and files are gone then."
    )
