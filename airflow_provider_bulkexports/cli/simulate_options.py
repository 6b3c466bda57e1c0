"""The options of ``bulkexports simulate``, read and checked before anything starts."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model import parsing
from airflow_provider_bulkexports.model.days import parse_day
from airflow_provider_bulkexports.model.resources import ResourceType

__all__ = ["SimulateOptions", "read_options"]

_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,20}", re.ASCII)

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
        port=_whole_number("--port", arguments.port, 0, 65535),
        speed=_speed(arguments.speed),
        seed=_whole_number("--seed", arguments.seed, -(10**18), 10**18),
        resource_type=ResourceType.parse(arguments.resource_type),
        fail_days=_days("--fail-day", arguments.fail_day),
        fail_once_days=_days("--fail-once", arguments.fail_once),
        empty_days=_days("--empty-day", arguments.empty_day),
        quota=_whole_number("--quota", arguments.quota, 0, 1_000_000),
        records=_whole_number("--records", arguments.records, 0, 100_000_000),
        accounts=_whole_number("--accounts", arguments.accounts, 1, 100),
        verbose=arguments.verbose,
    )
    _refuse_both("--empty-day", options.empty_days, options.fail_days)
    _refuse_both("--fail-once", options.fail_once_days, options.fail_days)
    return options


def _whole_number(option: str, text: str, least: int, greatest: int) -> int:
    number = int(text) if _WHOLE_NUMBER.fullmatch(text.strip()) else None
    if number is None or not least <= number <= greatest:
        raise BulkExportsInputError(f"{option} {_shown(text)}: write a whole number from {least} to {greatest}")
    return number


def _shown(text: str) -> str:
    """The value in one short line."""
    return text if text.isprintable() and 0 < len(text) <= 40 else parsing.shown(text, 40)


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not _SLOWEST <= speed <= _FASTEST:  # neither holds for nan
        raise BulkExportsInputError(
            f"--speed {_shown(text)}: write a number from {_SLOWEST} to {_FASTEST:.0f}; 60 makes an hour of Twilio's "
            "work take a minute"
        )
    return speed


def _days(option: str, texts: Sequence[str]) -> list[date]:
    return list(dict.fromkeys(parse_day(text, name=option) for text in texts))


def _refuse_both(option: str, days: Sequence[date], failing: Sequence[date]) -> None:
    for day in days:
        if day in failing:
            raise BulkExportsInputError(f"{option} {day}: --fail-day has this day already; remove one of them")
