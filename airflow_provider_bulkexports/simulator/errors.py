"""Errors that the simulated API answers with, and their JSON bodies."""

from __future__ import annotations

import json
from typing import Any

from airflow_provider_bulkexports.simulator.knobs import Rejection

__all__ = ["RefusedError", "error_body", "problem_body"]


class RefusedError(Exception):
    """
    Twilio rejects the request.

    :param status: HTTP status of the response.
    :param code: Twilio's error code; ``None``: the usual one of the status.
    :param detail: Further text in the response.
    """

    def __init__(self, status: int, code: int | None, message: str, *, detail: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.detail = detail

    @classmethod
    def from_rejection(cls, rejection: Rejection, message: str) -> RefusedError:
        """Make the error that a knob asks for."""
        return cls(rejection.status, rejection.code, message)

    @classmethod
    def not_found(cls, path: str) -> RefusedError:
        """Make Twilio's 404; ``path`` is the part after ``/v1``."""
        return cls(404, 20404, f"The requested resource {path} was not found")


_CODES = {401: 20003, 403: 20403, 404: 20404, 405: 20004, 429: 20429, 500: 20500, 503: 20503}


def error_body(status: int, code: int | None, message: str, detail: str | None = None) -> bytes:
    """
    Make Twilio's classic error object (documentation of API responses).

    :param code: Twilio's error code; ``None``: the usual one of the status.
    """
    number = code if code is not None else _CODES.get(status)
    payload: dict[str, Any] = {"message": message, "status": status}
    if number is not None:
        payload |= {"code": number, "more_info": f"https://www.twilio.com/docs/errors/{number}"}
    if detail is not None:
        payload["detail"] = detail
    return json.dumps(payload).encode()


def problem_body(status: int, code: int, title: str, detail: str | None = None) -> dict[str, Any]:
    """Make the error object of newer Twilio APIs (RFC 9457), for :attr:`Fault.body`."""
    problem: dict[str, Any] = {
        "type": f"https://www.twilio.com/docs/errors/{code}",
        "title": title,
        "status": status,
        "code": code,
    }
    return problem if detail is None else {**problem, "detail": detail}
