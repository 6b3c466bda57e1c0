"""What the demo shows: what happens now, the days' progress, then a table, the sensor's result and the files."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from itertools import groupby
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.measure import Measurement
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from airflow_provider_bulkexports.model.days import DayRange, utc_today
from airflow_provider_bulkexports.model.details import DayStatus
from airflow_provider_bulkexports.model.plain import counted
from airflow_provider_bulkexports.model.resources import Job
from airflow_provider_bulkexports.planning.progress import Progress, Verdict, progress_of

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

_START = "Starting Airflow (about ten seconds)"

#: Seconds without a line after which something that is not a terminal gets one. Each time it takes twice as long, up to
#: a minute, until something happens.
_QUIET_FOR = 8.0
_LONGEST_QUIET = 60.0

#: Seconds between lines of a count.
_COUNT_EVERY = 3.0

#: On a terminal, the table of more days has a row for each run of days with the same state.
_MOST_ROWS = 40

#: Elements of a list that a terminal gets to see, if it has more than this.
_MOST_LISTED = 40


class _Row(NamedTuple):
    days: str
    status: DayStatus | None
    records: str
    size: str

    @property
    def cells(self) -> list[RenderableType]:
        state = (
            Text(self.status.value, _STYLES.get(self.status, "dim")) if self.status else Text("no status yet", "dim")
        )
        return [self.days, state, self.records, self.size, _MEANINGS.get(self.status, "") if self.status else ""]


class DemoView:
    """
    The demo's output.

    :param console: Output; a terminal gets a live table, anything else one line per change.
    :param days: The days to show.
    :param clock: Returns seconds.
    """

    def __init__(self, console: Console, days: DayRange, *, clock: Callable[[], float] = monotonic) -> None:
        self._console = console
        self._days = days
        self._clock = clock
        self._is_terminal = console.is_terminal and not console.is_dumb_terminal
        self._is_live = False
        self._spinner = Spinner("dots" if console.encoding.startswith("utf") else "line")
        self._progress = Progress(days)
        self._headline = ""
        self._files: dict[str, Any] = {}
        self._positions: list[str] = []
        self._estimates: list[str] = []
        self._phase = ""
        self._began_at = self._said_at = self._clock()
        self._quiet_for = _QUIET_FOR
        self._is_submitted = False
        self._is_storing = False
        self._downloads = 0

    def say(self, text: str) -> None:
        """Print text without interpreting markup; on a terminal, lines end between words."""
        if self._is_terminal:
            text = "\n".join(_wrapped(line, self._console.width) for line in text.split("\n"))
        self.say_as_it_is(text)

    def say_as_it_is(self, text: str) -> None:
        """Print text without interpreting markup, and without other line ends than its own."""
        self._said_at = self._clock()
        self._console.print(text, markup=False, soft_wrap=True)

    @contextmanager
    def live(self) -> Iterator[None]:
        """Show what happens, and the days while they change."""
        if not self._is_terminal:
            self._begin(_START)
            yield
            return
        self._is_live = True
        self._begin(_START)
        with Live(get_renderable=self._live_view, console=self._console, transient=True) as live:
            live.refresh()  # the display's thread begins a quarter of a second later
            yield
        self._is_live = False

    def show_message(self, message: str) -> None:
        """
        Show what Airflow has to say before the job is submitted: why the submission waits, for example.

        Later messages are about what is shown anyway.
        """
        if not self._is_submitted:
            self._begin(message)

    def update(self, job: Job) -> None:
        """Show the job's current state."""
        if not self._is_submitted:
            self._is_submitted = True
            self._begin("The job is submitted; waiting for Twilio")
        self._progress = progress = progress_of([job], self._days)
        _append_change(self._positions, None if job.job_queue_position is None else str(job.job_queue_position))
        _append_change(self._estimates, f"{progress.expected_at:%H:%M:%S}" if progress.expected_at else None)
        if not self._is_live and progress.headline != self._headline:
            self.say(f"  {progress.summary(today=utc_today())}")
        self._headline = progress.headline

    def show_downloads(self, number: int) -> None:
        """
        Show how many files are downloaded; to be called often, since it also shows that time passes.

        :param number: Since the start.
        """
        if self._is_submitted and self._progress.verdict is not Verdict.WAIT:
            wanted = sum(status is not DayStatus.FAILED for status in self._progress.states.values())
            if not self._is_storing:
                self._is_storing = True
                self._begin(f"Storing {counted(wanted, 'file')}")
            elif number != self._downloads and (number == wanted or self._is_quiet_for(_COUNT_EVERY)):
                self._downloads = number
                self._begin(f"Storing {counted(wanted, 'file')}: {number} downloaded")
        if not self._is_live and self._is_quiet_for(self._quiet_for):
            self.say(f"  still working after {self._clock() - self._began_at:.0f} s")
            self._quiet_for = min(self._quiet_for * 2, _LONGEST_QUIET)

    def show_end(self, state: str, result: Any, stored: Iterable[dict[str, Any]], failure: str) -> None:
        """
        Show each day's final state and file, the history of queue position and estimate, and the sensor's result.

        :param state: State of the DAG run.
        :param result: XCom of the sensor; ``None`` if it failed.
        :param stored: Manifest entries of the days that have a file now.
        :param failure: Message of the task's failure; empty if it succeeded.
        """
        self._files = {entry["day"]: entry for entry in stored}
        self.say(f"\n{self._progress.headline}")
        rows = self._rows(_MOST_ROWS if self._is_terminal else len(self._days))
        table = self._fitting(rows)
        self._console.print(table)
        if len(table.columns) < len(rows[0].cells):
            for status, meaning in _MEANINGS.items():
                if status in self._progress.states.values():
                    self.say(f"{status.value}: {meaning}")
        self.say(f"Queue position: {_history(self._positions)}")
        self.say(f"Twilio expected the end at (UTC): {_history(self._estimates)}")
        if result is not None:
            self.say("The sensor returned:")
            for key, value in result.items():
                self.say(f"  {key}: {self._shown(value)}")
        if failure:
            self.say(f"The task failed: {failure}")
        style = "bold green" if state == "success" else "bold red"
        self._console.print(Text(f"DAG run: {state}", style=style))

    def show_files(self, uris: Sequence[str], *, folder: Path) -> None:
        """
        Show where the files are.

        :param folder: The folder that contains them all.
        """
        if not self._is_terminal:
            self.say("\n".join(["Files:", *(f"  {uri}" for uri in uris)]))
            return
        self.say(f"{counted(len(uris), 'file')} in {folder}:")
        names = [f"  {uri.removeprefix(f'file://{folder}/')}" for uri in uris]
        self.say("\n".join(names if len(names) <= _MOST_ROWS else [*names[:2], "  …", names[-1]]))

    def _begin(self, phase: str) -> None:
        if phase == self._phase:
            return
        self._phase, self._began_at, self._quiet_for = phase, self._clock(), _QUIET_FOR
        if not self._is_live:
            self.say(phase)

    def _is_quiet_for(self, seconds: float) -> bool:
        return self._is_live or self._clock() - self._said_at > seconds

    def _live_view(self) -> RenderableType:
        """Made again several times a second, in the display's own thread."""
        seconds = int(self._clock() - self._began_at)
        self._spinner.update(text=Text(f"{self._phase}, {seconds} s" if seconds > 1 else self._phase))
        if not self._is_submitted:
            return self._spinner
        rows = self._rows(max(self._console.height - 8, 1))
        summary = Text(self._progress.summary(today=utc_today()))
        return Group(summary, self._fitting(rows, columns=2), self._spinner)

    def _rows(self, most: int) -> list[_Row]:
        """A row for each day; if those are too many, for each run of days with the same state."""
        days = [(self._progress.states.get(day), day) for day in self._days]
        if len(days) <= most:
            return [self._row([day], status) for status, day in days]
        runs = groupby(days, key=lambda pair: pair[0])
        return [self._row([day for _, day in run], status) for status, run in runs]

    def _row(self, days: Sequence[date], status: DayStatus | None) -> _Row:
        files = [file for day in days if (file := self._files.get(day.isoformat()))]
        records, size = (str(sum(file[key] for file in files)) if files else "" for key in ("records", "bytes"))
        return _Row(str(DayRange(days[0], days[-1])), status, records, size)

    def _fitting(self, rows: Sequence[_Row], *, columns: int = 5) -> Table:
        """The table with as many columns as the output has room for: words are not broken."""
        for number in range(columns, 1, -1):
            table = _table(rows, number)
            natural = Measurement.get(self._console, self._console.options.update(width=1000), table).maximum
            if natural <= self._console.width:
                break
        return table

    def _shown(self, value: Any) -> str:
        if self._is_terminal and isinstance(value, list) and len(value) > _MOST_LISTED:
            return f"[{json.dumps(value[0])}, …, {json.dumps(value[-1])}] ({len(value)} of them)"
        return json.dumps(value)


def _table(rows: Sequence[_Row], columns: int) -> Table:
    table = Table(box=box.HEAVY_HEAD)
    for name in ("Day", "State", "Records", "Bytes", "Note")[:columns]:
        table.add_column(name, justify="right" if name in ("Records", "Bytes") else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row.cells[:columns])
    return table


def _wrapped(line: str, width: int) -> str:
    """The line with ends between words. A longer word, such as a path, is left for the terminal to wrap."""
    indent = line[: len(line) - len(line.lstrip())]
    return textwrap.fill(
        line, width, subsequent_indent=f"{indent}  ", break_long_words=False, break_on_hyphens=False, tabsize=1
    )


def _append_change(history: list[str], value: str | None) -> None:
    if value is not None and history[-1:] != [value]:
        history.append(value)


def _history(values: list[str]) -> str:
    """The values in one line; the first and last ones of a long history."""
    shown = values if len(values) <= 8 else [*values[:4], "…", *values[-3:]]
    return " → ".join(shown) or "not given"
