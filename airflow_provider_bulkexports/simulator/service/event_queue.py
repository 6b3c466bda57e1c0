"""What will happen, and when: played on demand, not in the background."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import datetime
from itertools import count

__all__ = ["EventQueue"]

_Happening = Callable[[datetime], None]


class EventQueue:
    """Happenings in the order of their moments; those of the same moment in the order in which they were entered."""

    def __init__(self) -> None:
        self._entries: list[tuple[datetime, int, _Happening]] = []
        self._order = count()

    def enter(self, due: datetime, happening: _Happening) -> None:
        """
        Plan something.

        :param happening: Called with ``due`` when it is played.
        """
        heapq.heappush(self._entries, (due, next(self._order), happening))

    def play(self, now: datetime) -> None:
        """Let everything happen that is due, including what that brings about in turn."""
        while self._entries and self._entries[0][0] <= now:
            due, _, happening = heapq.heappop(self._entries)
            happening(due)
