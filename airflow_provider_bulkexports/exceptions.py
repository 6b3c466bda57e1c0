"""
Every error that this package raises, as one tree.

    BulkExportsError
    ├── BulkExportsInputError            refused here, before anything was sent (also a ValueError)
    │   └── DayNotExportableError        the day is too young: says when it becomes exportable
    ├── BulkExportsConnectionError       no complete answer: refused, reset, timed out, TLS
    ├── BulkExportsResponseError         an answer that cannot be used: not JSON, a paging loop, a foreign link
    ├── BulkExportsDownloadError         a day's file could not be fetched whole: says which day
    ├── BulkExportsStorageError          the destination's store refused or failed: object, operation, what to do
    ├── DayMissingError                  Twilio has no file of a day that should have one
    ├── TaskKilledError                  Airflow is killing the task, so nothing more was begun
    └── BulkExportsAPIError              Twilio answered with an error: status, code, message, request id
        ├── BulkExportsAuthError         401 or 403: the credentials, or what they may do
        ├── BulkExportsNotFoundError     404: unknown, deleted, aged out, or the wrong account
        ├── BulkExportsQuotaError        a submission refused since the days of this UTC day are spent
        ├── BulkExportsRateLimitError    429: too many requests at once; the request was not processed
        └── BulkExportsServerError       5xx, 408, 421, 425: a fault of Twilio or of the way to it, usually passing

Nothing here imports Airflow. What an error means for a task (retry, or fail for good) is decided in
``tasks/failures.py`` by
:attr:`BulkExportsError.is_transient`.

A message is one printable line of at most :data:`MAX_MESSAGE` characters, whatever a server or a user put into it: it
travels through logs, databases and pipes that take no lone surrogate, no NUL and no line break.
"""

from __future__ import annotations

import unicodedata
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
    "DayMissingError",
    "DayNotExportableError",
    "TaskKilledError",
]


#: Longest message of an error of this package.
MAX_MESSAGE = 2_000

#: Characters of a message's end that stay when it is cut: they say what to do.
_END_OF_MESSAGE = 500

#: What stands for a character that could not be shown, or would not travel.
_REPLACEMENT = "\ufffd"

#: Marks that belong to the character before them, beside those that Unicode calls marks: skin tones.
_MODIFIERS = range(0x1F3FB, 0x1F400)
_MARKS_OF_ONE_CHARACTER = 16


def text_of(value: object) -> str:
    """A value's own words; the name of its type if it fails to say them, as a foreign exception may."""
    try:
        return str(value)
    except Exception:  # noqa: BLE001 -- must not hide what the value is about
        return type(value).__name__


def printable(text: object, limit: int) -> str:
    """
    Make one printable line of any text.

    Line breaks and other separators become spaces. Lone surrogates, control characters, and the invisible ones that
    change how the others are read (direction marks, zero-width characters) become U+FFFD.

    :param limit: Most characters; a longer text is cut between two characters as people see them, and ends in ``…``.
    """
    line = text_of(text)
    is_cut = len(line) > limit
    line = line[:limit]
    if not line.isprintable():
        line = "".join(character if character.isprintable() else _substitute(character) for character in line)
    return f"{line[: _end_of_character(line, limit - 1)]}…" if is_cut else line


def _substitute(character: str) -> str:
    return " " if character.isspace() or unicodedata.category(character)[0] == "Z" else _REPLACEMENT


def _end_of_character(line: str, end: int) -> int:
    """The last place up to ``end`` at which no accent, skin tone or other mark is torn off."""
    for place in range(end, max(end - _MARKS_OF_ONE_CHARACTER, 0), -1):
        following = line[place]
        if unicodedata.category(following)[0] != "M" and ord(following) not in _MODIFIERS:
            return place
    return end


def _message(text: object) -> str:
    """One printable line; of a long one the beginning, and the end, which says what to do."""
    whole = text_of(text)
    if len(whole) <= MAX_MESSAGE:
        return printable(whole, MAX_MESSAGE)
    return f"{printable(whole, MAX_MESSAGE - _END_OF_MESSAGE - 1)} {printable(whole[-_END_OF_MESSAGE:], MAX_MESSAGE)}"


class BulkExportsError(Exception):
    """
    Base of every error of this package.

    :param message: What failed and what to do; made one printable line of bounded length.
    """

    #: Whether the same request may succeed later without anybody changing anything.
    is_transient: bool = False

    def __init__(self, message: object = "") -> None:
        super().__init__(_message(message))


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
    """
    No complete answer arrived; after a POST it is unknown whether Twilio acted on it.

    :param is_transient: ``False`` for what does not pass by itself, such as a certificate that is not trusted.
    :param kind: What went wrong, if it is worth advice: ``proxy``, ``certificate``, ``name``, ``refused``.
    :param reason: The system's or the library's own words, without secrets.
    """

    is_transient = True

    def __init__(self, message: str, *, is_transient: bool = True, kind: str = "", reason: str = "") -> None:
        super().__init__(message)
        self.is_transient = is_transient
        self.kind = kind
        self.reason = reason


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
    :param answered_at: Twilio's own time of the answer (its ``Date`` header, UTC); ``None`` if missing or absurd.
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
    """
    5xx, or 408, 421 or 425, still after the retries: somebody between could not, or not in time, pass the request on.

    Whether Twilio acted on a POST that was answered so is unknown.
    """

    is_transient = True


class DayMissingError(BulkExportsError):
    """Twilio has no file of a day that should have one."""


class TaskKilledError(BulkExportsError):
    """Airflow is killing the task, so it began nothing more; its retry continues from what is there."""

    is_transient = True
