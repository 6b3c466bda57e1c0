"""The one exception by which the simulator refuses a request."""

from __future__ import annotations

from airflow_provider_bulkexports.simulator.knobs import Rejection

__all__ = ["RefusedError"]


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
