"""
What is decided about a request by its head alone, before anything of its body is kept.

A web page that somebody has open can reach this machine: by letting a name of its own resolve to 127.0.0.1 (DNS
rebinding) it reads what a server answers to any ``Host``. So only names that the server was started for are answered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from starlette.types import Receive, Scope

from airflow_provider_bulkexports.simulator.hosts import is_loopback

__all__ = ["MAX_BODY_BYTES", "BodyTooLargeError", "ServedHosts", "declared_length", "read_body"]

#: More than any form of this API has: its longest field is a webhook's URL.
MAX_BODY_BYTES = 1 << 20

_HOST = re.compile(r"(?P<name>[A-Za-z0-9.\-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?")


class BodyTooLargeError(Exception):
    """A request's body is longer than :data:`MAX_BODY_BYTES`."""


class ServedHosts:
    """
    The hosts that a server answers to: this machine's loopback names, the address that was asked, and given names.

    :param names: Further names, without a port; ports are not compared, so that a forwarded one works.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = {_plain(name) for name in names}

    def includes(self, scope: Scope) -> bool:
        """Whether a request asks for a host that is served; one that names none, by HTTP/1.0, comes from no browser."""
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if not hosts:
            return True
        match = _HOST.fullmatch(hosts[0])
        if len(hosts) > 1 or match is None or int(match["port"] or 80) > 65535:
            return False
        name = _plain(match["name"])
        server = scope.get("server")
        return name in self._names or is_loopback(name) or (server is not None and name == _plain(str(server[0])))


def declared_length(scope: Scope) -> int:
    """The body's length by its head; of a chunked one, which says none, 0."""
    lengths = [int(value) for name, value in scope["headers"] if name == b"content-length" and value.isdigit()]
    return max(lengths, default=0)


async def read_body(receive: Receive) -> bytes:
    """
    Read a request's body.

    :raises BodyTooLargeError: as soon as it is longer than allowed.
    """
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLargeError
        if not message.get("more_body", False):
            return bytes(body)


def _plain(name: str) -> str:
    return name.strip("[]").rstrip(".").lower()
