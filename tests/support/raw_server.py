"""A server that sends raw bytes at times that a test decides, for what no HTTP library would send."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any

from airflow_provider_bulkexports.api.client import BulkExportsClient
from support.constants import QUICK
from support.scripted_server import ScriptedServer

__all__ = ["RawServer"]


class RawServer:
    """
    Responds to each request with the pieces that a function yields, and closes the connection.

    :param script: Makes the pieces of a response from its number; it may wait between them.
    """

    def __init__(self, stack: ExitStack, script: Callable[[int], Iterable[bytes]]) -> None:
        self.requests: list[bytes] = []
        self.stopped = threading.Event()
        self._script = script
        self._stack = stack
        self._listener = socket.create_server(("127.0.0.1", 0))
        thread = threading.Thread(target=self._accept, daemon=True)
        thread.start()
        stack.callback(self.stop)

    @property
    def url(self) -> str:
        """Origin."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def client(self, **kwargs: Any) -> BulkExportsClient:
        """Return a client of this server."""
        client = BulkExportsClient(
            ScriptedServer.login, ScriptedServer.password, base_url=self.url, **{"retry": QUICK, **kwargs}
        )
        self._stack.callback(client.close)
        return client

    def stop(self) -> None:
        """Stop listening, and end every response at its next piece."""
        self.stopped.set()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        with connection, contextlib.suppress(OSError):
            request = b""
            while b"\r\n\r\n" not in request:
                piece = connection.recv(65536)
                if not piece:
                    return
                request += piece
            self.requests.append(request)
            for piece in self._script(len(self.requests) - 1):
                if self.stopped.is_set():
                    return
                connection.sendall(piece)
