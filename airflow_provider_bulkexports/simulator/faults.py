"""Scripted faults: which requests go wrong, how, and how often."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from airflow_provider_bulkexports.simulator.errors import error_body

__all__ = ["HTML_PAGE", "Fault", "FaultPlan"]

#: What a gateway in front of Twilio may answer, as a :attr:`Fault.body`.
HTML_PAGE = "<html><head><title>Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


@dataclass
class Fault:
    """
    Something that goes wrong with the requests it matches.

    :param status: Status to answer instead of doing what was asked; ``None``: do it, after ``delay`` and up to
        ``drop_at``.
    :param method: HTTP method it is for; ``None``: any.
    :param path: Regular expression that the whole decoded path matches.
    :param origin: ``api`` or ``storage``; ``None``: both.
    :param times: How many matching requests it hits; ``None``: all.
    :param after: How many matching requests pass unharmed before.
    :param headers: Headers of the answer, such as ``Retry-After``.
    :param body: The answer's body: text, bytes, or a JSON value. ``None``: Twilio's usual error object; ``""``: empty.
    :param content_type: Its media type; by default what suits ``body``.
    :param delay: Real seconds to wait before anything else but what ``processed`` does.
    :param drop: Close the connection without an answer.
    :param drop_at: Close it after so many bytes of the answer's body.
    :param processed: Do what was asked before the fault shows: the job exists, the client does not know. Without a
        ``status`` the connection is dropped then.
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
    #: How many requests matched so far, and how many of them were hit.
    matched: int = field(default=0, init=False)
    hits: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._path = re.compile(self.path, re.DOTALL)

    def matches(self, origin: str, method: str, path: str) -> bool:
        """Whether a request is of the kind that this fault is for, whatever the counts say."""
        return (
            self.origin in (None, origin) and self.method in (None, method) and self._path.fullmatch(path) is not None
        )

    def applies(self) -> bool:
        """Count one matching request; whether the fault hits it."""
        self.matched += 1
        if self.matched <= self.after or (self.times is not None and self.hits >= self.times):
            return False
        self.hits += 1
        return True

    def rendered(self) -> tuple[bytes, str]:
        """The body of the answer and its media type."""
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
    """The faults in force, in the order in which they were added. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, *faults: Fault) -> None:
        """Put faults in force, after those already there."""
        with self._lock:
            self._faults.extend(faults)

    def clear(self) -> None:
        """Remove every fault."""
        with self._lock:
            self._faults.clear()

    def pick(self, origin: str, method: str, path: str) -> Fault | None:
        """Return the first fault that hits a request. Those after it do not count the request."""
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
