"""Arguments that were given, and came out as nothing when the task ran."""

from __future__ import annotations

from typing import Any

from airflow_provider_bulkexports.compat import BaseOperator
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.days import explicit_days, parse_day
from airflow_provider_bulkexports.model.resources import ResourceType, parse_job_sids
from airflow_provider_bulkexports.tasks.arguments import is_literal

__all__ = ["remember_given", "require_given"]

#: Arguments of other names than the attributes that hold them.
_ARGUMENTS = {"completion_email": "email"}

#: What a template makes of nothing.
_NOTHING = frozenset({"", "none", "null", "undefined", "nan", "[]", "{}", "()"})


def remember_given(task: BaseOperator) -> None:
    """
    Remember, as the last thing that an operator's constructor does, which templated arguments were given.

    ``None`` in a DAG file means "not given", and the run's own days for instance. ``None`` that a template, another
    task's output or a mapped value comes to means that something is missing.
    """
    values = {name: getattr(task, name, None) for name in task.template_fields}
    task._given = {name: is_literal(value) for name, value in values.items() if value is not None}  # noqa: SLF001


def require_given(task: BaseOperator) -> None:
    """
    Refuse arguments that were given and came out as nothing; call it before anything is sent.

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
    Names of the arguments that a mapped task was made with; empty for any other task.

    The constructor of a mapped task gets values instead of templates and other tasks' outputs.
    """
    if not getattr(task, "_BaseOperator__from_mapped", False):
        return frozenset()
    return frozenset(getattr(task, "_BaseOperator__init_kwargs", ()))


def _refuse(task: BaseOperator, name: str) -> None:
    value, argument = getattr(task, name, None), _ARGUMENTS.get(name, name)
    raise BulkExportsInputError(
        f"{argument} was given and came out as {value!r}, so nothing was sent: the task or configuration that "
        f"it comes from gave nothing, as a skipped task does. Give it a value, or leave {argument} out. "
        f"{_what_it_takes(task, name, value)}".strip()
    )


def _what_it_takes(task: BaseOperator, name: str, value: Any) -> str:
    """The words by which such a value is refused otherwise, if it is."""
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
