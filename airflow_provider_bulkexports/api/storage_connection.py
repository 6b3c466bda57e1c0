"""
Connections to the storage host, which can be any host that a link names.

They check the address that the host's name resolves to, which only the socket knows. They also limit the time without
usable data: a read timeout alone never ends on endless headers or interim responses, since each byte restarts it.
"""

from __future__ import annotations

import http.client
import io
import threading
import time
from socket import socket
from typing import Any

from urllib3.connection import HTTPSConnection

from airflow_provider_bulkexports.api.connections import ConnectionAdapter
from airflow_provider_bulkexports.api.hosts import is_link_local, is_loopback
from airflow_provider_bulkexports.exceptions import BulkExportsConnectionError, BulkExportsResponseError
from airflow_provider_bulkexports.model.plain import counted

__all__ = ["Patience", "StorageAdapter", "check_peer"]


class Patience(threading.local):
    """
    A thread's remaining time to wait for usable data.

    :param seconds: Longest wait, each time.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def renew(self) -> None:
        """Start a new wait."""
        self._end = time.monotonic() + self._seconds

    def check(self) -> None:
        """
        Check that there is time left.

        :raises BulkExportsConnectionError: if no usable data arrived for too long.
        """
        if time.monotonic() > self._end:
            raise BulkExportsConnectionError(f"no usable data arrived for {counted(self._seconds, 'second')}")


class StorageAdapter(ConnectionAdapter):
    """
    An adapter that makes such connections.

    :param patience: Shared by the threads of its session.
    """

    def __init__(self, patience: Patience, **kwargs: Any) -> None:
        self._response = type("PatientResponse", (_PatientResponse,), {"patience": patience})
        super().__init__(**kwargs)

    def connection_class(self, base: type[Any], *, is_proxied: bool) -> type[Any]:
        """Limit the time of every response, and check the address of direct connections: a proxy resolves names."""
        members: dict[str, Any] = {"response_class": self._response}
        if is_proxied:
            return type(f"Patient{base.__name__}", (base,), members)
        members["allows_only_loopback"] = not issubclass(base, HTTPSConnection)
        return type(f"Checked{base.__name__}", (_CheckedConnection, base), members)


def check_peer(connected: socket, *, only_loopback: bool) -> None:
    """
    Close a connection to an address where no storage can be, whatever the name said.

    :raises BulkExportsResponseError: naming the address.
    """
    peer = connected.getpeername()[0]
    if is_link_local(peer) or (only_loopback and not is_loopback(peer)):
        connected.close()
        raise BulkExportsResponseError(
            f"the storage's name resolves to {peer}, where Twilio keeps no files: check this machine's name servers",
            is_transient=False,
        )


class _CheckedConnection:
    allows_only_loopback: bool

    def _new_conn(self) -> socket:
        connected: socket = super()._new_conn()  # type: ignore[misc]  # of urllib3's class
        check_peer(connected, only_loopback=self.allows_only_loopback)
        return connected


class _PatientResponse(http.client.HTTPResponse):
    """A response that is read while there is time left."""

    patience: Patience

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fp = io.BufferedReader(_PatientReader(self.fp.detach(), self.patience))


class _PatientReader(io.RawIOBase):
    """
    The bytes of a socket, checked for patience before each read.

    Unlike the reader of API responses it has no end for the response as a whole: a large file may take hours.
    """

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
