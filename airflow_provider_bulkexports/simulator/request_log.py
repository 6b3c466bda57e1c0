"""The requests that arrived, for tests to inspect."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import overload

from airflow_provider_bulkexports.simulator.faults import Fault

__all__ = ["LoggedRequest", "RequestLog"]


@dataclass
class LoggedRequest:
    """
    One request.

    :param origin: ``api`` or ``storage``.
    :param path: Decoded path.
    :param query: Query parameters; the last value of each name.
    :param headers: By lower-case name.
    :param form: Form fields of the body; the last value of each name.
    :param at: Simulated time of arrival.
    :param status: Status of the response; ``None`` if there is none yet, or the connection was closed without one.
    :param fault: The scripted fault that applied to it.
    """

    origin: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    form: Mapping[str, str]
    at: datetime
    status: int | None = None
    fault: Fault | None = None


class RequestLog:
    """Every request, in order of arrival. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[LoggedRequest] = []
        self._watchers: list[Callable[[LoggedRequest], None]] = []

    def watch(self, watcher: Callable[[LoggedRequest], None]) -> None:
        """Call a function with each later request, in the server's thread, when its response ends."""
        with self._lock:
            self._watchers.append(watcher)

    def finish(self, entry: LoggedRequest) -> None:
        """Pass a request whose response ended to those who watch."""
        with self._lock:
            watchers = tuple(self._watchers)
        for watcher in watchers:
            watcher(entry)

    def add(self, entry: LoggedRequest) -> None:
        """Append a request."""
        with self._lock:
            self._entries.append(entry)

    def clear(self) -> None:
        """Remove every request."""
        with self._lock:
            self._entries.clear()

    def matching(
        self, *, method: str | None = None, path: str = r".*", origin: str | None = None
    ) -> list[LoggedRequest]:
        """
        Return the requests of a method, path and origin.

        :param path: Regular expression to match the whole decoded path.
        :param origin: ``api`` or ``storage``.
        """
        return [
            entry
            for entry in self
            if method in (None, entry.method)
            and origin in (None, entry.origin)
            and re.fullmatch(path, entry.path, re.DOTALL)
        ]

    def __iter__(self) -> Iterator[LoggedRequest]:
        with self._lock:
            return iter(tuple(self._entries))

    def __len__(self) -> int:
        with self._lock:
            return len(self._entries)

    @overload
    def __getitem__(self, index: int) -> LoggedRequest: ...
    @overload
    def __getitem__(self, index: slice) -> list[LoggedRequest]: ...
    def __getitem__(self, index: int | slice) -> LoggedRequest | list[LoggedRequest]:
        with self._lock:
            return self._entries[index]
