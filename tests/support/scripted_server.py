"""A server with scripted responses, for what the simulator would never send."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.api.retry import RetryPolicy
from support.constants import QUICK

__all__ = ["Answer", "Received", "ScriptedServer"]


@dataclass(frozen=True)
class Received:
    """One request; ``target`` is the raw path with its query, header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True)
class Answer:
    """
    A response to send.

    :param body: Text or bytes as they are, or a value to send as JSON.
    :param drop: Close the connection without a response.
    :param cut: Number of last bytes of the body to leave out, before the connection is closed.
    :param raw: Everything to send, with the head, before the connection is closed.
    :param endless: Sent repeatedly as the body, until the client hangs up.
    """

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    drop: bool = False
    cut: int = 0
    raw: bytes | None = None
    endless: bytes = b""

    @property
    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


class ScriptedServer:
    """
    Sends scripted responses in order and records the requests; the last response is repeated.

    :param script: The responses, or a function from a request to its response.
    :param port: Where it listens; by default anywhere.
    """

    login = "AC" + "0123456789abcdef" * 2
    password = "very-secret-token-0123456789"

    def __init__(self, stack: ExitStack, port: int = 0) -> None:
        self.received: list[Received] = []
        #: Bytes of endless bodies that went out.
        self.sent = 0
        self.script: list[Answer] | Callable[[Received], Answer] = [Answer(body={})]
        self._stack = stack
        self._server = _Server(("127.0.0.1", port), _handler(self))
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True)
        thread.start()
        stack.callback(self.stop)

    @property
    def url(self) -> str:
        """Origin."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answers(self, *answers: Answer) -> None:
        """Send these responses; the last one is repeated."""
        self.script = list(answers)

    def client(self, *, retry: RetryPolicy = QUICK, **kwargs: Any) -> BulkExportsClient:
        """Return a client of this server."""
        client = BulkExportsClient(self.login, self.password, base_url=self.url, retry=retry, **kwargs)
        self._stack.callback(client.close)
        return client

    def next_answer(self, received: Received) -> Answer:
        """Record a request and return the response."""
        self.received.append(received)
        if callable(self.script):
            return self.script(received)
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def stop(self) -> None:
        """Stop listening; the port then refuses connections."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


def _handler(script: ScriptedServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1
        timeout = 10

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = script.next_answer(Received(self.command, self.path, headers, body))
            if answer.drop:
                self.close_connection = True
                return
            if answer.raw is not None:
                self.wfile.write(answer.raw)
                self.close_connection = True
                return
            self.send_response_only(answer.status)
            names = {name.lower() for name in answer.headers}
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if "content-type" not in names:
                self.send_header("Content-Type", "application/json")
            if answer.endless:
                self._send_without_end(answer.endless)
                return
            if answer.status != 204:
                self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content[: len(answer.content) - answer.cut])
            self.close_connection = self.close_connection or answer.cut > 0

        def _send_without_end(self, piece: bytes) -> None:
            self.close_connection = True
            self.end_headers()
            with suppress(OSError):
                while True:
                    self.wfile.write(piece)
                    script.sent += len(piece)

        do_GET = do_POST = do_DELETE = do_CONNECT = handle_any  # noqa: N815 -- the names that http.server looks up

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- as http.server calls it
            """Say nothing."""

    return Handler
