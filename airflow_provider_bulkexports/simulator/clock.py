"""The simulator's time: it starts at any moment and runs at any speed, and tests move it forward."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta, timezone

__all__ = ["SimulatedClock"]


class SimulatedClock:
    """
    A UTC clock that runs at any speed and that tests move forward.

    :param start: Time at which it starts; now by default. A naive value is UTC.
    :param speed: Simulated seconds per real second. ``0`` freezes the clock: then only :meth:`advance` and
        :meth:`advance_to` move it.
    :raises ValueError: if ``speed`` is negative.
    """

    def __init__(self, start: datetime | None = None, *, speed: float = 1.0) -> None:
        self._lock = threading.Lock()
        self._anchor = _as_utc(start or datetime.now(timezone.utc))
        self._anchored_at = time.monotonic()
        self._speed = _checked_speed(speed)

    def now(self) -> datetime:
        """Return the simulated time, in UTC."""
        with self._lock:
            return self._read()

    @property
    def speed(self) -> float:
        """Simulated seconds per real second; can be changed at any time."""
        return self._speed

    @speed.setter
    def speed(self, value: float) -> None:
        with self._lock:
            self._set(self._read())
            self._speed = _checked_speed(value)

    def advance(self, step: timedelta | float) -> datetime:
        """
        Move the clock forward and return the new time.

        :param step: A duration, or seconds.
        :raises ValueError: if ``step`` is negative.
        """
        duration = step if isinstance(step, timedelta) else timedelta(seconds=step)
        if duration < timedelta(0):
            raise ValueError(f"step {step!r}: the clock cannot go back")
        with self._lock:
            self._set(self._read() + duration)
            return self._anchor

    def advance_to(self, moment: datetime) -> datetime:
        """Move the clock forward to ``moment`` and return the new time; a past ``moment`` changes nothing."""
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
        raise ValueError(f"speed {speed!r}: the clock cannot run backwards; use 0 or more")
    return float(speed)
