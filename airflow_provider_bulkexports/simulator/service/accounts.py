"""A parent account, its subaccounts and their credentials."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from airflow_provider_bulkexports.simulator.errors import RefusedError
from airflow_provider_bulkexports.simulator.knobs import Knobs

__all__ = ["Account", "authenticate", "hex_digits", "make_accounts"]


@dataclass(frozen=True)
class Account:
    """
    A Twilio account and its credentials.

    :param api_keys: Secrets by API key sid.
    :param parent_sid: Sid of the parent account; ``None`` if it is the parent itself.
    """

    sid: str
    auth_token: str
    api_keys: Mapping[str, str] = field(default_factory=dict)
    bearer_token: str = ""
    parent_sid: str | None = None

    @property
    def family_sid(self) -> str:
        """Sid of the account whose quota this one uses."""
        return self.parent_sid or self.sid

    @property
    def api_key_sid(self) -> str:
        """Sid of the account's first API key."""
        return next(iter(self.api_keys))

    @property
    def api_key_secret(self) -> str:
        """Secret of the account's first API key."""
        return self.api_keys[self.api_key_sid]


def make_accounts(
    seed: int, *, account_sid: str | None, auth_token: str | None, subaccounts: int
) -> tuple[Account, ...]:
    """Return the parent account, then its subaccounts; the same for the same seed."""
    parent = _make_account(seed, "parent", account_sid=account_sid, auth_token=auth_token)
    children = (_make_account(seed, f"sub{number}", parent_sid=parent.sid) for number in range(subaccounts))
    return (parent, *children)


def hex_digits(*parts: object, length: int = 32) -> str:
    """Return pseudorandom hexadecimal digits; the same for the same parts."""
    return hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()[:length]


def _make_account(
    seed: int,
    name: str,
    *,
    account_sid: str | None = None,
    auth_token: str | None = None,
    parent_sid: str | None = None,
) -> Account:
    return Account(
        sid=account_sid or f"AC{hex_digits(seed, name, 'sid')}",
        auth_token=auth_token or hex_digits(seed, name, "token"),
        api_keys={f"SK{hex_digits(seed, name, 'key')}": hex_digits(seed, name, "secret")},
        bearer_token=hex_digits(seed, name, "bearer", length=64),
        parent_sid=parent_sid,
    )


def authenticate(header: str | None, accounts: Iterable[Account], knobs: Knobs) -> Account:
    """
    Return the account of an ``Authorization`` header.

    :raises RefusedError: 401 if its credentials are unknown; ``key_denied_status`` if that rejects API keys.
    """
    if not header:
        raise _unauthenticated("Authentication Error - No credentials provided")
    scheme, _, value = header.partition(" ")
    for account in accounts:
        if scheme.lower() == "basic" and _same(_decoded(value), f"{account.sid}:{account.auth_token}"):
            return account
        if _is_key_of(account, scheme.lower(), value, knobs):
            if knobs.key_denied_status is not None:
                raise RefusedError(knobs.key_denied_status, 70051, "Authorization Error - insufficient permissions")
            return account
    raise _unauthenticated("Authenticate")


def _is_key_of(account: Account, scheme: str, value: str, knobs: Knobs) -> bool:
    if scheme == "bearer":
        return knobs.accept_bearer and _same(value.strip(), account.bearer_token)
    pair = _decoded(value) if scheme == "basic" else ""
    return any(_same(pair, f"{sid}:{secret}") for sid, secret in account.api_keys.items())


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value.strip(), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())


def _unauthenticated(message: str) -> RefusedError:
    return RefusedError(401, 20003, message, detail="Your AccountSid or AuthToken was incorrect.")
