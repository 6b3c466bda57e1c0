"""The one exception by which the simulator refuses a request."""

from __future__ import annotations

import json
from typing import Any

from airflow_provider_bulkexports.simulator.knobs import Rejection

__all__ = ["RefusedError", "error_body", "problem_body"]


class RefusedError(Exception):
    """
    A request is answered with one of Twilio's errors.

    :param code: Twilio's error code; ``None`` leaves it out of the answer.
    """

    def __init__(self, status: int, code: int | None, message: str, *, detail: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.detail = detail

    @classmethod
    def because(cls, rejection: Rejection, message: str) -> RefusedError:
        """Refuse with the status and code that a knob gives."""
        return cls(rejection.status, rejection.code, message)

    @classmethod
    def not_found(cls, path: str) -> RefusedError:
        """Answer 404 in Twilio's words; ``path`` is the part after ``/v1``."""
        return cls(404, 20404, f"The requested resource {path} was not found")


_CODES = {401: 20003, 403: 20403, 404: 20404, 405: 20004, 429: 20429, 500: 20500, 503: 20503}


def error_body(status: int, code: int | None, message: str, detail: str | None = None) -> bytes:
    """
    Twilio's classic error object (documentation of API responses).

    :param code: Twilio's error code; by default the usual one of the status.
    """
    number = code if code is not None else _CODES.get(status)
    payload: dict[str, Any] = {"message": message, "status": status}
    if number is not None:
        payload |= {"code": number, "more_info": f"https://www.twilio.com/docs/errors/{number}"}
    if detail is not None:
        payload["detail"] = detail
    return json.dumps(payload).encode()


def problem_body(status: int, code: int, title: str, detail: str | None = None) -> dict[str, Any]:
    """The error object of newer Twilio APIs (RFC 9457), as a :attr:`Fault.body`."""
    problem: dict[str, Any] = {
        "type": f"https://www.twilio.com/docs/errors/{code}",
        "title": title,
        "status": status,
        "code": code,
    }
    return problem if detail is None else {**problem, "detail": detail}
