"""
The demo's Airflow: a process that runs one DAG in its own Airflow home, and ends with the demo.

It neither reads nor writes the user's Airflow, and uses no network.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from airflow_provider_bulkexports.provider_info import DEFAULT_CONN_ID

__all__ = ["ANNOUNCEMENT", "HOME_PREFIX", "DemoAirflow", "message_in"]

#: Begins a line in which ``dag_run.py`` says what it does next.
ANNOUNCEMENT = "bulkexports demo: "

#: Begins the name of the temporary Airflow home.
HOME_PREFIX = "bulkexports-demo-"

#: Seconds that an interrupted Airflow has to end by itself.
_GRACE = 3.0

#: The user's variables that the demo's Airflow must not see.
_HIDDEN_VARIABLES = re.compile(r"AIRFLOW|(?i:\w+_proxy)$")

#: Some versions of Airflow colour their log.
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")

#: A line of Airflow's log that this package wrote: in Airflow 3, and in 2.
_OWN_MESSAGES = (
    re.compile(r"\S+ \[(?:info|warning|error) *\] (?P<message>.+?) +\[[\w.]*\bairflow_provider_bulkexports\.[\w.]+\]"),
    re.compile(r"(?:INFO|WARNI|ERROR) +\[[\w.]*\bairflow_provider_bulkexports\.[\w.]+\] (?P<message>.+)"),
)


class DemoAirflow:
    """
    The process, from the start of a block to its end; at the end of the block it is ended if it still runs.

    :param command: What to run.
    :param home: The Airflow home: an existing folder, which is also the working folder.
    :param dags: Folder of the DAG.
    :param connection: The connection to Twilio, as JSON.
    """

    def __init__(self, command: Sequence[str], *, home: Path, dags: Path, connection: str) -> None:
        self._command = command
        self._home = home
        self._variables = _variables(home, dags=dags, connection=connection)
        self._log_file = home / "airflow.log"
        self._read = 0

    def __enter__(self) -> DemoAirflow:
        (self._home / "tmp").mkdir()
        with self._log_file.open("wb") as log:
            # The command is this interpreter with a module of this package. In a session of its own, Ctrl-C does not
            # reach it: the demo ends it. When the demo is killed, so that it cannot, the end of the input does.
            self._process = subprocess.Popen(  # noqa: S603
                self._command,
                env=self._variables,
                cwd=self._home,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        if not self.has_ended(within=_GRACE):
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def has_ended(self, *, within: float) -> bool:
        """
        Whether the process has ended.

        :param within: Seconds to wait for it.
        """
        try:
            self._process.wait(timeout=within)
        except subprocess.TimeoutExpired:
            return False
        return True

    @property
    def exit_status(self) -> int:
        """Exit status of the process, which has ended."""
        return int(self._process.returncode)

    @property
    def log(self) -> str:
        """Everything that it has written, without colours."""
        return _COLOURS.sub("", self._log_file.read_text("utf-8", errors="replace"))

    def new_messages(self) -> Iterator[str]:
        """
        What its log says to the user since the last call: announcements, and this package's own messages.

        Until the job is submitted, the latter are those of the task ``submit``.
        """
        with self._log_file.open("rb") as file:
            file.seek(self._read)
            written = file.read()
        whole = written[: written.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in _COLOURS.sub("", whole.decode("utf-8", errors="replace")).splitlines():
            if message := message_in(line):
                yield message


def message_in(line: str) -> str | None:
    """The message in a line of Airflow's log, if ``dag_run.py`` or a task of this package wrote it."""
    if line.startswith(ANNOUNCEMENT):
        return line[len(ANNOUNCEMENT) :]
    found = next((match for pattern in _OWN_MESSAGES if (match := pattern.match(line))), None)
    return f"submit: {found['message']}" if found else None


def _variables(home: Path, *, dags: Path, connection: str) -> dict[str, Any]:
    """The demo's own environment, without the user's Airflow and without proxies."""
    kept = {name: value for name, value in os.environ.items() if not _HIDDEN_VARIABLES.match(name)}
    return kept | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "AIRFLOW__BULKEXPORTS__POLL_INTERVAL": "1",
        "AIRFLOW__BULKEXPORTS__MAX_POLL_INTERVAL": "1",  # estimates are in simulated time
        "COLUMNS": "1000",  # Airflow 3.0 and 3.1 wrap a traceback at the terminal's width
        f"AIRFLOW_CONN_{DEFAULT_CONN_ID.upper()}": connection,
        "NO_PROXY": "*",  # macOS also has system-wide proxies
        "PYTHONUTF8": "1",  # the demo reads Airflow's log, whatever the terminal can show
        "PYTHONIOENCODING": "utf-8",
        "TMPDIR": str(home / "tmp"),  # what a killed Airflow leaves is removed with its home
    }
