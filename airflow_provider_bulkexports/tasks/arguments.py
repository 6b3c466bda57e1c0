"""Check arguments while a DAG file is parsed, as far as they are literals and not filled in by a run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.days import DayRange, explicit_days, parse_day

__all__ = ["is_literal", "literal_days", "literal_or", "require_choice"]


def is_literal(value: Any) -> bool:
    """Whether a value is neither a template nor another task's output."""
    if isinstance(value, str):
        return "{{" not in value and "{%" not in value
    if isinstance(value, (list, tuple)):
        return all(map(is_literal, value))
    return value is None or isinstance(value, (bool, int, float, date))


def literal_or(value: Any, default: Any = None) -> Any:
    """The value if it is a literal, otherwise ``default``; lets the constructor validate what it can."""
    return value if is_literal(value) else default


def literal_days(start_day: Any, end_day: Any) -> DayRange | None:
    """
    Return the days if both are literals; check the one that is, otherwise.

    :raises BulkExportsInputError: if one is not a day, only one is given, or their order is reversed.
    """
    if is_literal(start_day) and is_literal(end_day):
        return explicit_days(start_day, end_day)
    for name, day in (("start_day", literal_or(start_day)), ("end_day", literal_or(end_day))):
        if day is not None:
            parse_day(day, name=name)
    return None


def require_choice(name: str, value: Any, choices: Sequence[str]) -> None:
    """
    Reject a value that is not one of the choices.

    :raises BulkExportsInputError: naming the choices.
    """
    if value not in choices:
        raise BulkExportsInputError(f"{name} must be {' or '.join(map(repr, choices))}, got {value!r}")
