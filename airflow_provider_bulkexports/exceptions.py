"""
Every error that this package raises, as one tree.

    BulkExportsError
    ├── BulkExportsInputError            a value was refused before anything was sent (also a ValueError)
    │   └── DayNotExportableError        the day is too recent: see exportable_at
    ├── BulkExportsConnectionError       no complete response: refused, reset, timed out, TLS
    ├── BulkExportsResponseError         an unusable response: not JSON, a pagination loop, a link to another host
    ├── BulkExportsDownloadError         a day's file could not be fetched completely: see day
    ├── BulkExportsStorageError          the destination's store refused or failed: object, operation, what to do
    ├── DayMissingError                  Twilio has no file of a day that should have one
    ├── DaysNotConvertedError            some stored days could not be converted: see failures
    ├── TaskKilledError                  Airflow is killing the task, so it starts nothing more
    └── BulkExportsAPIError              Twilio returned an error: see status, code, twilio_message, request_id
        ├── BulkExportsAuthError         401 or 403: the credentials, or their permissions
        ├── BulkExportsNotFoundError     404: unknown, deleted, expired, or of another account
        ├── BulkExportsQuotaError        a submission rejected because the quota of this UTC day is spent
        ├── BulkExportsRateLimitError    429: too many requests at once, not processed; see retry_after
        └── BulkExportsServerError       5xx, 408, 421, 425: Twilio or a proxy failed, usually not for long

This module imports no Airflow. ``tasks/failures.py`` decides by :attr:`BulkExportsError.is_transient` whether the task
may be retried.

An error says what happened, what to do (``remedy``) and where (``details``); its text is all three, in this order, on
one printable line of at most :data:`MAX_MESSAGE` characters, whatever a server or a user put into it: the logs,
databases and pipes on its way accept no lone surrogate, NUL or line break.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
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
    "DaysNotConvertedError",
    "TaskKilledError",
]


#: Longest message of an error of this package.
MAX_MESSAGE = 2_000

#: Characters kept from the end of a message that is cut: the end says what to do.
_END_OF_MESSAGE = 500

#: Characters of a remedy and of one detail, and of a message that at least remain beside them.
_LONGEST_REMEDY = 700
_LONGEST_DETAIL = 500
_SHORTEST_MESSAGE = 500

#: Most lines of one detail.
_MOST_LINES = 10

#: Replaces a character that cannot be shown or stored.
_REPLACEMENT = "\ufffd"

#: Skin tones: they belong to the character before them, although Unicode does not call them marks.
_MODIFIERS = range(0x1F3FB, 0x1F400)
_MARKS_OF_ONE_CHARACTER = 16


def text_of(value: object) -> str:
    """``str(value)``; the name of its type if that raises, as an exception of another package may."""
    try:
        return str(value)
    except Exception:  # noqa: BLE001 -- a failing __str__ must not hide the error it is about
        return type(value).__name__


def printable(text: object, limit: int) -> str:
    """
    Make one printable line of any text.

    Line breaks and other separators become spaces. Lone surrogates, control characters, and invisible characters
    that change how others are read (direction marks, zero-width characters) become U+FFFD.

    :param limit: Maximum number of characters; a longer text is cut between two visible ones, and ends in ``…``.
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
    """The last index up to ``end`` where a cut separates no accent, skin tone or other mark from its character."""
    for place in range(end, max(end - _MARKS_OF_ONE_CHARACTER, 0), -1):
        following = line[place]
        if unicodedata.category(following)[0] != "M" and ord(following) not in _MODIFIERS:
            return place
    return end


def _message(text: object) -> str:
    """One printable line; a long text keeps its beginning, and its end, which says what to do."""
    whole = text_of(text)
    if len(whole) <= MAX_MESSAGE:
        return printable(whole, MAX_MESSAGE)
    return f"{printable(whole, MAX_MESSAGE - _END_OF_MESSAGE - 1)} {printable(whole[-_END_OF_MESSAGE:], MAX_MESSAGE)}"


class BulkExportsError(Exception):
    """
    Base of every error of this package.

    ``str(error)`` is one line: what happened, then the remedy, then the details.

    :param message: What happened, without a cure that ``remedy`` has; kept as :attr:`what`.
    :param remedy: What to do now, in sentences; empty if the message says it.
    :param details: Where it happened, by label, for example ``{"job": "JS…"}``; a list has a line for each element.
    """

    #: Whether the same request may succeed later although nobody changes anything.
    is_transient: bool = False

    def __init__(
        self, message: object = "", *, remedy: str = "", details: Mapping[str, str | Sequence[str]] | None = None
    ) -> None:
        super().__init__(_message(message))
        self.what: str = self.args[0]
        self.remedy = printable(remedy, _LONGEST_REMEDY)
        self.details: dict[str, str | list[str]] = {}
        self.add_details(details or {})

    def add_details(self, details: Mapping[str, str | Sequence[str]]) -> None:
        """Add what the error does not say yet, before the details it has."""
        new = {label: _detail(value) for label, value in details.items() if value and label not in self.details}
        self.details = {**new, **self.details}

    def name(self, subject: str) -> None:
        """Begin the message with what it is about, such as a task."""
        text = self.what
        if text.startswith("Task "):
            text = f"task {text[5:]}"
        self.what = _message(f"{subject}: {text}")
        self.args = (self.what,)

    def __str__(self) -> str:
        if not self.remedy and not self.details:
            return self.what
        facts = "; ".join(
            f"{label} {value if isinstance(value, str) else ', '.join(value)}" for label, value in self.details.items()
        )
        rest = " ".join(filter(None, [self.remedy, f"[{facts}]" if facts else ""]))
        rest = printable(rest, MAX_MESSAGE - _SHORTEST_MESSAGE)
        return f"{_sentence(printable(self.what, MAX_MESSAGE - len(rest) - 2))} {rest}".strip()


def _detail(value: str | Sequence[str]) -> str | list[str]:
    if isinstance(value, str):
        return printable(value, _LONGEST_DETAIL)
    return [printable(line, _LONGEST_DETAIL) for line in value[:_MOST_LINES]]


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) or not text else f"{text}."


class BulkExportsInputError(BulkExportsError, ValueError):
    """A value was refused before anything was sent; the message says what to write instead."""


class DayNotExportableError(BulkExportsInputError):
    """
    A wanted day is too recent for Twilio.

    :param exportable_at: First moment (UTC) at which Twilio accepts the day.
    :param said: ``remedy`` and ``details``; see :class:`BulkExportsError`.
    """

    def __init__(self, message: str, *, exportable_at: datetime, **said: Any) -> None:
        super().__init__(message, **said)
        self.exportable_at = exportable_at


class BulkExportsConnectionError(BulkExportsError):
    """
    No complete response arrived; after a POST it is unknown whether Twilio processed it.

    :param is_transient: ``False`` if a retry cannot help, for example for a certificate that is not trusted.
    :param kind: What went wrong, if the message has advice for it: ``proxy``, ``certificate``, ``name``, ``refused``.
    :param reason: The message of the system or the library, without secrets.
    :param said: ``remedy`` and ``details``; see :class:`BulkExportsError`.
    """

    is_transient = True

    def __init__(
        self, message: str, *, is_transient: bool = True, kind: str = "", reason: str = "", **said: Any
    ) -> None:
        super().__init__(message, **said)
        self.is_transient = is_transient
        self.kind = kind
        self.reason = reason


class BulkExportsResponseError(BulkExportsError):
    """
    A response arrived that cannot be used.

    :param is_transient: ``False`` if a retry cannot help, for example for a page link to another host.
    :param said: ``remedy`` and ``details``; see :class:`BulkExportsError`.
    """

    def __init__(self, message: str, *, is_transient: bool = True, **said: Any) -> None:
        super().__init__(message, **said)
        self.is_transient = is_transient


class BulkExportsDownloadError(BulkExportsError):
    """
    A day's file could not be fetched whole and verified; no part of it was kept.

    :param day: The UTC day.
    :param said: ``remedy`` and ``details``; see :class:`BulkExportsError`.
    """

    is_transient = True

    def __init__(self, message: str, *, day: date, **said: Any) -> None:
        super().__init__(message, **said)
        self.day = day


class BulkExportsStorageError(BulkExportsError):
    """
    The store of the destination refused or failed an operation.

    :param is_transient: Whether the same operation may succeed later although nobody changes anything.
    :param is_forbidden: Whether the credentials lack the permission.
    :param is_conflict: Whether an object exists that had to be absent.
    :param is_absent: Whether there is no such object; a missing bucket is another failure.
    :param said: ``remedy`` and ``details``; see :class:`BulkExportsError`.
    """

    def __init__(
        self,
        message: str,
        *,
        is_transient: bool = True,
        is_forbidden: bool = False,
        is_conflict: bool = False,
        is_absent: bool = False,
        **said: Any,
    ) -> None:
        super().__init__(message, **said)
        self.is_transient = is_transient
        self.is_forbidden = is_forbidden
        self.is_conflict = is_conflict
        self.is_absent = is_absent


_APIError = TypeVar("_APIError", bound="BulkExportsAPIError")


class BulkExportsAPIError(BulkExportsError):
    """
    Twilio returned an error status.

    :param status: HTTP status.
    :param code: Twilio's error code (https://www.twilio.com/docs/api/errors), if the body had one.
    :param twilio_message: Twilio's own message, if the body had one.
    :param more_info: Twilio's page about the code.
    :param request_id: Value of the ``Twilio-Request-Id`` header, which Twilio's support asks for.
    :param answered_at: Twilio's time of the response (its ``Date`` header, UTC); ``None`` if missing or impossible.
    :param said: ``remedy`` and ``details``; see :class:`BulkExportsError`.
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
        **said: Any,
    ) -> None:
        super().__init__(message, **said)
        self.status = status
        self.code = code
        self.twilio_message = twilio_message
        self.more_info = more_info
        self.request_id = request_id
        self.answered_at = answered_at

    def restated(self, message: str, kind: type[_APIError], *, remedy: str | None = None) -> _APIError:
        """
        Return the same error of Twilio with another message.

        :param message: The new message.
        :param kind: Class of the new error.
        :param remedy: The new remedy; ``None`` keeps the former.
        """
        return kind(
            message,
            status=self.status,
            code=self.code,
            twilio_message=self.twilio_message,
            more_info=self.more_info,
            request_id=self.request_id,
            answered_at=self.answered_at,
            remedy=self.remedy if remedy is None else remedy,
            details=self.details,
        )


class BulkExportsAuthError(BulkExportsAPIError):
    """401 or 403: wrong credentials, or credentials without the permission."""


class BulkExportsNotFoundError(BulkExportsAPIError):
    """404: it never existed, was deleted, expired after seven days, or belongs to another account."""


class BulkExportsQuotaError(BulkExportsAPIError):
    """
    A submission was rejected because the account's quota of this UTC day is spent; it is renewed at 00:00 UTC.

    With status 429 it may be an overload instead, so a retry may help: ``is_transient`` is true then.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_transient = self.status == 429


class BulkExportsRateLimitError(BulkExportsAPIError):
    """429, also after the retries: the request was not processed and may be sent again."""

    is_transient = True
    #: Seconds that Twilio asks to wait first (``Retry-After``); ``None`` if it does not say.
    retry_after: float | None = None


class BulkExportsServerError(BulkExportsAPIError):
    """
    5xx, 408, 421 or 425, also after the retries: Twilio, or a proxy before it, failed or was too slow.

    After a POST it is unknown whether Twilio processed it.
    """

    is_transient = True


class DayMissingError(BulkExportsError):
    """Twilio has no file of a day that should have one."""


class DaysNotConvertedError(BulkExportsError):
    """
    Some stored days could not be converted; the others are.

    :param failures: Each day that failed, and its error. A day can be there once for each account.
    :param said: ``remedy`` and ``details``; see :class:`BulkExportsError`.
    """

    def __init__(self, message: str, *, failures: Sequence[tuple[date, Exception]] = (), **said: Any) -> None:
        super().__init__(message, **said)
        self.failures = tuple(failures)
        self.is_transient = any(getattr(error, "is_transient", True) for _, error in failures)


class TaskKilledError(BulkExportsError):
    """Airflow is killing the task, so it starts nothing more; its retry continues from there."""

    is_transient = True
