"""One request and its answer, or one error of this package that says what went wrong instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import requests
from urllib3.exceptions import ProtocolError

from airflow_provider_bulkexports.api.bounded_response import UnreadableBodyError, read_body
from airflow_provider_bulkexports.api.error_responses import error_from, kind_of
from airflow_provider_bulkexports.api.failure_causes import cause_of
from airflow_provider_bulkexports.api.redact import redact_url
from airflow_provider_bulkexports.api.retry import BudgetedRetry
from airflow_provider_bulkexports.exceptions import (
    BulkExportsConnectionError,
    BulkExportsError,
    BulkExportsResponseError,
    printable,
)

__all__ = ["Exchange", "unusable"]

#: Most bytes of an answer. A page of 1,000 jobs of 366 days, each day named on a line of its own, has 15 MB.
_LARGEST_ANSWER = 1 << 25

#: Bytes that are read of an error, or of a redirect.
_LARGEST_ERROR = 1 << 16

#: Statuses after which the same connection is no good for the next try; after 101, it is one of another protocol.
_WRONG_CONNECTION = frozenset({101, 408, 421})

#: Longest URL and longest reason that an error quotes.
_LONGEST_QUOTE = 500

WHOSE_ANSWER = "Is the connection's host Twilio's BulkExports API, or does a proxy answer in its place?"

_T = TypeVar("_T")


class Exchange:
    """
    One try: a request and its answer, or what went wrong.

    :param hide: Takes secrets out of a text.
    """

    def __init__(self, method: str, url: str, hide: Callable[[object], str]) -> None:
        self._method = method
        self._url = url
        self._hide = hide
        self._refusal: Any = None
        self._lost: Any = None

    def receive(
        self, session: requests.Session, form: Mapping[str, str | None] | None, timeouts: tuple[float, float]
    ) -> requests.Response:
        """
        Send the request and receive the whole answer.

        :raises BulkExportsConnectionError: whatever the libraries raise.
        """
        try:
            response = session.request(
                self._method, self._url, data=form, timeout=timeouts, allow_redirects=False, stream=True
            )
            self._receive_body(response)
        except BulkExportsError:
            raise
        except Exception as error:  # noqa: BLE001 -- becomes an error of ours, whatever the libraries raise
            broken = self._connection_error(error)
        else:
            return response
        raise broken  # here, so that the original does not hang on: its text has the URL, its frames the credentials

    def require_success(self, response: requests.Response, *, redirect_is_answer: bool) -> None:
        """
        Refuse an answer with an error status, a redirect unless it is the answer, and one of another protocol.

        :raises BulkExportsAPIError: for the one.
        :raises BulkExportsResponseError: for the other.
        """
        if response.status_code >= 400:
            raise error_from(response, hide=self._hide)
        if response.status_code < 200 or (response.status_code >= 300 and not redirect_is_answer):
            raise unusable(response, self._hide)

    def read(self, response: requests.Response, read: Callable[[requests.Response], _T]) -> _T:
        """Read the answer; what it cannot be read as is not usable."""
        try:
            return read(response)
        except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
            if isinstance(error, BulkExportsError):
                raise
        raise unusable(response, self._hide)

    def next_try(self, retries: BudgetedRetry, failure: BulkExportsError) -> BudgetedRetry | None:
        """Wait for the time of the next try; ``None`` if there is none."""
        if self._refusal is not None:
            return retries.after(self._method, response=self._refusal)
        if not failure.is_transient:
            return None
        return retries.after(self._method, error=self._lost or ProtocolError("unusable answer"))

    def _receive_body(self, response: requests.Response) -> None:
        raw, status = response.raw, response.status_code
        connection = getattr(raw, "connection", None)
        is_error = status >= 300
        try:
            read_body(response, _LARGEST_ERROR if is_error else _LARGEST_ANSWER, cut=is_error)
        except UnreadableBodyError as error:
            raise BulkExportsResponseError(f"{self} answered HTTP {status}, and {error}. {WHOSE_ANSWER}") from None
        if status >= 400:
            self._refusal = raw
        if connection is not None and status in _WRONG_CONNECTION:
            connection.close()

    def _connection_error(self, error: Exception) -> BulkExportsConnectionError:
        cause = cause_of(error)
        self._lost = cause.error
        reason = printable(self._hide(cause.text), _LONGEST_QUOTE)
        if not cause.is_transient:
            advice = (
                "It does not pass by itself: correct the connection's host, the proxy, or the trusted certificates."
            )
        elif self._method == "POST":
            advice = "It is unknown whether Twilio acted on it: look before repeating it."
        else:
            advice = "Check the network, the proxy and the connection's host; it is usually passing."
        return BulkExportsConnectionError(
            f"{self} got no complete answer: {reason}. {advice}",
            is_transient=cause.is_transient,
            kind=cause.kind,
            reason=reason,
        )

    def __str__(self) -> str:
        return f"{self._method} {printable(redact_url(self._url), _LONGEST_QUOTE)}"


def unusable(response: requests.Response, hide: Callable[[object], str]) -> BulkExportsResponseError:
    """The error for an answer that is another one than was asked for."""
    request = f"{response.request.method} {printable(redact_url(response.url), _LONGEST_QUOTE)}"
    return BulkExportsResponseError(
        f"{request} answered HTTP {response.status_code} with {kind_of(response, hide)}, not with what was asked for: "
        f"{WHOSE_ANSWER[0].lower()}{WHOSE_ANSWER[1:]}"
    )
