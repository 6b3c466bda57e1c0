"""Send one request with the credentials and get its answer or the error that says what to do."""

from __future__ import annotations

import platform
import re
from base64 import b64encode
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from airflow_provider_bulkexports import __version__
from airflow_provider_bulkexports.api.bodies import Read, json_object
from airflow_provider_bulkexports.api.errors import error_from
from airflow_provider_bulkexports.api.hosts import is_loopback
from airflow_provider_bulkexports.api.redact import redact, redact_url
from airflow_provider_bulkexports.api.retry import RetryPolicy
from airflow_provider_bulkexports.api.sessions import PrivateSession
from airflow_provider_bulkexports.exceptions import (
    BulkExportsConnectionError,
    BulkExportsInputError,
    BulkExportsResponseError,
)

__all__ = ["BASE_URL", "Transport", "is_loopback", "is_twilio"]

BASE_URL = "https://bulkexports.twilio.com"

_LONGEST_TIMEOUT = 600.0
_ACCOUNT_SID = re.compile(r"AC[0-9a-fA-F]{32}")
_LOGIN_SID = re.compile(r"(AC|SK)[0-9a-fA-F]{32}")


class Transport:
    """
    A pooled, retrying session to one origin. Redirects are never followed: they would carry the credentials along.

    Parameters are those of :class:`airflow_provider_bulkexports.api.client.BulkExportsClient`.

    :param timeouts: Seconds to wait for a connection, and for the next bytes.
    """

    def __init__(
        self,
        login: str,
        password: str,
        *,
        base_url: str,
        account_sid: str | None,
        timeouts: tuple[float, float],
        retry: RetryPolicy,
        user_agent: str,
    ) -> None:
        _check_credentials(login, password)
        self.login = login
        self.base_url = _checked_base_url(base_url)
        self.account_sid = _checked_account_sid(login, account_sid)
        # As they are, and as they travel, in case a server echoes them.
        self._secrets = (password, b64encode(f"{login}:{password}".encode()).decode())
        self._timeouts = _checked_timeouts(timeouts)
        self._session = PrivateSession()
        self._session.auth = (login, password)
        self._session.headers["User-Agent"] = f"{_own_user_agent()} {user_agent}".strip()
        self._session.headers["Accept"] = "application/json"
        adapter = HTTPAdapter(max_retries=retry.as_urllib3())
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def send(
        self,
        method: str,
        path: str,
        *,
        form: Mapping[str, str | None] | None = None,
        redirect_is_answer: bool = False,
    ) -> requests.Response:
        """
        Send a request; the answer has a status below 300.

        :param path: Path below the origin, or an absolute URL on it.
        :param form: Body; entries that are ``None`` are left out.
        :param redirect_is_answer: Return a redirect as well.
        :raises BulkExportsAPIError: for an error status, after the retries.
        :raises BulkExportsConnectionError: without a complete answer, after the retries.
        :raises BulkExportsResponseError: for a redirect that is no answer.
        """
        url = path if path.startswith(("https://", "http://")) else self.base_url + path
        try:
            response = self._session.request(method, url, data=form, timeout=self._timeouts, allow_redirects=False)
        except requests.RequestException as error:
            # The original stays reachable as __context__ only: its text holds the URL, and a proxy's its password.
            raise self._connection_error(method, url, error) from None
        if response.status_code >= 400:
            raise error_from(response, secrets=self._secrets)
        if response.status_code >= 300 and not redirect_is_answer:
            raise _unusable(response)
        return response

    def send_json(
        self, method: str, path: str, *, form: Mapping[str, str | None] | None = None, read: Read | None = None
    ) -> Mapping[str, Any]:
        """
        Send a request whose answer is a JSON object; see :meth:`send`.

        :param read: See :func:`~airflow_provider_bulkexports.api.bodies.json_object`.
        :raises BulkExportsResponseError: if it is something else.
        """
        response = self.send(method, path, form=form)
        payload = json_object(response, read=read)
        if payload is None:
            raise _unusable(response)
        return payload

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()

    def _connection_error(self, method: str, url: str, error: requests.RequestException) -> BulkExportsConnectionError:
        outcome = (
            "It is unknown whether Twilio acted on it: look before repeating it."
            if method == "POST"
            else ("Check the network, the proxy and the connection's host; it is usually passing.")
        )
        cause = redact(error, *self._secrets)
        return BulkExportsConnectionError(f"{method} {redact_url(url)} got no complete answer: {cause}. {outcome}")


def _unusable(response: requests.Response) -> BulkExportsResponseError:
    kind = response.headers.get("Content-Type", "no content type").partition(";")[0]
    request = f"{response.request.method} {redact_url(response.url)}"
    return BulkExportsResponseError(
        f"{request} answered HTTP {response.status_code} with {kind}, not with what was asked for: "
        "is the connection's host Twilio's BulkExports API, or does a proxy answer in its place?"
    )


def _own_user_agent() -> str:
    return (
        f"airflow-provider-bulkexports/{__version__} "
        f"(python/{platform.python_version()}; requests/{version('requests')})"
    )


def _check_credentials(login: str, password: str) -> None:
    if not login or not password:
        missing = "login (Account SID or API key SID)" if not login else "password (Auth Token or API key secret)"
        raise BulkExportsInputError(f"The connection has no {missing}: fill it in from Twilio's console")
    if not _LOGIN_SID.fullmatch(login):
        shown = f"{login[:2]}… ({len(login)} characters)"
        raise BulkExportsInputError(
            f"The connection's login {shown!r} is neither an Account SID nor an API key SID: "
            "it is 'AC' or 'SK' and 32 hexadecimal digits, with nothing before or after"
        )
    if password != password.strip() or any(character.isspace() for character in password):
        raise BulkExportsInputError("The connection's password contains white space: copy the token or secret again")
    if not password.isascii():
        raise BulkExportsInputError(
            "The connection's password contains a character that no token or secret has: copy the token or secret again"
        )


def _checked_account_sid(login: str, account_sid: str | None) -> str | None:
    if account_sid and not _ACCOUNT_SID.fullmatch(account_sid):
        raise BulkExportsInputError(
            f"account_sid {account_sid!r} is not an Account SID: 'AC' and 32 hexadecimal digits"
        )
    if not login.startswith("AC"):
        return account_sid or None
    if account_sid and account_sid != login:
        raise BulkExportsInputError(
            f"account_sid {account_sid} differs from the login {login}: Twilio acts on the account of the credentials, "
            "so remove account_sid, or log in as that account or with an API key of it"
        )
    return login


def _checked_timeouts(timeouts: tuple[float, float]) -> tuple[float, float]:
    for name, seconds in zip(("connect_timeout", "read_timeout"), timeouts, strict=True):
        if not isinstance(seconds, (int, float)) or not 0 < seconds <= _LONGEST_TIMEOUT:
            raise BulkExportsInputError(
                f"{name} {seconds!r}: write seconds, more than 0 and at most {_LONGEST_TIMEOUT:.0f}"
            )
    return timeouts


def _checked_base_url(base_url: str) -> str:
    if "@" in base_url:  # before anything that quotes the host
        raise BulkExportsInputError("host contains credentials: put them into login and password")
    try:
        parts = urlsplit(base_url)
        port = parts.port
    except ValueError as error:
        raise BulkExportsInputError(f"host {redact_url(base_url)!r} is not a URL: {error}") from error
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.query or parts.fragment:
        raise BulkExportsInputError(f"host {redact_url(base_url)!r} is not an origin: write it like {BASE_URL}")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise BulkExportsInputError(
            f"host http://{parts.hostname} would send the credentials in clear: write https://{parts.hostname} "
            "(plain http is for a simulator on 127.0.0.1 or localhost)"
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path.rstrip('/')}"


def is_twilio(url: str) -> bool:
    """Whether a URL is on one of Twilio's own hosts."""
    return f".{urlsplit(url).hostname}".endswith(".twilio.com")
