"""Wait for other processes."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import TypeVar

__all__ = ["free_port", "tail", "wait_until"]

_Value = TypeVar("_Value")

_POLL_INTERVAL = 0.2


def wait_until(condition: Callable[[], _Value], *, timeout: float, otherwise: Callable[[], str]) -> _Value:
    """
    Poll a condition until it holds, and return its value.

    :param condition: Holds when it returns something true.
    :param timeout: Seconds.
    :param otherwise: Describes what was seen instead; called at the timeout.
    :raises AssertionError: with that text.
    """
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"Not within {timeout:g} s: {otherwise()}")
        time.sleep(_POLL_INTERVAL)
    return value


def tail(text: str, lines: int = 25) -> str:
    """Return the last lines of a text."""
    return "\n".join(text.splitlines()[-lines:])


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
