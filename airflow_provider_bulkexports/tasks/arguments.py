"""Tell values that are known when a DAG file is parsed from those that a run fills in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.days import DayRange, explicit_days, parse_day

__all__ = ["is_literal", "known", "known_days", "require_choice"]


def is_literal(value: Any) -> bool:
    """Whether a value is final: not a template, and not another task's output."""
    if isinstance(value, str):
        return "{{" not in value and "{%" not in value
    if isinstance(value, (list, tuple)):
        return all(map(is_literal, value))
    return value is None or isinstance(value, (bool, int, float, date))


def known(value: Any, *, default: Any = None) -> Any:
    """The value if it is final, else a stand-in, so that what is known already can be checked already."""
    return value if is_literal(value) else default


def known_days(start_day: Any, end_day: Any) -> DayRange | None:
    """
    The days, if both are final; if one is, that one is checked.

    :raises BulkExportsInputError: for what can be seen to be wrong.
    """
    if is_literal(start_day) and is_literal(end_day):
        return explicit_days(start_day, end_day)
    for name, day in (("start_day", known(start_day)), ("end_day", known(end_day))):
        if day is not None:
            parse_day(day, name=name)
    return None


def require_choice(name: str, value: Any, choices: Sequence[str]) -> None:
    """
    Refuse a word that is not one of the choices.

    :raises BulkExportsInputError: naming the choices.
    """
    if value not in choices:
        raise BulkExportsInputError(f"{name} {value!r}: write {' or '.join(map(repr, choices))}")
