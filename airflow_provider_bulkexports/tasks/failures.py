"""
What an error means for a task: fail without retries, or fail and let Airflow retry.

    AirflowException
    ├── BulkExportsTaskError             a retry may help: Twilio is down, too many requests, days to resubmit
    └── AirflowFailException
        └── BulkExportsTaskFailure       a retry cannot: bad input, bad credentials, a deleted job

Airflow shows an exception as one long line that does not wrap, above the frames of its traceback. So before a task
fails, its log gets the error in short lines: what happened, where, what to do; the addresses of requests come last.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from textwrap import wrap
from types import TracebackType
from typing import Protocol

from airflow_provider_bulkexports.compat import (
    AirflowException,
    AirflowFailException,
    AirflowNotFoundException,
    AirflowSensorTimeout,
    Log,
)
from airflow_provider_bulkexports.exceptions import BulkExportsError

__all__ = [
    "BulkExportsTaskError",
    "BulkExportsTaskFailure",
    "FailingTask",
    "as_task_failures",
    "failure_lines",
    "task_failure",
]

#: Characters of a line that Airflow's log view shows at 1280 pixels, after time and level.
_WIDTH = 84

#: Details for Twilio's support rather than for a quick cure.
_LAST = ("request", "next page", "response", "file", "more")

_CREATE_CONNECTION = "Create the connection (Admin, Connections, type Twilio BulkExports), or correct twilio_conn_id."

#: A command in a remedy.
_COMMAND = re.compile(r"`[^`]+`")
_AFTER_COMMAND = re.compile(r"(?<=`[.;]) ")
_NO_BREAK = "\N{NO-BREAK SPACE}"
_NEXT_LINE = "\N{NULL}"

_LABELS = {"more": "More about it"}


class BulkExportsTaskError(AirflowException):
    """The task fails; a retry may succeed."""


class BulkExportsTaskFailure(AirflowFailException):
    """The task fails without a retry, which would fail the same way."""


class FailingTask(Protocol):
    """
    A task that may fail.

    :param twilio_conn_id: Its Airflow connection.
    """

    twilio_conn_id: str

    @property
    def log(self) -> Log:
        """The task's log."""


class as_task_failures:  # noqa: N801 -- a context manager, used like a function
    """
    Translate the errors raised in the block; see :func:`task_failure`. Airflow's exceptions pass, without our frames.

    Other exceptions are bugs, and keep their traceback. Those of this package need none: their text says it all. This
    is a class because a generator would add frames to the traceback.
    """

    def __init__(self, task: FailingTask) -> None:
        self._task = task

    def __enter__(self) -> None:
        """Begin the block."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Log an error of this package, and raise what it means for the task."""
        if isinstance(error, AirflowNotFoundException):
            error = BulkExportsError(error, remedy=_CREATE_CONNECTION)
            error.is_transient = True  # as Airflow sees it: a secrets backend may have been down
        if isinstance(error, BulkExportsError):
            raise task_failure(self._task, error) from None
        if isinstance(error, (BulkExportsTaskError, BulkExportsTaskFailure, AirflowSensorTimeout)):
            raise error.with_traceback(None) from error.__cause__


def task_failure(
    task: FailingTask, error: BulkExportsError, kind: type[AirflowException] | None = None
) -> AirflowException:
    """
    Log an error in short lines, and return the Airflow exception that fails the task; raise it ``from None``.

    :param kind: Class of the exception; by default with or without retries as the error says.
    """
    kind = kind or (BulkExportsTaskError if error.is_transient else BulkExportsTaskFailure)
    if "connection" not in error.details:
        error.add_details({"connection": task.twilio_conn_id})
    is_skip = getattr(task, "soft_fail", False) and kind is not BulkExportsTaskError
    log = task.log.warning if is_skip else task.log.error
    for line in failure_lines(error):
        log("%s", line)
    return kind(str(error))


def failure_lines(error: BulkExportsError) -> Iterator[str]:
    """Show an error in lines that need no scrolling to the right."""
    where = [(label, value) for label, value in error.details.items() if label not in _LAST]
    more = [(label, value) for label, value in error.details.items() if label in _LAST]
    cure = [("what to do", error.remedy)] if error.remedy else []
    return chain.from_iterable(
        _lines(label, value) for label, value in [("what happened", error.what), *where, *cure, *more]
    )


def _lines(label: str, value: str | list[str]) -> Iterator[str]:
    """Break lines at spaces, but not within a command, which is to be copied."""
    title = f"{_LABELS.get(label, label.capitalize())}: "
    texts = [value] if isinstance(value, str) else value
    parts = [part for text in texts for part in _AFTER_COMMAND.split(text)]
    for number, text in enumerate(parts):
        whole = _COMMAND.sub(_kept_together, text)
        for line in wrap(
            whole,
            _WIDTH,
            initial_indent=title if number == 0 else "    ",
            subsequent_indent="    ",
            break_long_words=False,
            break_on_hyphens=False,
        ):
            yield from line.replace(_NO_BREAK, " ").split(_NEXT_LINE)


def _kept_together(command: re.Match[str]) -> str:
    """A command without a place to break it; a long one gets the shell's own line breaks."""
    lines = wrap(command[0], _WIDTH - len("     \\"), break_long_words=False, break_on_hyphens=False)
    return f" \\{_NEXT_LINE}     ".join(lines).replace(" ", _NO_BREAK)
