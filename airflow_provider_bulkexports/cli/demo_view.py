"""What the demo shows: the days' progress, then a table and the sensor's result."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from airflow_provider_bulkexports.model.days import DayRange, utc_today
from airflow_provider_bulkexports.model.details import DayStatus
from airflow_provider_bulkexports.model.resources import Job
from airflow_provider_bulkexports.planning.progress import Progress, progress_of

__all__ = ["DemoView"]

_STYLES = {
    DayStatus.COMPLETED: "green",
    DayStatus.COMPLETED_EMPTY_RECORDS: "cyan",
    DayStatus.FAILED: "bold red",
    DayStatus.RUNNING: "yellow",
}
_MEANINGS = {
    DayStatus.COMPLETED_EMPTY_RECORDS: "no records that day",
    DayStatus.FAILED: "submit again",
}


class DemoView:
    """
    The demo's output.

    :param console: Output; a terminal gets a live table, anything else one line per change.
    :param days: The days to show.
    """

    def __init__(self, console: Console, days: DayRange) -> None:
        self._console = console
        self._days = days
        self._live: Live | None = None
        self._progress = Progress(days)
        self._headline = ""
        self._files: dict[str, Any] = {}
        self._positions: list[str] = []
        self._estimates: list[str] = []

    def say(self, text: str) -> None:
        """Print text without interpreting markup."""
        self._console.print(text, markup=False, soft_wrap=True)

    @contextmanager
    def live(self) -> Iterator[None]:
        """Show the days while they change."""
        if not self._console.is_terminal:
            yield
            return
        shape = "dots" if self._console.encoding.startswith("utf") else "line"
        waiting = Spinner(shape, "Starting Airflow (about ten seconds)")
        with Live(waiting, console=self._console, transient=True) as self._live:
            yield
        self._live = None

    def update(self, job: Job) -> None:
        """Show the job's current state."""
        self._progress = progress = progress_of([job], self._days)
        _append_change(self._positions, None if job.job_queue_position is None else str(job.job_queue_position))
        _append_change(self._estimates, f"{progress.expected_at:%H:%M:%S}" if progress.expected_at else None)
        if self._live:
            self._live.update(self._table(progress.summary(today=utc_today())))
        elif progress.headline != self._headline:
            self.say(f"  {progress.summary(today=utc_today())}")
        self._headline = progress.headline

    def show_end(self, state: str, result: Any, stored: Iterable[dict[str, Any]], failure: str) -> None:
        """
        Show each day's final state and file, the history of queue position and estimate, and the sensor's result.

        :param state: State of the DAG run.
        :param result: XCom of the sensor; ``None`` if it failed.
        :param stored: Manifest entries of the days that have a file now.
        :param failure: Message of the task's failure; empty if it succeeded.
        """
        self._files = {entry["day"]: entry for entry in stored}
        self._console.print(self._table(self._progress.headline))
        self.say(f"Queue position: {_history(self._positions)}; Twilio expected (UTC): {_history(self._estimates)}")
        if result is not None:
            self.say("The sensor returned:")
            for key, value in result.items():
                self.say(f"  {key}: {json.dumps(value)}")
        if failure:
            self.say(f"The task failed: {failure}")
        style = "bold green" if state == "success" else "bold red"
        self._console.print(Text(f"DAG run: {state}", style=style))

    def _table(self, title: str) -> Table:
        table = Table("Day", "State", title=title, title_justify="left")
        for number in ("Records", "Bytes"):
            table.add_column(number, justify="right")
        table.add_column("")
        for day in self._days:
            status = self._progress.states.get(day)
            state = Text(status.value, _STYLES.get(status, "dim")) if status else Text("no status yet", "dim")
            file = self._files.get(day.isoformat(), {})
            numbers = [str(file.get(name, "")) for name in ("records", "bytes")]
            table.add_row(day.isoformat(), state, *numbers, _MEANINGS.get(status, "") if status else "")
        return table


def _append_change(history: list[str], value: str | None) -> None:
    if value is not None and history[-1:] != [value]:
        history.append(value)


def _history(values: list[str]) -> str:
    """The values in one line; the first and last ones of a long history."""
    shown = values if len(values) <= 8 else [*values[:4], "…", *values[-3:]]
    return " → ".join(shown) or "not given"
