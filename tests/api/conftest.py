"""Scripted servers, and a clock to sleep by."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import SimpleNamespace

import pytest
from support.scripted_server import Answer, ScriptedServer


@pytest.fixture
def make_server() -> Iterator[Callable[[], ScriptedServer]]:
    """Start scripted servers, each on an origin of its own."""
    with ExitStack() as stack:
        yield lambda: ScriptedServer(stack)


@pytest.fixture
def server(make_server: Callable[[], ScriptedServer]) -> ScriptedServer:
    """A scripted server."""
    return make_server()


@pytest.fixture
def answer() -> type[Answer]:
    """The class of a scripted server's answers."""
    return Answer


class FakeTime:
    """The time by which retries sleep: it passes by sleeping only, and at once."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0
        self.naps: list[float] = []

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.naps.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    """Let retries sleep without taking time, and remember for how long."""
    fake = FakeTime()
    module = SimpleNamespace(sleep=fake.sleep, time=lambda: fake.now, monotonic=lambda: fake.now)
    monkeypatch.setattr("urllib3.util.retry.time", module)
    monkeypatch.setattr("airflow_provider_bulkexports.api.retry.time", module)
    return fake
