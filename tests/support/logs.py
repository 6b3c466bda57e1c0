"""A log that keeps its lines: Airflow 3 does not log through the standard library everywhere."""

from __future__ import annotations

from typing import Any

import pytest

__all__ = ["KeptLog", "keep_lines_of_waits"]


class KeptLog:
    """Keeps the lines of all levels in order, those of warnings again, and the levels."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.warnings: list[str] = []
        self.levels: set[str] = set()

    def info(self, message: str, /, *args: Any) -> None:
        self._keep("info", message % args)

    def warning(self, message: str, /, *args: Any) -> None:
        self._keep("warning", message % args)
        self.warnings.append(self.lines[-1])

    def error(self, message: str, /, *args: Any) -> None:
        self._keep("error", message % args)

    def _keep(self, level: str, line: str) -> None:
        self.levels.add(level)
        self.lines.append(line)


def keep_lines_of_waits(monkeypatch: pytest.MonkeyPatch) -> KeptLog:
    """Let every wait that is polled from now on log to one log."""
    from airflow_provider_bulkexports.polling.wait_poller import WaitPoller

    kept, original = KeptLog(), WaitPoller.__init__
    monkeypatch.setattr(WaitPoller, "__init__", lambda self, wait, log, schedule: original(self, wait, kept, schedule))
    return kept
