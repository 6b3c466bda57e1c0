"""
Admission of requests: which hosts the simulator answers to, and how long a body it reads.

A web page in somebody's browser can reach this machine: it lets a host name of its own resolve to 127.0.0.1 (DNS
rebinding), and reads from any server that does not check ``Host``. So the simulator checks it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from starlette.types import Receive, Scope

from airflow_provider_bulkexports.simulator.hosts import is_loopback

__all__ = ["MAX_BODY_BYTES", "BodyTooLargeError", "ServedHosts", "declared_length", "read_body"]

#: Longer than any form of this API: its longest field is the URL of a webhook.
MAX_BODY_BYTES = 1 << 20

_HOST = re.compile(r"(?P<name>[A-Za-z0-9.\-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?")


class BodyTooLargeError(Exception):
    """The body of a request is longer than :data:`MAX_BODY_BYTES`."""


class ServedHosts:
    """
    Hosts that a server answers to: loopback names, the address on which a request arrived, and given names.

    :param names: Further names, without a port. Ports are not compared, so that port forwarding works.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = {_plain(name) for name in names}

    def includes(self, scope: Scope) -> bool:
        """Whether a request may be answered; one without ``Host`` is HTTP/1.0, so not from a browser."""
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
    """Return the ``Content-Length`` of a request; 0 if its body is chunked."""
    lengths = [int(value) for name, value in scope["headers"] if name == b"content-length" and value.isdigit()]
    return max(lengths, default=0)


async def read_body(receive: Receive) -> bytes:
    """
    Read the body of a request.

    :raises BodyTooLargeError: as soon as it is longer than :data:`MAX_BODY_BYTES`.
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
