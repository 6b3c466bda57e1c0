"""Check arguments while a DAG file is parsed, as far as they are literals and not filled in by a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from airflow_provider_bulkexports.compat import XComArg
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.days import DayRange, check_job_length, explicit_days, parse_day
from airflow_provider_bulkexports.tasks.task_outputs import refuse_task

__all__ = [
    "is_filled_in_later",
    "is_literal",
    "literal_days",
    "literal_or",
    "literal_ranges",
    "require_choice",
    "require_seconds",
    "require_text",
]

_RANGES = (
    "write ranges=[{'start_day': '2026-01-01', 'end_day': '2026-01-31'}, …], as split_months and split_days return it, "
    "or another task's output"
)


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


def require_text(name: str, value: Any, *, example: str) -> None:
    """
    Reject a value that is not a string; ``None``, and what a run fills in later, pass.

    :raises BulkExportsInputError: with an example.
    """
    if value is not None and not isinstance(value, str) and not is_filled_in_later(value):
        raise BulkExportsInputError(f"{name} must be a string, such as {example!r}; got {value!r}")


def require_seconds(name: str, value: Any, *, example: float) -> None:
    """
    Reject a value that is not a number of seconds above 0.

    :raises BulkExportsInputError: with an example.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        raise BulkExportsInputError(f"{name} must be a number of seconds above 0, such as {example}; got {value!r}")


def is_filled_in_later(value: Any) -> bool:
    """Whether Airflow puts another value in its place when the task runs: a task's output, or a mapped argument."""
    return hasattr(value, "iter_references")


def literal_ranges(ranges: Any, *, start_day: Any, end_day: Any) -> Any:
    """
    Check the argument ``ranges`` as far as it is a literal, and return it with its days as text.

    :param start_day: The argument that excludes it, as is ``end_day``.
    :return: A list of ``{"start_day": …, "end_day": …}``, a task's output as it is, or ``None``.
    :raises BulkExportsInputError: saying what to write.
    """
    if ranges is None:
        return None
    if start_day is not None or end_day is not None:
        raise BulkExportsInputError("ranges as well as start_day or end_day: pass one or the other")
    refuse_task("ranges", ranges)
    if isinstance(ranges, XComArg):
        return ranges
    if isinstance(ranges, (str, Mapping)) or not isinstance(ranges, Sequence):
        raise BulkExportsInputError(f"ranges {ranges!r} is not a list: {_RANGES}")
    return [_literal_range(element) for element in ranges]


def _literal_range(element: Any) -> Any:
    refuse_task("ranges", element)
    if isinstance(element, XComArg):
        return element
    if not isinstance(element, Mapping) or element.keys() != {"start_day", "end_day"}:
        raise BulkExportsInputError(f"ranges has {element!r}: {_RANGES}")
    if days := literal_days(element["start_day"], element["end_day"]):
        check_job_length(days)
    return {name: str(parse_day(day)) if isinstance(day, date) else day for name, day in element.items()}
