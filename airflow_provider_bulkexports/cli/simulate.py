"""``bulkexports simulate``: serve a simulated Twilio on this machine until interrupted."""

from __future__ import annotations

import argparse
import threading

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.days import parse_day
from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.provider_info import DEFAULT_CONN_ID
from airflow_provider_bulkexports.simulator import SimulatedClock, Simulator

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """
    Serve until interrupted, after printing the connection.

    :param options: The command's ``resource_type``, ``fail_day``, ``empty_day``, ``port``, ``speed`` and ``seed``.
    :raises BulkExportsInputError: for an unknown resource type, a day that is not one, or a port in use.
    :raises KeyboardInterrupt: when interrupted; the server has stopped then.
    """
    resource_type = ResourceType.parse(options.resource_type)
    simulator = Simulator(clock=SimulatedClock(speed=options.speed), seed=options.seed, api_port=options.port)
    for word in options.fail_day:
        simulator.state.fail_day(resource_type, parse_day(word, name="--fail-day"))
    for word in options.empty_day:
        simulator.state.empty_day(resource_type, parse_day(word, name="--empty-day"))
    try:
        simulator.start()
    except OSError as error:
        raise BulkExportsInputError(f"--port {options.port}: {error.strerror}; use another, or 0") from error
    print(_instructions(simulator, speed=options.speed), flush=True)
    try:
        threading.Event().wait()
    finally:
        simulator.stop()
    return 0


def _instructions(simulator: Simulator, *, speed: float) -> str:
    connection = simulator.connection_json()
    estimates = (
        "\nAt this speed, completion estimates are in simulated time. "
        "Turn off estimate-based polling in your Airflow:\n"
        "\n    export AIRFLOW__BULKEXPORTS__MAX_POLL_INTERVAL=0\n"
    )
    return (
        f"Twilio BulkExports, simulated on {simulator.base_url} (files on {simulator.storage_url}).\n"
        "\nThe connection for Airflow, as an environment variable:\n\n"
        f"    export AIRFLOW_CONN_{DEFAULT_CONN_ID.upper()}='{connection}'\n"
        "\nor stored:\n\n"
        f"    airflow connections add {DEFAULT_CONN_ID} --conn-json '{connection}'\n"
        f"{'' if speed == 1 else estimates}"
        "\nPress Ctrl-C to stop. Jobs and files are not kept."
    )
