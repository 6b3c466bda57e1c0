"""Tell values that are known when a DAG file is parsed from those that a run fills in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from airflow_provider_bulkexports.exceptions import BulkExportsInputError

__all__ = ["is_literal", "known", "require_choice"]


def is_literal(value: Any) -> bool:
    """Whether a value is final: not a template, and not another task's output."""
    if isinstance(value, str):
        return "{{" not in value and "{%" not in value
    if isinstance(value, (list, tuple)):
        return all(map(is_literal, value))
    return value is None or isinstance(value, (bool, int, float, date))


def known(value: Any, *, otherwise: Any = None) -> Any:
    """The value if it is final, else a stand-in, so that what is known already can be checked already."""
    return value if is_literal(value) else otherwise


def require_choice(name: str, value: Any, choices: Sequence[str]) -> None:
    """
    Refuse a word that is not one of the choices.

    :raises BulkExportsInputError: naming the choices.
    """
    if value not in choices:
        raise BulkExportsInputError(f"{name} {value!r}: write {' or '.join(map(repr, choices))}")
