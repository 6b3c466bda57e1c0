"""Scripted servers, and a clock without real waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import SimpleNamespace

import pytest
from support.scripted_server import Answer, ScriptedServer


@pytest.fixture
def make_server() -> Iterator[Callable[[], ScriptedServer]]:
    """Start scripted servers, each on its own origin."""
    with ExitStack() as stack:
        yield lambda: ScriptedServer(stack)


@pytest.fixture
def server(make_server: Callable[[], ScriptedServer]) -> ScriptedServer:
    """A scripted server."""
    return make_server()


@pytest.fixture
def answer() -> type[Answer]:
    """The class of a scripted server's responses."""
    return Answer


class FakeTime:
    """The clock that retries use: it advances only when they sleep, and at once."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0
        self.naps: list[float] = []

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.naps.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    """Let retries sleep without real time, and record for how long."""
    fake = FakeTime()
    module = SimpleNamespace(sleep=fake.sleep, time=lambda: fake.now, monotonic=lambda: fake.now)
    monkeypatch.setattr("urllib3.util.retry.time", module)
    monkeypatch.setattr("airflow_provider_bulkexports.api.retry.time", module)
    return fake
