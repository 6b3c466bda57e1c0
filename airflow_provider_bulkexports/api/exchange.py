"""One HTTP request and its response, or an error of this package that says what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

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

#: Most bytes of a response. A page of 1,000 jobs of 366 days, each day on a line of its own, has 15 MB.
_LARGEST_RESPONSE = 1 << 25

#: Bytes to read of an error or a redirect.
_LARGEST_ERROR = 1 << 16

#: Statuses after which a connection is not used again; after 101, it speaks another protocol.
_WRONG_CONNECTION = frozenset({101, 408, 421})

#: Longest URL and longest reason that an error quotes.
_LONGEST_QUOTE = 500

_CHECK_HOST = "Check that the connection's host is Twilio's BulkExports API and that no proxy answers in its place."

_T = TypeVar("_T")


class Exchange:
    """
    One HTTP request and its response, or what went wrong.

    :param hide: Removes secrets from a text.
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
        Send the request and receive the complete response.

        :raises BulkExportsConnectionError: for any exception of the libraries.
        """
        try:
            response = session.request(
                self._method, self._url, data=form, timeout=timeouts, allow_redirects=False, stream=True
            )
            self._receive_body(response)
        except BulkExportsError:
            raise
        except Exception as error:  # noqa: BLE001 -- any exception of the libraries becomes an error of ours
            broken = self._connection_error(error)
        else:
            return response
        raise broken  # outside except, so that the original, with URL and credentials, is not chained

    def require_success(self, response: requests.Response, *, redirect_is_expected: bool) -> None:
        """
        Refuse a response with an error status or of another protocol, and a redirect unless it is expected.

        :raises BulkExportsAPIError: for an error status.
        :raises BulkExportsResponseError: for a redirect or another protocol.
        """
        if response.status_code >= 400:
            raise error_from(response, hide=self._hide)
        if response.status_code < 200 or (response.status_code >= 300 and not redirect_is_expected):
            raise unusable(response, self._hide)

    def read(self, response: requests.Response, read: Callable[[requests.Response], _T]) -> _T:
        """Read the response; one that cannot be read is :func:`unusable`."""
        try:
            return read(response)
        except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
            if isinstance(error, BulkExportsError):
                raise
        raise unusable(response, self._hide)

    def next_try(
        self,
        retries: BudgetedRetry,
        failure: BulkExportsError,
        *,
        announce: Callable[[BulkExportsError, float, int], None],
    ) -> BudgetedRetry | None:
        """
        Wait until the next attempt is due; ``None`` if there is none.

        :param announce: Called before the wait, with the failure, the seconds, and the number of the retry.
        """
        announce_failure = partial(announce, failure)
        if self._refusal is not None:
            return retries.after(self._method, response=self._refusal, announce=announce_failure)
        if not failure.is_transient:
            return None
        return retries.after(
            self._method, error=self._lost or ProtocolError("unusable response"), announce=announce_failure
        )

    def _receive_body(self, response: requests.Response) -> None:
        raw, status = response.raw, response.status_code
        connection = getattr(raw, "connection", None)
        is_error = status >= 300
        try:
            read_body(response, _LARGEST_ERROR if is_error else _LARGEST_RESPONSE, cut=is_error)
        except UnreadableBodyError as error:
            raise BulkExportsResponseError(
                f"Unexpected response: HTTP {status}; {error}", remedy=_CHECK_HOST, details={"request": str(self)}
            ) from None
        if status >= 400:
            self._refusal = raw
        if connection is not None and status in _WRONG_CONNECTION:
            connection.close()

    def _connection_error(self, error: Exception) -> BulkExportsConnectionError:
        cause = cause_of(error)
        self._lost = cause.error
        reason = printable(self._hide(cause.text), _LONGEST_QUOTE)
        if not cause.is_transient:
            advice = "Retrying does not help: correct the connection's host, the proxy, or the trusted certificates."
        elif self._method == "POST":
            advice = "Twilio may have processed it: check before sending it again."
        else:
            advice = (
                "Usually this is transient: retry. If it persists, check the network, the proxy and the connection's "
                "host."
            )
        return BulkExportsConnectionError(
            f"No complete response from {_host_of(self._url)}: {reason}",
            is_transient=cause.is_transient,
            kind=cause.kind,
            reason=reason,
            remedy=advice,
            details={"request": str(self)},
        )

    def __str__(self) -> str:
        return f"{self._method} {printable(redact_url(self._url), _LONGEST_QUOTE)}"


def unusable(response: requests.Response, hide: Callable[[object], str]) -> BulkExportsResponseError:
    """Make the error for a response that is not what was requested."""
    return BulkExportsResponseError(
        f"Unexpected response: HTTP {response.status_code}, {kind_of(response, hide)}",
        remedy=_CHECK_HOST,
        details={"request": f"{response.request.method} {printable(redact_url(response.url), _LONGEST_QUOTE)}"},
    )


def _host_of(url: str) -> str:
    return printable(urlsplit(redact_url(url)).netloc or "the server", _LONGEST_QUOTE)
