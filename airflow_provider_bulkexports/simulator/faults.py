"""Scripted faults: which requests fail, how, and how often."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from airflow_provider_bulkexports.simulator.errors import error_body

__all__ = ["HTML_PAGE", "Fault", "FaultPlan"]

#: Error page of a gateway in front of Twilio, for :attr:`Fault.body`.
HTML_PAGE = "<html><head><title>Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


@dataclass
class Fault:
    """
    A failure of the requests that it matches.

    :param status: Status of a response that replaces the real one; the request has no effect. ``None``: the request
        is processed as usual.
    :param method: HTTP method to match; ``None``: any.
    :param path: Regular expression to match the whole decoded path.
    :param origin: Origin to match, ``api`` or ``storage``; ``None``: both.
    :param times: How many matching requests fail; ``None``: all.
    :param after: How many matching requests succeed before the first one fails.
    :param headers: Response headers to add or replace, for example ``Retry-After``.
    :param body: Response body if ``status`` is set: text, bytes, or a JSON value. ``None``: Twilio's usual error
        object; ``""``: empty.
    :param content_type: Media type of ``body``; by default one that suits it.
    :param delay: Real seconds to wait before the response.
    :param drop: Close the connection without a response; the request has no effect unless it is ``processed``.
    :param drop_at: Close the connection after this many bytes of the response body.
    :param processed: Process the request before it fails: the job exists, but the client does not know. Without
        ``status`` the connection is closed then.
    """

    status: int | None = None
    method: str | None = None
    path: str = r".*"
    origin: Literal["api", "storage"] | None = None
    times: int | None = 1
    after: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    content_type: str | None = None
    delay: float = 0.0
    drop: bool = False
    drop_at: int | None = None
    processed: bool = False
    #: Requests that matched so far.
    matched: int = field(default=0, init=False)
    #: Requests that failed so far.
    hits: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._path = re.compile(self.path, re.DOTALL)

    def matches(self, origin: str, method: str, path: str) -> bool:
        """Whether a request has the origin, method and path of this fault; counts nothing."""
        return (
            self.origin in (None, origin) and self.method in (None, method) and self._path.fullmatch(path) is not None
        )

    def applies(self) -> bool:
        """Count a matching request, and decide by ``after`` and ``times`` whether it fails."""
        self.matched += 1
        if self.matched <= self.after or (self.times is not None and self.hits >= self.times):
            return False
        self.hits += 1
        return True

    def rendered(self) -> tuple[bytes, str]:
        """Return the response body and its media type."""
        if self.body is None:
            content: bytes = error_body(self.status or 500, None, "Simulated fault")
            kind = "application/json"
        elif isinstance(self.body, bytes):
            content, kind = self.body, "application/octet-stream"
        elif isinstance(self.body, str):
            content, kind = self.body.encode(), "text/html" if self.body.startswith("<") else "text/plain"
        else:
            content = json.dumps(self.body).encode()
            is_problem = isinstance(self.body, Mapping) and "title" in self.body
            kind = "application/problem+json" if is_problem else "application/json"
        return content, self.content_type or kind


class FaultPlan:
    """The active faults, in the order in which they were added. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, *faults: Fault) -> None:
        """Add faults after those already active."""
        with self._lock:
            self._faults.extend(faults)

    def clear(self) -> None:
        """Remove every fault."""
        with self._lock:
            self._faults.clear()

    def pick(self, origin: str, method: str, path: str) -> Fault | None:
        """Return the first fault that applies to a request. Later ones do not count the request."""
        with self._lock:
            for fault in self._faults:
                if fault.matches(origin, method, path) and fault.applies():
                    return fault
            return None

    def __iter__(self) -> Iterator[Fault]:
        with self._lock:
            return iter(tuple(self._faults))

    def __len__(self) -> int:
        return len(self._faults)
