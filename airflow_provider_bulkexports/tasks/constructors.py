"""
Errors of constructors name their task, and an argument that does not exist names the one that was meant.

A DAG file that cannot be imported shows nothing but the error, so the error has to say where it comes from.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from difflib import get_close_matches
from functools import cache, wraps
from typing import Any, TypeVar

from airflow_provider_bulkexports.compat import AirflowException, BaseOperator
from airflow_provider_bulkexports.exceptions import BulkExportsError, BulkExportsInputError
from airflow_provider_bulkexports.tasks.arguments import require_text
from airflow_provider_bulkexports.tasks.defaults import DEFAULT_CONN_ID
from airflow_provider_bulkexports.tasks.schedules import BulkExportsScheduleWarning
from airflow_provider_bulkexports.tasks.task_outputs import check_task_outputs

__all__ = ["argument_names", "checks_arguments", "refuse_airflow_dates", "unknown_argument"]

T = TypeVar("T", bound=BaseOperator)

#: Airflow's arguments that are easily taken for ours.
_AIRFLOW_DATES = {"start_date": ("start_day", "first"), "end_date": ("end_day", "last")}

#: What other packages, or other tasks of this one, call the same thing; the first that a task has is suggested.
_OTHER_NAMES = {
    "bucket": ("destination",),
    "conn_id": ("twilio_conn_id",),
    "date": ("start_day",),
    "day": ("start_day",),
    "days": ("start_day",),
    "folder": ("destination",),
    "format": ("file_format",),
    "http_conn_id": ("twilio_conn_id",),
    "job": ("job_sid",),
    "job_id": ("job_sid",),
    "job_sids": ("job_sid",),
    "output": ("destination",),
    "path": ("destination",),
    "poke_interval": ("poll_interval",),
    "poll_interval": ("poke_interval",),
    "prefix": ("layout",),
    "resource": ("resource_type",),
    "type": ("resource_type",),
    "url": ("destination", "webhook_url"),
    **dict.fromkeys(
        ("aws_conn_id", "gcp_conn_id", "wasb_conn_id", "azure_conn_id", "s3_conn_id", "storage_conn_id"),
        ("object_storage_conn_id",),
    ),
}


def checks_arguments(task_class: type[T]) -> type[T]:
    """
    Class decorator of operators and sensors: their constructor's errors name the task.

    It also refuses Airflow's ``start_date`` and ``end_date`` in the place of days, and tasks or outputs of the wrong
    kind; see :func:`check_task_outputs`.
    """
    construct = task_class.__init__

    @wraps(construct)
    def check_and_construct(self: T, *args: Any, **kwargs: Any) -> None:
        with _naming_the_task(self, task_class, kwargs):
            if "start_day" in argument_names(task_class):
                refuse_airflow_dates(kwargs)
            check_task_outputs({name: kwargs[name] for name in task_class.template_fields if name in kwargs})
            construct(self, *args, **kwargs)
            _check_conn_ids(self)
            if not kwargs.get("_airflow_from_mapped"):
                _warn_of_airflow_dates(self, kwargs)

    # Airflow recognises the constructor of a task's own class, which adds its dependencies, by what it wraps.
    check_and_construct.__wrapped__ = construct.__wrapped__  # type: ignore[attr-defined]
    task_class.__init__ = check_and_construct  # type: ignore[method-assign,assignment]
    return task_class


def refuse_airflow_dates(arguments: Mapping[str, Any]) -> None:
    """
    Refuse ``start_date`` and ``end_date`` that are meant as days.

    Airflow takes only moments for them, so nothing else can be meant as Airflow's.

    :param arguments: As written for this task, without those of ``default_args``.
    :raises BulkExportsInputError: saying what to write.
    """
    days = [day for day, _ in _AIRFLOW_DATES.values()]
    for name, (day, which) in _AIRFLOW_DATES.items():
        value = arguments.get(name)
        if value is None:
            continue
        is_meant_as_day = arguments.get(day) is None and any(arguments.get(other) is not None for other in days)
        if is_meant_as_day or not isinstance(value, datetime):
            written = str(value.date() if isinstance(value, datetime) else value)
            raise BulkExportsInputError(
                f"{name} {written!r}: to export days, write {day}={written!r}. {name} is Airflow's own, a datetime: "
                f"the {which} logical date for which the task runs"
            )


def unknown_argument(owner: str, name: str, known: Iterable[str]) -> str:
    """
    Say that an argument does not exist, and which one may be meant.

    :param owner: What does not take it: a class or a function.
    """
    known = sorted(known)
    meant = [other for other in _OTHER_NAMES.get(name, ()) if other in known] or get_close_matches(name, known, n=1)
    if not meant:
        return f"{owner} has no argument {name!r}"
    shown = "'start_day' and 'end_day'" if meant[0] == "start_day" else repr(meant[0])
    return f"{owner} has no argument {name!r}; did you mean {shown}?"


@cache
def argument_names(task_class: type) -> frozenset[str]:
    """Names of all arguments that a class of tasks takes, Airflow's included."""
    names: set[str] = set()
    for base in task_class.__mro__:
        if "__init__" in vars(base) and base is not object:
            parameters = inspect.signature(base.__init__).parameters.values()  # type: ignore[misc]
            names |= {parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY}
            names |= {parameter.name for parameter in parameters if parameter.kind is parameter.POSITIONAL_OR_KEYWORD}
    return frozenset(names - {"self"})


def _check_conn_ids(task: BaseOperator) -> None:
    for name, example in (("twilio_conn_id", DEFAULT_CONN_ID), ("object_storage_conn_id", "aws_default")):
        require_text(name, getattr(task, name, None), example=example)
    if getattr(task, "twilio_conn_id", DEFAULT_CONN_ID) is None:
        raise BulkExportsInputError(
            f"twilio_conn_id is None: write a connection's id, or leave it out for {DEFAULT_CONN_ID!r}"
        )


@contextmanager
def _naming_the_task(task: BaseOperator, task_class: type, arguments: Mapping[str, Any]) -> Iterator[None]:
    try:
        yield
    except BulkExportsError as error:
        error.name(_name(task, arguments))
        raise
    except (TypeError, AirflowException) as error:
        name = _name(task, arguments)
        known = argument_names(task_class)
        unknown = [argument for argument in arguments if argument not in known and not argument.startswith("_")]
        if unknown:
            raise TypeError(f"{name}: {unknown_argument(task_class.__name__, unknown[0], known)}") from None
        if str(error).startswith("missing keyword argument"):
            raise TypeError(f"{name}: {task_class.__name__}: {error}") from None
        raise


def _name(task: BaseOperator, arguments: Mapping[str, Any]) -> str:
    return f"Task {getattr(task, 'task_id', None) or arguments.get('task_id')}"


def _warn_of_airflow_dates(task: BaseOperator, arguments: Mapping[str, Any]) -> None:
    """Warn of moments that this one task is given, which are Airflow's, if nothing else says which days it exports."""
    days = [getattr(task, name, None) for name in ("start_day", "end_day", "days", "job_sid")]
    names = [name for name in _AIRFLOW_DATES if arguments.get(name) is not None]
    if names and hasattr(task, "start_day") and not any(days):
        warnings.warn(
            f"Task {task.task_id}: {' and '.join(names)} limit the logical dates for which Airflow runs the task. To "
            "choose the days that it exports, write start_day and end_day.",
            BulkExportsScheduleWarning,
            stacklevel=4,
        )
