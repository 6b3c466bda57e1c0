"""Check values before they are sent: Twilio would refuse them, or accept them and be unable to use them."""

from __future__ import annotations

from urllib.parse import urlsplit

from airflow_provider_bulkexports.api.urls import is_unambiguous, origin_of
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model import parsing

__all__ = ["check_settings", "check_submission", "check_webhook"]

#: Longest webhook URL. Twilio's limit is undocumented, and many servers refuse longer ones.
_LONGEST_URL = 2_048

#: Longest e-mail address (RFC 5321).
_LONGEST_EMAIL = 254


def check_submission(friendly_name: object, webhook_url: str | None, webhook_method: str | None, email: object) -> None:
    """
    Refuse a submission that Twilio would refuse, except for its days.

    :raises BulkExportsInputError: naming the parameter, and what to write instead.
    """
    check_webhook(webhook_url, webhook_method)
    _check_friendly_name(friendly_name)
    _check_email(email)


def check_settings(webhook_url: object, webhook_method: object) -> None:
    """
    Refuse settings of the automatic export that Twilio would refuse or could not use.

    :raises BulkExportsInputError: naming the parameter, and what to write instead.
    """
    _check_webhook_url(webhook_url)
    _check_webhook_method(webhook_method)


def _check_friendly_name(name: object) -> None:
    """
    Refuse a name that Twilio would refuse.

    :raises BulkExportsInputError: if it is empty, not a text, or cannot be encoded.
    """
    if not isinstance(name, str) or not name.strip():
        raise BulkExportsInputError("friendly_name is empty: Twilio requires a name for every job")
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise BulkExportsInputError(
            f"friendly_name {parsing.shown(name)} contains an unpaired surrogate; retype the text"
        ) from error


def _check_email(email: object) -> None:
    """
    Refuse a text that cannot be an address.

    :raises BulkExportsInputError: if it has no ``@``, or white space or control characters.
    """
    if not email:
        return
    is_text = isinstance(email, str) and len(email) <= _LONGEST_EMAIL and email.isprintable() and " " not in email
    if not is_text or "@" not in str(email):
        raise BulkExportsInputError(f"email {parsing.shown(email)} is not an address: write it like team@example.com")


def check_webhook(url: str | None, method: str | None) -> None:
    """
    Refuse half a webhook: Twilio accepts both values or none.

    :raises BulkExportsInputError: if one is missing or cannot be right.
    """
    if url and not method:
        raise BulkExportsInputError("webhook_url without webhook_method: add webhook_method='POST' (or 'GET')")
    if method and not url:
        raise BulkExportsInputError("webhook_method without webhook_url: add the URL, or remove the method")
    _check_webhook_url(url)
    _check_webhook_method(method)


def _check_webhook_url(url: object) -> None:
    """
    Refuse a URL that cannot be called.

    :raises BulkExportsInputError: without scheme or host, with white space, backslashes or control characters, or if it
        is too long.
    """
    if not url:
        return
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        raise BulkExportsInputError(
            f"webhook_url {parsing.shown(url)} is not a URL: write it with its scheme, https://…"
        )
    if len(url) > _LONGEST_URL:
        raise BulkExportsInputError(
            f"webhook_url {parsing.shown(url)} has {len(url)} characters: write one of at most {_LONGEST_URL}"
        )
    if origin_of(_with_ascii_host(url), may_have_user=True) is None:
        raise BulkExportsInputError(
            f"webhook_url {parsing.shown(url)} is not a URL that can be called: write https:// and a host, without "
            "white space, line breaks or backslashes"
        )


def _with_ascii_host(url: str) -> str:
    """Encode a host with non-ASCII letters as DNS does, so that it can be checked like others."""
    if url.isascii() or not is_unambiguous(url):  # urlsplit drops line breaks
        return url
    try:
        parts = urlsplit(url)
        user, at, host = parts.netloc.rpartition("@")
        return parts._replace(netloc=user + at + host.encode("idna").decode()).geturl()
    except ValueError:
        return url


def _check_webhook_method(method: object) -> None:
    """
    Refuse a method that Twilio does not call webhooks with.

    :raises BulkExportsInputError: unless it is ``GET`` or ``POST``, or none.
    """
    if method and method not in ("GET", "POST"):
        raise BulkExportsInputError(f"webhook_method must be 'GET' or 'POST', got {parsing.shown(method)}")
