"""Events in simulated time, run on request and not in the background."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import datetime
from itertools import count

__all__ = ["EventQueue"]

_Action = Callable[[datetime], None]


class EventQueue:
    """Events in the order of their times, and of their scheduling if these are equal."""

    def __init__(self) -> None:
        self._entries: list[tuple[datetime, int, _Action]] = []
        self._order = count()

    def schedule(self, due: datetime, action: _Action) -> None:
        """
        Add an event.

        :param action: Called with ``due``.
        """
        heapq.heappush(self._entries, (due, next(self._order), action))

    def run_due(self, now: datetime) -> None:
        """Run every event that is due, including those that these schedule."""
        while self._entries and self._entries[0][0] <= now:
            due, _, action = heapq.heappop(self._entries)
            action(due)
