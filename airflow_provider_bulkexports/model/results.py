"""The result of a wait, as plain data that a trigger's event can carry."""

from __future__ import annotations

from typing import Literal, TypedDict

from airflow_provider_bulkexports.exceptions import BulkExportsError

__all__ = ["Failure", "Status", "WaitEvent", "WaitResult", "failed_wait"]


Status = Literal["finished", "deleted", "timeout", "error", "fatal"]


class _Result(TypedDict):
    job_sids: list[str]
    resource_type: str | None
    start_day: str
    end_day: str
    completed: list[str]
    empty: list[str]
    failed: list[str]
    expires_at: str | None


class WaitResult(_Result, total=False):
    """
    Result of a wait (XCom): job sids, and the wanted days (``YYYY-MM-DD``) by their final status.

    ``expires_at`` is when the first of the files may expire (ISO 8601, UTC; ``None`` if unknown). ``failed_days`` is
    present, as ``store``, if days failed and the transfer is to fail for them after it stored the others.
    """

    failed_days: str


class Failure(TypedDict):
    """An error's parts; see :class:`~airflow_provider_bulkexports.exceptions.BulkExportsError`."""

    what: str
    remedy: str
    details: dict[str, str | list[str]]


class _Event(TypedDict):
    status: Status
    message: str
    result: WaitResult | None


class WaitEvent(_Event, total=False):
    """
    How a wait ended.

    ``finished``: every day is final, see ``result``; ``deleted``: days were taken out of the job; ``timeout``: the
    deadline passed first; ``error``: polling failed too many times in a row; ``fatal``: asking again cannot help.
    Except for the first, ``message`` is the whole error on one line, and ``failure`` its parts.
    """

    failure: Failure


def failed_wait(status: Status, error: BulkExportsError) -> WaitEvent:
    """Make the event of a wait that an error ended."""
    failure = Failure(what=error.what, remedy=error.remedy, details=dict(error.details))
    return WaitEvent(status=status, message=str(error), result=None, failure=failure)
