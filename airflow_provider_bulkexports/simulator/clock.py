"""The simulator's time: starts anywhere, runs at any speed, can be frozen and moved forward."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta, timezone

__all__ = ["SimulatedClock"]


class SimulatedClock:
    """
    A UTC clock that only its owner controls.

    :param start: First reading; the real time if omitted. A naive value is taken as UTC.
    :param speed: Simulated seconds in a real second; ``0`` freezes the clock, so that only :meth:`advance` moves it.
    """

    def __init__(self, start: datetime | None = None, *, speed: float = 1.0) -> None:
        self._lock = threading.Lock()
        self._anchor = _as_utc(start or datetime.now(timezone.utc))
        self._anchored_at = time.monotonic()
        self._speed = _checked_speed(speed)

    def now(self) -> datetime:
        """Return the simulated moment, in UTC."""
        with self._lock:
            return self._read()

    @property
    def speed(self) -> float:
        """Simulated seconds in a real second; may be set at any time."""
        return self._speed

    @speed.setter
    def speed(self, value: float) -> None:
        with self._lock:
            self._set(self._read())
            self._speed = _checked_speed(value)

    def advance(self, step: timedelta | float) -> datetime:
        """
        Move forward and return the new moment.

        :param step: A duration, or seconds. The clock never runs backwards.
        """
        duration = step if isinstance(step, timedelta) else timedelta(seconds=step)
        if duration < timedelta(0):
            raise ValueError(f"the clock cannot go back by {-duration}")
        with self._lock:
            self._set(self._read() + duration)
            return self._anchor

    def advance_to(self, moment: datetime) -> datetime:
        """Move forward to ``moment``; a moment that has passed changes nothing."""
        with self._lock:
            self._set(max(self._read(), _as_utc(moment)))
            return self._anchor

    def _read(self) -> datetime:
        elapsed = time.monotonic() - self._anchored_at
        return self._anchor + timedelta(seconds=elapsed * self._speed)

    def _set(self, moment: datetime) -> None:
        self._anchor = moment
        self._anchored_at = time.monotonic()


def _as_utc(moment: datetime) -> datetime:
    if moment.utcoffset() is None:
        return moment.replace(tzinfo=timezone.utc)
    return moment.astimezone(timezone.utc)


def _checked_speed(speed: float) -> float:
    if speed < 0:
        raise ValueError(f"speed {speed!r}: the clock cannot run backwards")
    return float(speed)
