"""Refuse, when a DAG file is parsed, another task or its output where something else is needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Literal

from airflow_provider_bulkexports.compat import XComArg
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.results import WaitResult

__all__ = ["Returns", "check_task_outputs", "refuse_task"]

#: What a task returns: the sid of a job or of several, the result of a wait, stored files, or nothing.
Returns = Literal["job", "result", "files", "nothing"]

#: Key of what a task returns, among its XComs.
_RETURN_VALUE = "return_value"

_KEYS_OF_RESULT = tuple(WaitResult.__annotations__)


def check_task_outputs(arguments: Mapping[str, Any]) -> None:
    """
    Check the tasks and outputs of tasks among the arguments of a task.

    :raises BulkExportsInputError: saying what to write.
    """
    for name, argument in arguments.items():
        for value in _elements(argument):
            refuse_task(name, value)
            _check_output(name, value)


def refuse_task(name: str, value: Any) -> None:
    """
    Refuse a task that was given instead of its output.

    :raises BulkExportsInputError: saying what to write.
    """
    if hasattr(value, "task_id") and hasattr(value, "output"):
        label = value.task_id.rpartition(".")[2]
        raise BulkExportsInputError(f"{name} is the task {value.task_id!r} itself: write {name}={label}.output")


def _elements(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, tuple)):
        yield from value
    else:
        yield value


def _check_output(name: str, value: Any) -> None:
    source = getattr(value, "operator", None) if isinstance(value, XComArg) else None
    returns, key = _returns(source), getattr(value, "key", _RETURN_VALUE)
    if source is None or returns is None:
        return
    task, label = source.task_id, source.task_id.rpartition(".")[2]
    if key != _RETURN_VALUE:
        _check_key(name, key, task=task, returns=returns)
    elif returns == "result" and name != "days":
        part = "job_sids" if name == "job_sid" else name
        cure = f": write {name}={label}.output[{part!r}]" if part in _KEYS_OF_RESULT else ""
        raise BulkExportsInputError(f"{name} is the whole result of the wait {task!r}{cure}")
    elif returns == "job" and name != "job_sid":
        cure = (
            f": wait for its days with wait = ExportCustomJobSensor(task_id='wait', job_sid={label}.output), and write "
            f"days=wait.output; or pass wait_for_completion=True to {label}"
            if name == "days"
            else ""
        )
        raise BulkExportsInputError(f"{name} is what {task!r} returns, which is a job{cure}")
    elif returns == "files":
        raise BulkExportsInputError(
            f"{name} is what {task!r} returns, which is a list of stored files: pass the output of the task before it"
        )
    elif returns == "nothing":
        raise BulkExportsInputError(f"{name} is the output of {task!r}, which returns nothing")


def _check_key(name: str, key: str, *, task: str, returns: Returns) -> None:
    """Refuse keys that are not in a result; the task may have other XComs than those of its result."""
    if returns == "result":
        meant = get_close_matches(key, _KEYS_OF_RESULT, n=1)
        if key not in _KEYS_OF_RESULT and meant:
            raise BulkExportsInputError(f"{name} is {key!r} of {task!r}, which has no such key: write {meant[0]!r}")
    elif key in _KEYS_OF_RESULT:
        what = "a list of stored files" if returns == "files" else "a job" if returns == "job" else "nothing"
        raise BulkExportsInputError(
            f"{name} is {key!r} of {task!r}, which returns {what}. The result of a wait has this key: of "
            "ExportCustomJobSensor, ExportDaySensor, or CreateExportCustomJobOperator(wait_for_completion=True)"
        )


def _returns(source: Any) -> Returns | None:
    """What a task of this package returns; ``None`` for any other task."""
    task_class = getattr(source, "operator_class", type(source))  # of a mapped task
    returns: Returns | None = getattr(task_class, "returns", None)
    if returns == "job" and _argument(source, "wait_for_completion"):
        return "result"
    return returns


def _argument(source: Any, name: str) -> Any:
    return getattr(source, "partial_kwargs", {}).get(name) or getattr(source, name, None)
