"""
What every request passes, on either origin: the log, scripted faults, Twilio's headers, closed connections.

The servers run :class:`BreakableProtocol`, because ASGI itself cannot close a connection without a response.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Any, Literal, cast
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from airflow_provider_bulkexports.simulator.errors import RefusedError, error_body
from airflow_provider_bulkexports.simulator.faults import Fault, FaultPlan
from airflow_provider_bulkexports.simulator.http.admission import (
    MAX_BODY_BYTES,
    BodyTooLargeError,
    ServedHosts,
    declared_length,
    read_body,
)
from airflow_provider_bulkexports.simulator.http.visits import is_visit
from airflow_provider_bulkexports.simulator.request_log import LoggedRequest, RequestLog
from airflow_provider_bulkexports.simulator.service.accounts import authenticate, hex_digits
from airflow_provider_bulkexports.simulator.service.exports import ExportService

__all__ = ["BreakableProtocol", "FaultMiddleware", "drop_connection", "parse_form"]

log = logging.getLogger(__name__)

_CLOSE = "simulator.close"
_DROP_AT = "simulator.drop_at"
_NO_RESPONSE = -1


class ConnectionDroppedError(Exception):
    """The connection was closed on purpose; unwinds the code that was writing the response."""


class BreakableProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 protocol, with a function in each request's scope that closes its connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._is_lost = asyncio.Event()
        wrapped = cast("ASGIApp", self.app)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            scope[_CLOSE] = self.close
            await wrapped(scope, receive, send)

        self.app = app

    async def close(self) -> None:
        """Close the connection once everything written is sent, so that a body ends at the exact byte."""
        self.transport.close()
        await self._is_lost.wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let :meth:`close` return."""
        super().connection_lost(exc)
        self._is_lost.set()


def drop_connection(scope: MutableMapping[str, Any], *, after: int | None = None) -> None:
    """Close the connection after this many bytes of the response body; ``None``: before the status line."""
    scope[_DROP_AT] = _NO_RESPONSE if after is None else after


def parse_form(content_type: str, body: bytes) -> dict[str, str]:
    """Read a URL-encoded body of any bytes; the last value of each name."""
    if content_type.partition(";")[0].strip().lower() not in ("", "application/x-www-form-urlencoded"):
        return {}
    text = body.decode("utf-8", "replace")
    try:
        return dict(parse_qsl(text, keep_blank_values=True, errors="replace"))
    except ValueError:
        return {}


@dataclass
class _Exchange:
    """A request and its response."""

    scope: Scope
    send: Send
    entry: LoggedRequest
    headers: dict[str, str]
    sent: int = 0

    async def forward(self, message: Message) -> None:
        drop_at: int | None = self.scope.get(_DROP_AT)
        if drop_at == _NO_RESPONSE:
            await self.drop()
        if message["type"] == "http.response.start":
            self.entry.status = message["status"]
            await self.send({**message, "headers": self.with_extra(message.get("headers", ()))})
            return
        body = message.get("body", b"")
        if drop_at is not None and self.sent + len(body) >= drop_at:
            await self.send({**message, "body": body[: drop_at - self.sent], "more_body": True})
            await self.drop()
        self.sent += len(body)
        await self.send(message)

    def with_extra(self, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        extra = {name.lower().encode(): value.encode() for name, value in self.headers.items()}
        return [*((name, value) for name, value in headers if name not in extra), *extra.items()]

    async def drop(self) -> None:
        await self.scope[_CLOSE]()
        raise ConnectionDroppedError

    async def refuse(self, status: int, message: str) -> None:
        await self.respond(status, error_body(status, None, message), "application/json")

    async def respond(self, status: int, body: bytes, content_type: str) -> None:
        headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
        await self.forward({"type": "http.response.start", "status": status, "headers": headers})
        await self.forward({"type": "http.response.body", "body": body})


class FaultMiddleware:
    """
    ASGI middleware around one origin.

    :param origin: ``api`` or ``storage``.
    :param hosts: Hosts that it answers to.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        origin: Literal["api", "storage"],
        hosts: ServedHosts,
        service: ExportService,
        faults: FaultPlan,
        requests: RequestLog,
    ) -> None:
        self._app = app
        self._origin = origin
        self._hosts = hosts
        self._service = service
        self._faults = faults
        self._requests = requests
        self._in_progress: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Log a request and answer it, or let it fail."""
        is_too_large = False
        try:
            body = await self._body(scope, receive)
        except BodyTooLargeError:
            body, is_too_large = b"", True
        entry = self._log(scope, body)
        caller = entry.headers.get("authorization", "")
        self._in_progress[caller] += 1
        exchange = _Exchange(scope, send, entry, {"Date": format_datetime(entry.at, usegmt=True)})
        try:
            if not self._hosts.includes(scope):
                await exchange.refuse(
                    421, "Misdirected Request: the simulator does not answer to this host; pass it in allowed_hosts"
                )
            elif is_too_large:
                await exchange.refuse(413, f"Content Too Large: more than {MAX_BODY_BYTES} bytes")
            else:
                await self._serve(exchange, _replayed(body, receive))
        except ConnectionDroppedError:
            pass
        except Exception:
            log.exception("The simulator failed to answer %s %s", entry.method, entry.path)
            raise
        finally:
            self._in_progress[caller] -= 1
            self._requests.finish(entry)

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        """
        Read the body; nothing of it if the request has no valid credentials.

        :raises BodyTooLargeError: if it is longer than any form of the API.
        """
        if self._origin == "storage" or not self._hosts.includes(scope) or not self._is_authenticated(scope):
            return b""
        if declared_length(scope) > MAX_BODY_BYTES:
            raise BodyTooLargeError
        return await read_body(receive)

    def _is_authenticated(self, scope: Scope) -> bool:
        headers = [value.decode("latin-1") for name, value in scope["headers"] if name == b"authorization"]
        try:
            authenticate(headers[0] if headers else None, self._service.accounts, self._service.knobs)
        except RefusedError:
            return False
        return True

    async def _serve(self, exchange: _Exchange, receive: Receive) -> None:
        entry = exchange.entry
        fault = None
        if not is_visit(entry.method, entry.headers):  # somebody's browser must not use up a test's faults
            fault = entry.fault = self._faults.pick(entry.origin, entry.method, entry.path)
        if self._origin == "api":
            await self._prepare_api(exchange)
        if fault is not None:
            await self._apply(fault, exchange, receive)
        elif self._exceeds_concurrency(entry):
            await exchange.refuse(429, "Too Many Requests")
        else:
            await self._app(exchange.scope, receive, exchange.forward)

    async def _prepare_api(self, exchange: _Exchange) -> None:
        began = time.monotonic()
        if self._service.knobs.latency_seconds:
            await asyncio.sleep(self._service.knobs.latency_seconds)
        if self._service.knobs.twilio_headers:
            caller = exchange.entry.headers.get("authorization", "")
            exchange.headers |= {
                "Twilio-Request-Id": f"RQ{hex_digits(self._service.seed, 'request', len(self._requests))}",
                "Twilio-Request-Duration": f"{time.monotonic() - began:.3f}",
                "Twilio-Concurrent-Requests": str(self._in_progress[caller]),
                "X-API-Domain": "bulkexports.twilio.com",
                "X-Home-Region": "us1",
            }

    def _exceeds_concurrency(self, entry: LoggedRequest) -> bool:
        limit = self._service.knobs.concurrency_limit
        return (
            self._origin == "api"
            and limit is not None
            and self._in_progress[entry.headers.get("authorization", "")] > limit
        )

    async def _apply(self, fault: Fault, exchange: _Exchange, receive: Receive) -> None:
        if fault.processed:
            await self._app(exchange.scope, receive, _discard)
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if fault.drop or (fault.processed and fault.status is None):
            await exchange.drop()
        if fault.drop_at is not None:
            drop_connection(exchange.scope, after=fault.drop_at)
        exchange.headers.update(fault.headers)
        if fault.status is None:
            await self._app(exchange.scope, receive, exchange.forward)
        else:
            await exchange.respond(fault.status, *fault.rendered())

    def _log(self, scope: Scope, body: bytes) -> LoggedRequest:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        entry = LoggedRequest(
            origin=self._origin,
            method=scope["method"],
            path=scope["path"],
            query=dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
            headers=headers,
            form=parse_form(headers.get("content-type", ""), body),
            at=self._service.clock.now(),
        )
        self._requests.add(entry)
        return entry


def _replayed(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


async def _discard(message: Message) -> None:
    """Drop a response."""
