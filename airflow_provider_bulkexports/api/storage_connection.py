"""
Connections to a storage host, which is whatever a link names: checked where they lead, and not patient without end.

An endless header line, or interim answers without end, never let go of somebody who waits for the next byte only; what
a name resolves to is known to nobody but the socket.
"""

from __future__ import annotations

import http.client
import io
import ipaddress
import threading
from collections.abc import Callable
from socket import socket
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, ProxyManager
from urllib3.connection import HTTPConnection, HTTPSConnection

from airflow_provider_bulkexports.exceptions import BulkExportsConnectionError, BulkExportsResponseError

__all__ = ["Patience", "StorageAdapter"]


class Patience(threading.local):
    """
    How long this thread still waits for the next thing that it can use.

    :param seconds: How long each time.
    :param clock: Monotonic seconds.
    """

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._end = clock() + seconds

    def renew(self) -> None:
        """Begin to wait for the next thing."""
        self._end = self._clock() + self._seconds

    def check(self) -> None:
        """
        Go on waiting, or not.

        :raises BulkExportsConnectionError: if nothing that can be used has come for too long.
        """
        if self._clock() > self._end:
            raise BulkExportsConnectionError(f"the answer did not come on in {self._seconds:.0f} seconds")


class StorageAdapter(HTTPAdapter):
    """
    Adapter with such connections.

    :param patience: Of the session's threads.
    """

    def __init__(self, patience: Patience, **arguments: Any) -> None:
        self._pool_classes = _pool_classes(patience)
        super().__init__(**arguments)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Make the pools of direct connections."""
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = self._pool_classes

    def proxy_manager_for(self, *arguments: Any, **options: Any) -> ProxyManager:
        """Make the pools of connections through a proxy."""
        manager: ProxyManager = super().proxy_manager_for(*arguments, **options)
        if type(manager) is ProxyManager:  # one for SOCKS has a way of its own to connect
            manager.pool_classes_by_scheme = self._pool_classes
        return manager


def _pool_classes(patience: Patience) -> dict[str, Any]:
    class Answer(http.client.HTTPResponse):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.fp = io.BufferedReader(_PatientReader(self.fp.detach(), patience))

    class Plain(HTTPConnection):
        response_class = Answer

        def _new_conn(self) -> socket:
            return _checked(super()._new_conn(), only_loopback=True)  # no proxy is asked for plain http

    class Encrypted(HTTPSConnection):
        response_class = Answer

        def _new_conn(self) -> socket:
            connected = super()._new_conn()
            return connected if self.proxy else _checked(connected, only_loopback=False)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class EncryptedPool(HTTPSConnectionPool):
        ConnectionCls = Encrypted

    return {"http": PlainPool, "https": EncryptedPool}


def _checked(connected: socket, *, only_loopback: bool) -> socket:
    """Refuse a connection that leads where no storage is, whatever the name said."""
    peer = ipaddress.ip_address(connected.getpeername()[0].partition("%")[0])
    peer = getattr(peer, "ipv4_mapped", None) or peer
    if peer.is_link_local or (only_loopback and not peer.is_loopback):
        connected.close()
        raise BulkExportsResponseError(
            f"the storage's name leads to {peer}, where no file of Twilio is: check the name servers of this machine",
            is_transient=False,
        )
    return connected


class _PatientReader(io.RawIOBase):
    """What a socket receives, as long as somebody is willing to wait."""

    def __init__(self, source: Any, patience: Patience) -> None:
        self._source = source
        self._patience = patience

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int | None:
        self._patience.check()
        received: int | None = self._source.readinto(target)
        return received

    def close(self) -> None:
        self._source.close()
        super().close()
