"""A server whose responses never end, for timeouts of a whole response."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack

__all__ = ["DRIPS", "DrippingServer"]

#: What is sent at once, and what follows, again and again.
DRIPS: dict[str, tuple[bytes, bytes]] = {
    "nothing": (b"", b""),
    "a body by bytes": (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{", b" "),
    "chunks without end": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "a header line without end": (b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
    "headers without end": (b"HTTP/1.1 200 OK\r\n", b"X-More: 1\r\n"),
    "100 Continue without end": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "an error's body by bytes": (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 100000\r\n\r\n", b"x"),
}


class DrippingServer:
    """
    Answers every request with the beginning of an answer, and then a bit of it every tenth of a second.

    :param answer: Returns, for a request line, a whole answer to send instead; ``None`` lets it drip.
    """

    def __init__(self, stack: ExitStack, drip: tuple[bytes, bytes]) -> None:
        self.answer: Callable[[str], bytes | None] = lambda _: None
        self.dripping = threading.Event()
        self._drip = drip
        self._ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()
        stack.callback(self.stop)

    @property
    def url(self) -> str:
        """Origin."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def stop(self) -> None:
        """Close every connection."""
        self._ended.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        begin, more = self._drip
        with connection:
            while request := connection.recv(65536).decode():
                if whole := self.answer(request.partition("\r\n")[0]):
                    connection.sendall(whole)
                    continue
                self.dripping.set()
                try:
                    connection.sendall(begin)
                    while not self._ended.wait(0.1):
                        connection.sendall(more)
                except OSError:
                    pass
                return
