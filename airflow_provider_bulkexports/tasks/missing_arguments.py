"""Reject arguments that the DAG sets and that have no value when the task runs."""

from __future__ import annotations

from typing import Any

from airflow_provider_bulkexports.compat import BaseOperator
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.days import explicit_days, parse_day
from airflow_provider_bulkexports.model.resources import ResourceType, parse_job_sids
from airflow_provider_bulkexports.tasks.arguments import is_literal

__all__ = ["remember_given", "require_given"]

#: Arguments whose attributes have other names.
_ARGUMENTS = {"completion_email": "email"}

#: What a template renders to when it has no value.
_NOTHING = frozenset({"", "none", "null", "undefined", "nan", "[]", "{}", "()"})


def remember_given(task: BaseOperator) -> None:
    """
    Remember which templated arguments the DAG sets; an operator's constructor calls this last.

    ``None`` in a DAG file means "not set", and then for example the days of the run. ``None`` from a template, another
    task's output or a mapped value means that something is missing.
    """
    values = {name: getattr(task, name, None) for name in task.template_fields}
    task._given = {name: is_literal(value) for name, value in values.items() if value is not None}  # noqa: SLF001


def require_given(task: BaseOperator) -> None:
    """
    Reject arguments that the DAG sets and that have no value now; call it before anything is sent.

    :raises BulkExportsInputError: naming them.
    """
    given: dict[str, bool] = getattr(task, "_given", {})
    mapped = _mapped_arguments(task)
    for name in task.template_fields:
        value = getattr(task, name, None)
        if name in mapped or given.get(name) is False:
            is_missing = _is_nothing(value)
        else:
            is_missing = name in given and value is None
        if is_missing:
            _refuse(task, name)


def _mapped_arguments(task: BaseOperator) -> frozenset[str]:
    """
    Names of the arguments of a mapped task; empty for any other task.

    The constructor of a mapped task gets values instead of templates and other tasks' outputs.
    """
    if not getattr(task, "_BaseOperator__from_mapped", False):
        return frozenset()
    return frozenset(getattr(task, "_BaseOperator__init_kwargs", ()))


def _refuse(task: BaseOperator, name: str) -> None:
    value, argument = getattr(task, name, None), _ARGUMENTS.get(name, name)
    raise BulkExportsInputError(
        f"{argument} is set in the DAG, but its value in this run is {value!r}; nothing was sent. Its source, such as "
        f"another task or the run's configuration, returned nothing. Give it one, or leave {argument} out. "
        f"{_what_it_takes(task, name, value)}".strip()
    )


def _what_it_takes(task: BaseOperator, name: str, value: Any) -> str:
    """The usual error for such a value; empty if there is none."""
    try:
        if name == "resource_type":
            ResourceType.parse(value)
        elif name == "job_sid":
            parse_job_sids(value)
        elif name == "days":
            from airflow_provider_bulkexports.planning.requested_days import RequestedDays

            RequestedDays.parse(value)
        elif name in ("start_day", "end_day"):
            if value is None and not hasattr(task, "job_sid"):
                explicit_days(getattr(task, "start_day", None), getattr(task, "end_day", None))
            else:
                parse_day(value, name=name)
    except BulkExportsInputError as refusal:
        return str(refusal)
    return ""


def _is_nothing(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in _NOTHING
    return value is None or (isinstance(value, (list, tuple, dict, set, frozenset)) and not value)
