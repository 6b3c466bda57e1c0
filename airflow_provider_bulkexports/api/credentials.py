"""The login and its secret: checked once, sent with every request, and never shown."""

from __future__ import annotations

import re
from base64 import b64encode
from html import escape
from typing import NoReturn
from urllib.parse import quote

import requests
from requests.auth import AuthBase

from airflow_provider_bulkexports.api.redact import redact
from airflow_provider_bulkexports.exceptions import BulkExportsInputError

__all__ = ["Credentials"]

_LOGIN_SID = re.compile(r"(AC|SK)[0-9a-fA-F]{32}")


class Credentials(AuthBase):
    """
    Authenticates requests; `requests` calls it for each one.

    The secret is neither in its ``repr()`` nor in a traceback that shows local variables. It cannot be pickled, so the
    secret stays in this process.

    :param login: Account SID or API key SID.
    :param password: The Auth Token or the key's secret; :meth:`check` checks it.
    """

    def __init__(self, login: str, password: str) -> None:
        self.login = login
        self._password = password
        self._encoded = ""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.login[:2]}…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("credentials cannot be pickled: make a new client instead")

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Authenticate a request."""
        request.headers["Authorization"] = f"Basic {self._encoded}"
        return request

    def check(self) -> None:
        """
        Refuse a login or secret that cannot be right.

        :raises BulkExportsInputError: The message does not contain the secret.
        """
        if not self.login or not self._password:
            missing = (
                "login (Account SID or API key SID)" if not self.login else "password (Auth Token or API key secret)"
            )
            raise BulkExportsInputError(f"The connection has no {missing}: fill it in from Twilio's console")
        if not _LOGIN_SID.fullmatch(self.login):
            raise BulkExportsInputError(
                f"The connection's login '{self.login[:2]}… ({len(self.login)} characters)' is neither an Account SID "
                "nor an API key SID: it is 'AC' or 'SK' and 32 hexadecimal digits, with nothing before or after"
            )
        if any(character.isspace() for character in self._password):
            raise BulkExportsInputError(
                "The connection's password contains white space: copy the token or secret again"
            )
        if not (self._password.isascii() and self._password.isprintable()):
            raise BulkExportsInputError(
                "The connection's password contains a character that no token or secret has: copy the token or secret "
                "again"
            )
        self._encoded = b64encode(f"{self.login}:{self._password}".encode()).decode()

    def hidden_in(self, text: object) -> str:
        """Redact a text, and remove the secret from it in every notation that a server may echo."""
        secrets = (self._password, self._encoded)
        notations = {spelling for secret in secrets for spelling in (secret, quote(secret, safe=""), escape(secret))}
        return redact(text, *sorted(notations, key=len, reverse=True))
