"""Send a request with the credentials, with retries; return the response or raise the error that says what to do."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any, TypeVar

import requests

from airflow_provider_bulkexports.api.bounded_response import ENCODINGS, ReceivingAdapter
from airflow_provider_bulkexports.api.credentials import Credentials
from airflow_provider_bulkexports.api.exchange import Exchange, unusable
from airflow_provider_bulkexports.api.http_logging import unlogged_queries
from airflow_provider_bulkexports.api.json_body import ElementReader, read_json_object
from airflow_provider_bulkexports.api.private_session import PrivateSession
from airflow_provider_bulkexports.api.retry import BudgetedRetry, RetryPolicy
from airflow_provider_bulkexports.api.settings import (
    checked_account_sid,
    checked_base_url,
    checked_seconds,
    own_user_agent,
)
from airflow_provider_bulkexports.exceptions import BulkExportsError, printable

__all__ = ["Transport"]

#: Limit of the seconds for a complete response: a multiple of the read timeout, and never less than that timeout.
_READ_TIMEOUTS_OF_A_RESPONSE = 4
_LONGEST_RESPONSE = 120.0

#: Characters of a failure in the log line of its retry.
_LONGEST_REASON = 200

log = logging.getLogger(__name__)

_T = TypeVar("_T")


class Transport:
    """
    A pooled, retrying session to one origin. It never follows redirects, which would get the credentials.

    Parameters are those of :class:`airflow_provider_bulkexports.api.client.BulkExportsClient`.

    :param credentials: Checked here.
    :param timeouts: Seconds to wait for a connection, and for the next bytes.
    :param connection: Name of the Airflow connection, for errors.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        base_url: str,
        account_sid: str | None,
        timeouts: tuple[float, float],
        retry: RetryPolicy,
        user_agent: str,
        connection: str = "",
    ) -> None:
        credentials.check()
        self._connection = connection
        self.login = credentials.login
        self.base_url = checked_base_url(base_url)
        self.account_sid = checked_account_sid(self.login, account_sid)
        self._hide = credentials.hidden_in
        connect_timeout, read_timeout = timeouts
        self._timeouts = (
            checked_seconds("connect_timeout", connect_timeout),
            checked_seconds("read_timeout", read_timeout),
        )
        self._retry = retry
        seconds = max(read_timeout, min(_READ_TIMEOUTS_OF_A_RESPONSE * read_timeout, _LONGEST_RESPONSE))
        self._session = PrivateSession(ReceivingAdapter(seconds=seconds))
        self._session.auth = credentials
        self._session.headers["User-Agent"] = f"{own_user_agent()} {user_agent}".strip()
        self._session.headers["Accept"] = "application/json"
        self._session.headers["Accept-Encoding"] = ", ".join(ENCODINGS)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({getattr(self, 'base_url', '')!r})"

    def request(
        self,
        method: str,
        path: str,
        *,
        read: Callable[[requests.Response], _T],
        form: Mapping[str, str | None] | None = None,
        redirect_is_expected: bool = False,
    ) -> _T:
        """
        Send a request and read its response, with the retries of :mod:`.retry`.

        :param path: Path below the origin, or an absolute URL on it.
        :param read: Makes the return value from a response with a status below 300; raises
            :exc:`BulkExportsResponseError` if it cannot be used.
        :param form: Body; entries that are ``None`` are left out.
        :param redirect_is_expected: Read a redirect as well.
        :raises BulkExportsAPIError: for an error status, after the retries.
        :raises BulkExportsConnectionError: without a complete response, after the retries.
        :raises BulkExportsResponseError: for a response that cannot be used, after the retries.
        """
        url = path if path.startswith(("https://", "http://")) else self.base_url + path
        retries: BudgetedRetry | None = self._retry.as_urllib3()
        while True:
            exchange = Exchange(method, url, self._hide)
            try:
                # urllib3 logs headers that it cannot read; here they contain the link.
                with unlogged_queries() if redirect_is_expected else nullcontext():
                    response = exchange.receive(self._session, form, self._timeouts)
                exchange.require_success(response, redirect_is_expected=redirect_is_expected)
                return exchange.read(response, read)
            except BulkExportsError as error:
                failure = error
            assert retries is not None
            retries = exchange.next_try(retries, failure, announce=self._announce)
            if retries is None:
                if self._connection:
                    failure.add_details({"connection": self.connection})
                # Without the frames of the libraries, which hold the headers.
                raise failure.with_traceback(None)

    @property
    def connection(self) -> str:
        """The Airflow connection and its account, for an error; empty for a client without a connection."""
        if not self._connection:
            return ""
        return f"{self._connection} ({f'account {self.account_sid}' if self.account_sid else f'login {self.login}'})"

    def _announce(self, failure: BulkExportsError, seconds: float, number: int) -> None:
        """Log a retry: one line for each, instead of a silent pause."""
        log.warning(
            "Retrying in %.1f s (retry %d of %d): %s",
            seconds,
            number,
            self._retry.max_retries,
            printable(failure.what, _LONGEST_REASON),
        )

    def send(self, method: str, path: str) -> None:
        """
        Send a request whose response needs no body; see :meth:`request`.

        :raises BulkExportsResponseError: if the response has a foreign page, such as a login.
        """

        def read_nothing(response: requests.Response) -> None:
            if response.content and read_json_object(response) is None:
                raise unusable(response, self._hide)

        self.request(method, path, read=read_nothing)

    def send_json(
        self,
        method: str,
        path: str,
        *,
        form: Mapping[str, str | None] | None = None,
        read: ElementReader | None = None,
        check: Callable[[Mapping[str, Any]], _T],
    ) -> _T:
        """
        Send a request whose response is a JSON object; see :meth:`request`.

        :param read: See :func:`~airflow_provider_bulkexports.api.json_body.read_json_object`.
        :param check: Makes the return value from the object; raises :exc:`BulkExportsResponseError` if it is not about
            what was requested.
        """

        def read_object(response: requests.Response) -> _T:
            payload = read_json_object(response, read=read)
            if payload is None:
                raise unusable(response, self._hide)
            return check(payload)

        return self.request(method, path, read=read_object, form=form)

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()
