"""
Ctrl-C, SIGTERM and SIGHUP end a command at any moment: without a traceback, with status 130, with nothing left behind.

Python's own way, an exception between any two instructions, does neither: while modules are imported it becomes a
traceback, and in the middle of a clean-up it leaves the rest. So a command that has begun nothing ends at once, and one
with something to clean up takes note of the signal and stops where it can.
"""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from time import monotonic

from airflow_provider_bulkexports import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import NoReturn

__all__ = ["INTERRUPTED", "Interrupts"]

#: Exit status of an interrupted command.
INTERRUPTED = 130

#: Seconds that a command has to stop after a signal. Then it ends at once, for example if nobody reads its output.
_GRACE = 15

#: A second signal after this many seconds ends the command at once. One Ctrl-C may arrive twice: from the terminal, and
#: from a parent such as ``uv run`` that passes it on.
_REPEATED_AFTER = 1.0

_SHOW_CURSOR = b"\x1b[?25h"


class Interrupts:
    """
    What signals do to the command: end it at once, unless it says otherwise.

    A signal that the parent process ignores is handled too, as ``kill -INT`` is meant even in a script's background;
    but not SIGHUP, which ``nohup`` ignores on purpose.
    """

    def __init__(self) -> None:
        self._noted_at: float | None = None
        self._respond: Callable[[], None] = _end_at_once
        self._former: dict[int, object] = {}

    @property
    def is_interrupted(self) -> bool:
        """Whether a signal arrived in a block of :meth:`noted`, and the command must stop."""
        return self._noted_at is not None

    def install(self) -> None:
        """Handle the signals from now on."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                self._former[number] = signal.signal(number, self._handle)

    def restore(self) -> None:
        """Handle the signals as before :meth:`install`."""
        for number, handler in self._former.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # as signal.signal returned it
        self._former.clear()

    @contextmanager
    def noted(self) -> Iterator[None]:
        """
        Within the block, only note a signal, for the block to ask :attr:`is_interrupted` where it can stop.

        :raises KeyboardInterrupt: at the end of the block, if a signal arrived.
        """
        with self._responding(self._note):
            try:
                yield
            finally:
                signal.alarm(0)
        if self.is_interrupted:
            raise KeyboardInterrupt

    @contextmanager
    def raised(self) -> Iterator[None]:
        """Within the block, raise a signal as :class:`KeyboardInterrupt`, once; a second one ends the command."""
        with self._responding(self._raise):
            yield

    @contextmanager
    def _responding(self, respond: Callable[[], None]) -> Iterator[None]:
        self._respond = respond
        try:
            yield
        finally:
            self._respond = _end_at_once

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del frame
        if number == signal.SIGALRM:
            _end_at_once()
        self._respond()

    def _note(self) -> None:
        if self._noted_at is None:
            self._noted_at = monotonic()
            signal.alarm(_GRACE)
        elif monotonic() - self._noted_at > _REPEATED_AFTER:
            _end_at_once()

    def _raise(self) -> None:
        self._respond = _end_at_once
        raise KeyboardInterrupt


def _end_at_once() -> NoReturn:
    # No buffer is flushed: that may block, or fail in the middle of another write.
    if os.isatty(1) and os.environ.get("TERM", "dumb") != "dumb":
        os.write(1, _SHOW_CURSOR)  # a live display hides it
    os._exit(INTERRUPTED)
