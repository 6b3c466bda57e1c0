"""
The command ``bulkexports``: run the demo, or a local simulator, without a Twilio account.

``--version`` and ``--help`` answer at once, so each command's own module is imported when the command runs. Ctrl-C is
handled from the first line of :func:`main`, and until then it is a traceback: so ``argparse`` is imported later, too.
"""

from __future__ import annotations

import sys

from airflow_provider_bulkexports import TYPE_CHECKING, __version__
from airflow_provider_bulkexports.cli.interrupts import INTERRUPTED, Interrupts

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from typing import TypeAlias

    _Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001  # it has no other name

__all__ = ["main"]

#: The resource types, as ``--help`` lists them; importing :class:`ResourceType` would take longer than the rest.
RESOURCE_TYPES = ("Messages", "Calls", "Conferences", "Participants")


#: Exit status of a command that nobody reads, as of one that SIGPIPE ended.
_NOT_READ = 141

_EXIT_STATUSES = (
    "exit status: 0 success, 1 a day failed, or Airflow could not run the DAG, 2 bad input or a missing extra, "
    "130 interrupted by Ctrl-C or a signal, 141 nobody reads the output"
)

_EXIT_STATUSES_OF_SIMULATE = (
    "exit status: 2 bad input, a port that is in use, or a missing extra, 130 stopped by Ctrl-C or a signal"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the command.

    :param arguments: Words after ``bulkexports``; those of the process by default.
    :return: Exit status: 0 for success, 1 if the DAG run failed, 2 for bad input or a missing extra, 130 if
        interrupted, 141 if nobody reads the output.
    """
    interrupts = Interrupts()
    interrupts.install()
    try:
        return _run(arguments, interrupts)
    except BrokenPipeError:
        _discard_output()
        return _NOT_READ
    except OSError as error:
        if (reason := _why_not_written(error)) is None:
            raise
        _discard_output()
        print(f"bulkexports: cannot write the output: {reason}", file=sys.stderr)
        return 2
    finally:
        if arguments is not None:  # the process's own command ends with it, and Python takes a while to do so
            interrupts.restore()


def _run(arguments: Sequence[str] | None, interrupts: Interrupts) -> int:
    if sys.stdout is None:  # closed; a file that refuses to be written to says so where something is printed
        sys.stdout = open("/dev/null")  # noqa: PTH123, SIM115
    _print_in_any_encoding()
    try:
        return _status_of(_parser().parse_args(arguments), interrupts)
    finally:
        sys.stdout.flush()  # here, where an error is handled


def _status_of(options: argparse.Namespace, interrupts: Interrupts) -> int:
    from airflow_provider_bulkexports.exceptions import BulkExportsInputError

    try:
        return int(options.run(options, interrupts))
    except (BulkExportsInputError, ModuleNotFoundError) as error:
        print(f"bulkexports: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return INTERRUPTED


def _why_not_written(error: OSError) -> str | None:
    """Why the standard output cannot be written to; ``None`` if the error is another one."""
    import errno
    import io

    if isinstance(error, io.UnsupportedOperation):
        return "it is closed"
    return error.strerror if error.errno in (errno.ENOSPC, errno.EIO, errno.EBADF) else None


def _discard_output() -> None:
    """Let Python flush what is left to write at its end, where an error would be a traceback."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


#: Replacements for characters that the terminal's encoding lacks; any other becomes a question mark.
_REPLACEMENTS = {"→": "->", "…": "...", "\u2013": "-", "\u2014": "-", "\u2018": "'", "\u2019": "'", "“": '"', "”": '"'}


def _print_in_any_encoding() -> None:
    """Replace what the terminal cannot show, so that printing never fails a command that has done its work."""
    import codecs

    codecs.register_error("bulkexports.legible", _legible)
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):  # absent if the stream was replaced
            reconfigure(errors="bulkexports.legible")


def _legible(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_REPLACEMENTS.get(letter, "?") for letter in error.object[error.start : error.end]), error.end


def _parser() -> argparse.ArgumentParser:
    import argparse

    parser = argparse.ArgumentParser(
        prog="bulkexports",
        description="Try Twilio BulkExports for Apache Airflow without a Twilio account.",
        epilog=_EXIT_STATUSES,
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
        epilog=_EXIT_STATUSES,
    )
    _add_resource_type(demo)
    demo.add_argument("--days", default="7", metavar="N", help="number of days to export, 1 to 366 (default: 7)")
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
    demo.add_argument("--output", metavar="DIR", help="keep the days' files in this folder, created if needed")
    demo.add_argument("--log", action="store_true", help="show Airflow's own log at the end")
    demo.set_defaults(run=_demo)


def _add_simulate(commands: _Commands) -> None:
    simulate = commands.add_parser(
        "simulate",
        help="serve a simulated Twilio on this machine and print the connection to it",
        description="Serves a simulated Twilio BulkExports on this machine until interrupted, and prints the Airflow "
        "connection to it.",
        epilog=_EXIT_STATUSES_OF_SIMULATE,
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
    simulate.add_argument("--records", default="50", metavar="N", help="records per day (default: %(default)s)")
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


def _demo(options: argparse.Namespace, interrupts: Interrupts) -> int:
    from airflow_provider_bulkexports.cli.demo_options import DemoOptions

    with interrupts.noted():
        checked = DemoOptions.parse(options)  # before the imports of the demo, which take longer

    from airflow_provider_bulkexports.cli.demo import Demo

    with interrupts.noted():
        return Demo(checked, is_interrupted=lambda: interrupts.is_interrupted).run()


def _simulate(options: argparse.Namespace, interrupts: Interrupts) -> int:
    from airflow_provider_bulkexports.cli.simulate import run

    with interrupts.raised():
        return run(options)
