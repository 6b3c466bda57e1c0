"""``bulkexports simulate``: serve a simulated Twilio on this machine until interrupted."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import quote

from airflow_provider_bulkexports.cli.simulate_options import SimulateOptions, read_options
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.plain import counted
from airflow_provider_bulkexports.provider_info import DEFAULT_CONN_ID
from airflow_provider_bulkexports.simulator import Knobs, Simulator
from airflow_provider_bulkexports.simulator.request_log import LoggedRequest

__all__ = ["run"]

#: Longest path in a line of the request log.
_LONGEST_PATH = 200

#: Widest paragraph, however wide the terminal is.
_WIDEST = 100


def run(arguments: argparse.Namespace) -> int:
    """
    Serve until interrupted, after printing the connections.

    :param arguments: The command's, as typed; see :func:`read_options`.
    :raises BulkExportsInputError: for a value that cannot be right, a port in use, or closed standard output.
    :raises KeyboardInterrupt: when interrupted; the server has stopped then.
    """
    options = read_options(arguments)
    simulator = _simulator(options)
    if options.verbose:
        simulator.requests.watch(_log)
    try:
        _start(simulator, options.port)
        _print(_instructions(simulator, options))
        threading.Event().wait()
    finally:
        simulator.stop()
    return 0


def _simulator(options: SimulateOptions) -> Simulator:
    """
    Make the simulator; its clock is the real one, so that it agrees with Airflow on days, quota and estimates.

    Only jobs follow ``--speed``.
    """
    knobs = Knobs(
        job_speed=options.speed,
        quota_days=options.quota,
        records_per_day=options.records,
    )
    simulator = Simulator(seed=options.seed, knobs=knobs, api_port=options.port, subaccounts=options.accounts - 1)
    for day in options.fail_days:
        simulator.state.fail_day(options.resource_type, day)
    for day in options.fail_once_days:
        simulator.state.fail_day(options.resource_type, day, times=1)
    for day in options.empty_days:
        simulator.state.empty_day(options.resource_type, day)
    return simulator


def _start(simulator: Simulator, port: int) -> None:
    try:
        simulator.start()
    except OSError as error:
        why = os.strerror(error.errno or 0)  # the error's own text adds the address
        raise BulkExportsInputError(f"--port {port}: {why}; choose another port, or 0 for a free one") from error


def _print(text: str) -> None:
    try:
        print(text, flush=True)
    except OSError as error:
        # What is left in the buffer must not fail again when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        reason = error.strerror or "standard output is closed"
        raise BulkExportsInputError(f"cannot print the connection: {reason}") from error


def _log(request: LoggedRequest) -> None:
    """Print a request; its path only, because the query of a download link is a secret."""
    path = quote(request.path, safe="/=-_.~:")
    shown = path if len(path) <= _LONGEST_PATH else f"{path[:_LONGEST_PATH]}..."
    status = "closed without a response" if request.status is None else str(request.status)
    with suppress(OSError):  # nobody reads the log any more; keep serving
        print(f"{request.at:%H:%M:%S}Z {request.method} {shown} {status}", file=sys.stderr, flush=True)


def _instructions(simulator: Simulator, options: SimulateOptions) -> str:
    width = max(20, min(shutil.get_terminal_size().columns, _WIDEST))
    return "\n\n".join(
        part if part.startswith("    ") else textwrap.fill(part, width, break_long_words=False, break_on_hyphens=False)
        for part in _parts(simulator, options)
    )


def _parts(simulator: Simulator, options: SimulateOptions) -> Iterator[str]:
    """The paragraphs; commands are indented and stay on one line, to be copied."""
    yield f"Twilio BulkExports, simulated on {simulator.base_url}"
    yield f"Open {simulator.base_url}/ in a browser to see its jobs, files and quota."
    yield "The connection for Airflow, as an environment variable or stored:"
    yield _commands(DEFAULT_CONN_ID, simulator.connection_json())
    for number, account in enumerate(simulator.subaccounts, start=2):
        yield f"Account {number}, a subaccount of the first:"
        yield _commands(f"twilio_bulkexports_{number}", simulator.connection_json(account=account))
    if options.speed != 1:
        yield f"Jobs run at {options.speed:g} times their usual speed. Days and quota follow this machine's clock."
    shared = ", shared by all accounts" if simulator.subaccounts else ""
    yield (
        f"Quota: {counted(options.quota, 'day')} per UTC day{shared}. It renews at 00:00 UTC, and tasks wait until "
        "then. To renew it now, press the button on the page above, or run this. Then clear the waiting task."
    )
    yield f"    curl -X POST {simulator.base_url}/renew-quota"
    yield "Press Ctrl-C to stop. Jobs and files are not kept."


def _commands(conn_id: str, connection: str) -> str:
    return (
        f"    export AIRFLOW_CONN_{conn_id.upper()}='{connection}'\n\n"
        f"    airflow connections add {conn_id} --conn-json '{connection}'"
    )
