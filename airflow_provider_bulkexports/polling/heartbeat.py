"""The heartbeat of a wait: how often its log says what it is doing while nothing changes, and how it names times."""

from __future__ import annotations

import time
from collections import OrderedDict
from datetime import datetime, timezone
from itertools import takewhile
from typing import Generic, TypeVar

__all__ = ["HEARTBEAT_INTERVAL", "HEARTBEAT_MINUTES", "Heartbeat", "Heartbeats", "shown_duration", "shown_time"]

T = TypeVar("T")

#: Seconds between two heartbeats of a wait, in every mode of waiting.
HEARTBEAT_INTERVAL = 900.0

#: The same in minutes, for the lines that announce it.
HEARTBEAT_MINUTES = round(HEARTBEAT_INTERVAL / 60)


class Heartbeat:
    """Says when the next heartbeat of a wait on a worker is due; the first one is due at once."""

    def __init__(self) -> None:
        self._due = -float("inf")

    def is_due(self) -> bool:
        """Whether it is time; if so, the next one is due an interval later."""
        now = time.monotonic()
        if now < self._due:
            return False
        self._due = now + HEARTBEAT_INTERVAL
        return True


class Heartbeats(Generic[T]):
    """When each of many waits logs its next heartbeat. Asking for :attr:`next_due` is cheap, however many there are."""

    def __init__(self) -> None:
        #: Monotonic times, ascending, since the interval is the same for all.
        self._due: OrderedDict[T, float] = OrderedDict()

    @property
    def next_due(self) -> float:
        """Monotonic time of the next heartbeat."""
        return next(iter(self._due.values()), float("inf"))

    def add(self, wait: T) -> None:
        """Begin: the first heartbeat is due an interval from now."""
        self._due[wait] = time.monotonic() + HEARTBEAT_INTERVAL

    def discard(self, wait: T) -> None:
        """End, if it has begun."""
        self._due.pop(wait, None)

    def take_due(self) -> list[T]:
        """Return the waits whose heartbeat is due; the next one is due an interval later."""
        now = time.monotonic()
        due = [wait for wait, _ in takewhile(lambda item: item[1] <= now, self._due.items())]
        for wait in due:
            self._due.move_to_end(wait)
            self._due[wait] = now + HEARTBEAT_INTERVAL
        return due


def shown_time(seconds: float, *, now: float) -> str:
    """
    Show a time in UTC: ``14:20``, or ``2026-11-27 14:20`` on another day than today.

    :param seconds: Since the epoch; ``never`` if that is beyond any calendar.
    :param now: The present, in seconds since the epoch.
    """
    try:
        moment = datetime.fromtimestamp(seconds, timezone.utc)
    except (OverflowError, ValueError, OSError):
        return "never"
    is_today = moment.date() == datetime.fromtimestamp(now, timezone.utc).date()
    return f"{moment:%H:%M}" if is_today else f"{moment:%Y-%m-%d %H:%M}"


def shown_duration(seconds: float) -> str:
    """Show a duration to the minute: ``44 h``, ``1 h 5 min``, ``5 min``."""
    hours, minutes = divmod(max(round(seconds / 60), 1), 60)
    parts = [f"{hours} h"] if hours else []
    return " ".join([*parts, f"{minutes} min"] if minutes else parts)
