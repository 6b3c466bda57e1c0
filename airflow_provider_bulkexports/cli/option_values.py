"""Values of options, as they were typed."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import date

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model import parsing

__all__ = ["refuse_both", "shown", "whole_number"]

_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,20}", re.ASCII)


def whole_number(option: str, text: str, least: int, greatest: int) -> int:
    """
    Read a whole number.

    :raises BulkExportsInputError: for any other text, and for a number outside the range.
    """
    number = int(text) if _WHOLE_NUMBER.fullmatch(text.strip()) else None
    if number is None or not least <= number <= greatest:
        raise BulkExportsInputError(f"{option} {shown(text)}: write a whole number from {least} to {greatest}")
    return number


def shown(text: str) -> str:
    """Show a value on one short line."""
    return text if text.isprintable() and 0 < len(text) <= 40 else parsing.shown(text, 40)


def refuse_both(option: str, days: Iterable[date], failing: Collection[date]) -> None:
    """
    Refuse a day that ``--fail-day`` names as well.

    :param option: The option that names ``days``.
    :param failing: Days of ``--fail-day``.
    :raises BulkExportsInputError: for the first such day.
    """
    for day in sorted(days):
        if day in failing:
            raise BulkExportsInputError(f"{option} {day}: --fail-day has this day already; remove one of them")
