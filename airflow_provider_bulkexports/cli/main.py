"""
The command ``bulkexports``: run the demo, or a local simulator, without a Twilio account.

``--version`` and ``--help`` answer at once, so each command's own module is imported when the command runs.
"""

from __future__ import annotations

import argparse
import codecs
import sys
from typing import TYPE_CHECKING

from airflow_provider_bulkexports import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import TypeAlias

    _Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001  # it has no other name

__all__ = ["main"]

#: The resource types, as ``--help`` lists them; importing :class:`ResourceType` would take longer than the rest.
RESOURCE_TYPES = ("Messages", "Calls", "Conferences", "Participants")


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the command.

    :param arguments: Words after ``bulkexports``; those of the process by default.
    :return: Exit status: 0 for success, 1 if a day failed, 2 for bad input or a missing extra, 130 if interrupted.
    """
    _print_in_any_encoding()
    options = _parser().parse_args(arguments)
    return _run(options)


def _run(options: argparse.Namespace) -> int:
    import signal

    from airflow_provider_bulkexports.exceptions import BulkExportsInputError

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


#: Replacements for characters that the terminal's encoding lacks; any other becomes a question mark.
_REPLACEMENTS = {"→": "->", "…": "...", "\u2013": "-", "\u2014": "-", "\u2018": "'", "\u2019": "'", "“": '"', "”": '"'}


def _print_in_any_encoding() -> None:
    """Replace what the terminal cannot show, so that printing never fails a command that has done its work."""
    codecs.register_error("bulkexports.legible", _legible)
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):  # absent if the stream was replaced
            reconfigure(errors="bulkexports.legible")


def _legible(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_REPLACEMENTS.get(letter, "?") for letter in error.object[error.start : error.end]), error.end


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bulkexports",
        description="Try Twilio BulkExports for Apache Airflow without a Twilio account.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    _add_demo(commands)
    _add_simulate(commands)
    return parser


def _add_demo(commands: _Commands) -> None:
    demo = commands.add_parser(
        "demo",
        help="run the example DAG against the simulator and show each day's final status",
        description="Runs the example DAG in a temporary Airflow home, against a simulated Twilio on this "
        "machine. Uses no network and keeps only the files that --output asks for.",
    )
    _add_resource_type(demo)
    demo.add_argument("--days", type=int, default=7, metavar="N", help="number of days to export (default: 7)")
    demo.add_argument(
        "--fail-day",
        action="append",
        default=[],
        metavar="DAY",
        help="a day that fails: YYYY-MM-DD, or 1 for the first; may be repeated",
    )
    demo.add_argument(
        "--empty-day", action="append", default=[], metavar="DAY", help="a day without records; may be repeated"
    )
    demo.add_argument("--output", type=_folder, metavar="DIR", help="keep the days' files in this folder")
    demo.add_argument("--log", action="store_true", help="show Airflow's own log at the end")
    demo.set_defaults(run=_demo)


def _add_simulate(commands: _Commands) -> None:
    simulate = commands.add_parser(
        "simulate",
        help="serve a simulated Twilio on this machine and print the connection to it",
        description="Serves a simulated Twilio BulkExports on this machine until interrupted, and prints the Airflow "
        "connection to it.",
    )
    # Texts: their own module checks them, and says in one line what to write.
    simulate.add_argument(
        "--port", default="8765", metavar="N", help="port of the API; 0 picks a free one (default: %(default)s)"
    )
    simulate.add_argument(
        "--speed",
        default="1",
        metavar="X",
        help="how many times as fast jobs run, such as 60; days and quota follow the real clock (default: %(default)s)",
    )
    simulate.add_argument(
        "--quota", default="366", metavar="N", help="days that may be submitted per UTC day (default: %(default)s)"
    )
    simulate.add_argument("--records", default="50", metavar="N", help="records of a day (default: %(default)s)")
    simulate.add_argument(
        "--accounts",
        default="1",
        metavar="N",
        help="number of accounts: the first, and its subaccounts, which share its quota (default: %(default)s)",
    )
    _add_simulated_days(simulate)
    simulate.add_argument(
        "--seed", default="7", metavar="N", help="seed of credentials and records (default: %(default)s)"
    )
    simulate.add_argument("--verbose", action="store_true", help="log each request to standard error")
    simulate.set_defaults(run=_simulate)


def _add_simulated_days(simulate: argparse.ArgumentParser) -> None:
    _add_resource_type(simulate, meaning="resource type of --fail-day, --fail-once and --empty-day")
    simulate.add_argument(
        "--fail-day", action="append", default=[], metavar="DAY", help="a day that fails, YYYY-MM-DD; may be repeated"
    )
    simulate.add_argument(
        "--fail-once",
        action="append",
        default=[],
        metavar="DAY",
        help="a day that fails the first time, and succeeds when it is submitted again; may be repeated",
    )
    simulate.add_argument(
        "--empty-day", action="append", default=[], metavar="DAY", help="a day without records; may be repeated"
    )


def _add_resource_type(parser: argparse.ArgumentParser, meaning: str = "what to export") -> None:
    parser.add_argument(
        "--resource-type",
        default=RESOURCE_TYPES[0],
        metavar="TYPE",
        help=f"{meaning}: {', '.join(RESOURCE_TYPES)} (default: {RESOURCE_TYPES[0]})",
    )


def _folder(path: str) -> Path:
    from pathlib import Path

    return Path(path)


def _demo(options: argparse.Namespace) -> int:
    from airflow_provider_bulkexports.cli.demo import run

    return run(options)


def _simulate(options: argparse.Namespace) -> int:
    from airflow_provider_bulkexports.cli.simulate import run

    return run(options)
