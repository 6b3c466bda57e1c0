"""The options of ``bulkexports simulate``, read and checked before anything starts."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from airflow_provider_bulkexports.cli.option_values import refuse_both, shown, whole_number
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.days import parse_day
from airflow_provider_bulkexports.model.resources import ResourceType

__all__ = ["SimulateOptions", "read_options"]

#: Slower than a hundredth, a job takes days; faster than the greatest, it takes no time at all.
_SLOWEST, _FASTEST = 0.01, 1_000_000.0


@dataclass(frozen=True)
class SimulateOptions:
    """
    What to simulate.

    :param speed: How many times as fast jobs run.
    :param resource_type: Type of the days below.
    :param fail_days: Days that always fail.
    :param fail_once_days: Days of which the first export fails.
    :param empty_days: Days without records.
    :param quota: Days per UTC day.
    :param records: Records of a day.
    :param accounts: Number of accounts: one, and its subaccounts.
    :param verbose: Whether to log each request.
    """

    port: int
    speed: float
    seed: int
    resource_type: ResourceType
    fail_days: Sequence[date]
    fail_once_days: Sequence[date]
    empty_days: Sequence[date]
    quota: int
    records: int
    accounts: int
    verbose: bool


def read_options(arguments: argparse.Namespace) -> SimulateOptions:
    """
    Read the options as they were typed.

    :param arguments: Texts, and lists of texts for the days.
    :raises BulkExportsInputError: for the first value that cannot be right; it names the option.
    """
    options = SimulateOptions(
        port=whole_number("--port", arguments.port, 0, 65535),
        speed=_speed(arguments.speed),
        seed=whole_number("--seed", arguments.seed, -(10**18), 10**18),
        resource_type=ResourceType.parse(arguments.resource_type, name="--resource-type"),
        fail_days=_days("--fail-day", arguments.fail_day),
        fail_once_days=_days("--fail-once", arguments.fail_once),
        empty_days=_days("--empty-day", arguments.empty_day),
        quota=whole_number("--quota", arguments.quota, 0, 1_000_000),
        records=whole_number("--records", arguments.records, 0, 100_000_000),
        accounts=whole_number("--accounts", arguments.accounts, 1, 100),
        verbose=arguments.verbose,
    )
    refuse_both("--empty-day", options.empty_days, options.fail_days)
    refuse_both("--fail-once", options.fail_once_days, options.fail_days)
    return options


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not _SLOWEST <= speed <= _FASTEST:  # neither holds for nan
        raise BulkExportsInputError(
            f"--speed {shown(text)}: write a number from {_SLOWEST} to {_FASTEST:.0f}; 60 makes an hour of Twilio's "
            "work take a minute"
        )
    return speed


def _days(option: str, texts: Sequence[str]) -> list[date]:
    return list(dict.fromkeys(parse_day(text, name=option) for text in texts))
