"""
Everything this package raises on its own account, as one tree.

    BulkExportsError
    ├── BulkExportsInputError            refused here, before anything was sent (also a ValueError)
    │   └── DayNotExportableError        the day is too young: says when it becomes exportable
    ├── BulkExportsConnectionError       no complete answer: refused, reset, timed out, TLS
    ├── BulkExportsResponseError         an answer that cannot be used: not JSON, a paging loop, a foreign link
    ├── BulkExportsDownloadError         a day's file could not be fetched whole: says which day
    ├── BulkExportsStorageError          the destination's store refused or failed: object, operation, what to do
    └── BulkExportsAPIError              Twilio answered with an error: status, code, message, request id
        ├── BulkExportsAuthError         401 or 403: the credentials, or what they may do
        ├── BulkExportsNotFoundError     404: unknown, deleted, aged out, or the wrong account
        ├── BulkExportsQuotaError        a submission refused since the days of this UTC day are spent
        ├── BulkExportsRateLimitError    429: too many requests at once; the request was not processed
        └── BulkExportsServerError       5xx: Twilio's fault, usually passing

Nothing here imports Airflow. What an error means for a task (retry or fail for good) is decided in ``failures.py``,
from :attr:`BulkExportsError.is_transient`.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, TypeVar

__all__ = [
    "BulkExportsAPIError",
    "BulkExportsAuthError",
    "BulkExportsConnectionError",
    "BulkExportsDownloadError",
    "BulkExportsError",
    "BulkExportsInputError",
    "BulkExportsNotFoundError",
    "BulkExportsQuotaError",
    "BulkExportsRateLimitError",
    "BulkExportsResponseError",
    "BulkExportsServerError",
    "BulkExportsStorageError",
    "DayNotExportableError",
]


class BulkExportsError(Exception):
    """Base of every error of this package."""

    #: Whether the same request may succeed later without anybody changing anything.
    is_transient: bool = False


class BulkExportsInputError(BulkExportsError, ValueError):
    """A value was refused before anything was sent; the message says what to write instead."""


class DayNotExportableError(BulkExportsInputError):
    """
    A wanted day is younger than Twilio exports.

    :param exportable_at: First moment (UTC) at which Twilio accepts the day.
    """

    def __init__(self, message: str, *, exportable_at: datetime) -> None:
        super().__init__(message)
        self.exportable_at = exportable_at


class BulkExportsConnectionError(BulkExportsError):
    """No complete answer arrived; after a POST it is unknown whether Twilio acted on it."""

    is_transient = True


class BulkExportsResponseError(BulkExportsError):
    """
    An answer arrived that cannot be used.

    :param is_transient: ``False`` when asking again cannot help, such as a page link to another host.
    """

    def __init__(self, message: str, *, is_transient: bool = True) -> None:
        super().__init__(message)
        self.is_transient = is_transient


class BulkExportsDownloadError(BulkExportsError):
    """
    A day's file could not be fetched whole and verified; nothing of it was kept.

    :param day: The day.
    """

    is_transient = True

    def __init__(self, message: str, *, day: date) -> None:
        super().__init__(message)
        self.day = day


class BulkExportsStorageError(BulkExportsError):
    """
    The store of the destination refused or failed an operation.

    :param is_transient: Whether the same may succeed later without anybody changing anything.
    :param is_forbidden: Whether the credentials lack the permission.
    :param is_conflict: Whether something is in the way that was to be absent.
    """

    def __init__(
        self, message: str, *, is_transient: bool = True, is_forbidden: bool = False, is_conflict: bool = False
    ) -> None:
        super().__init__(message)
        self.is_transient = is_transient
        self.is_forbidden = is_forbidden
        self.is_conflict = is_conflict


_APIError = TypeVar("_APIError", bound="BulkExportsAPIError")


class BulkExportsAPIError(BulkExportsError):
    """
    Twilio answered with an error status.

    :param status: HTTP status.
    :param code: Twilio's error code (https://www.twilio.com/docs/api/errors), if the body had one.
    :param twilio_message: Twilio's own words, if the body had any.
    :param more_info: Twilio's page about the code.
    :param request_id: Value of the ``Twilio-Request-Id`` header, which Twilio's support asks for.
    :param answered_at: When Twilio answered by its own clock (``Date`` header, UTC); ``None`` if it did not say.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: int | None = None,
        twilio_message: str | None = None,
        more_info: str | None = None,
        request_id: str | None = None,
        answered_at: datetime | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.twilio_message = twilio_message
        self.more_info = more_info
        self.request_id = request_id
        self.answered_at = answered_at

    def restated(self, message: str, kind: type[_APIError]) -> _APIError:
        """
        Say the same of Twilio's answer in other words, as another kind of error perhaps.

        :param kind: Class of the new error.
        """
        return kind(
            message,
            status=self.status,
            code=self.code,
            twilio_message=self.twilio_message,
            more_info=self.more_info,
            request_id=self.request_id,
            answered_at=self.answered_at,
        )


class BulkExportsAuthError(BulkExportsAPIError):
    """401 or 403: wrong credentials, or credentials without the permission."""


class BulkExportsNotFoundError(BulkExportsAPIError):
    """404: never existed, deleted, aged out after seven days, or belongs to another account."""


class BulkExportsQuotaError(BulkExportsAPIError):
    """
    A submission was refused since the account's days of this UTC day are spent; they are renewed at 00:00 UTC.

    With 429 it may be an overload after all, which a retry mends.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_transient = self.status == 429


class BulkExportsRateLimitError(BulkExportsAPIError):
    """429, still after the retries: the request was not processed and may be repeated."""

    is_transient = True
    #: Seconds that Twilio asked to wait before that (``Retry-After``); ``None`` if it did not.
    retry_after: float | None = None


class BulkExportsServerError(BulkExportsAPIError):
    """5xx, still after the retries."""

    is_transient = True
