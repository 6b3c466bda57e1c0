"""The settings of a client, checked when it is made."""

from __future__ import annotations

import platform
from importlib.metadata import version
from urllib.parse import urlsplit

from airflow_provider_bulkexports import __version__
from airflow_provider_bulkexports.api.hosts import is_loopback
from airflow_provider_bulkexports.api.redact import redact_url
from airflow_provider_bulkexports.api.urls import is_unambiguous, origin_of
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model import parsing
from airflow_provider_bulkexports.model.resources import is_account_sid

__all__ = ["BASE_URL", "checked_account_sid", "checked_base_url", "checked_seconds", "own_user_agent"]

BASE_URL = "https://bulkexports.twilio.com"

_LONGEST_TIMEOUT = 600.0


def own_user_agent() -> str:
    """Names and versions of this package, Python and `requests`."""
    return (
        f"airflow-provider-bulkexports/{__version__} "
        f"(python/{platform.python_version()}; requests/{version('requests')})"
    )


def checked_account_sid(login: str, account_sid: str | None) -> str | None:
    """
    Return the account that the credentials act on; ``None`` if it is unknown.

    :raises BulkExportsInputError: if the credentials cannot act on this account.
    """
    if account_sid and not is_account_sid(account_sid):
        raise BulkExportsInputError(
            f"account_sid {parsing.shown(account_sid)} is not an Account SID: 'AC' and 32 hexadecimal digits"
        )
    if not login.startswith("AC"):
        return account_sid or None
    if account_sid and account_sid != login:
        raise BulkExportsInputError(
            f"account_sid {account_sid} differs from the login {login}: Twilio acts on the account of the credentials, "
            "so remove account_sid, or log in as that account or with an API key of it"
        )
    return login


def checked_seconds(name: str, seconds: float) -> float:
    """
    Return a timeout.

    :param name: Its name in an error.
    :raises BulkExportsInputError: unless it is positive, and at most ten minutes.
    """
    if not isinstance(seconds, (int, float)) or not 0 < seconds <= _LONGEST_TIMEOUT:
        raise BulkExportsInputError(
            f"{name} must be a number of seconds, more than 0 and at most {_LONGEST_TIMEOUT:.0f}, "
            f"got {parsing.shown(seconds)}"
        )
    return seconds


def checked_base_url(base_url: str) -> str:
    """
    Return the origin, with its path if it has one, without a trailing slash.

    :raises BulkExportsInputError: if it is not a URL, contains credentials, or would send them in clear.
    """
    if "@" in base_url:  # first, since the other errors quote the host
        raise BulkExportsInputError("host contains credentials: put them into login and password")
    shown = parsing.shown(redact_url(base_url))
    if not is_unambiguous(base_url):
        raise BulkExportsInputError(
            f"host {shown} is not a URL: it contains white space, a backslash or a character that cannot be seen"
        )
    try:
        parts = urlsplit(base_url)
        port = parts.port
    except ValueError as error:
        raise BulkExportsInputError(f"host {shown} is not a URL: {error}") from error
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.query or parts.fragment:
        raise BulkExportsInputError(
            f"host {shown} must have a scheme and a host, and no query or fragment: write it like {BASE_URL}"
        )
    origin = origin_of(base_url)
    if origin is None:
        raise BulkExportsInputError(f"host {shown} is not a URL that can be connected to: write it like {BASE_URL}")
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    if origin.scheme == "http" and not is_loopback(origin.host):
        raise BulkExportsInputError(
            f"host http://{host} would send the credentials unencrypted: write https://{host} "
            "(plain http is for a simulator on 127.0.0.1 or localhost)"
        )
    return f"{origin.scheme}://{host}{f':{port}' if port else ''}{parts.path.rstrip('/')}"
