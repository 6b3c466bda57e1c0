"""Airflow's components as processes that a test can kill and restart."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from support.harness.deadlines import tail, wait_until

__all__ = ["Component", "TaskProcess"]


@dataclass(frozen=True)
class TaskProcess:
    """
    The process that runs a task.

    :param supervisor_pid: Its parent, which reports the task's end to Airflow. If both are killed, nothing is reported.
    """

    pid: int
    supervisor_pid: int

    def terminate(self) -> None:
        """Send SIGTERM to the task, as at a shutdown of its worker."""
        os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL to the task; its supervisor notices."""
        os.kill(self.pid, signal.SIGKILL)

    def kill_with_supervisor(self) -> None:
        """Send SIGKILL to both, as at the loss of a machine; Airflow notices missing heartbeats."""
        os.kill(self.supervisor_pid, signal.SIGKILL)
        os.kill(self.pid, signal.SIGKILL)


class Component:
    """
    One ``airflow`` command and all processes it starts.

    It leads a session that none of its children leave, by which even orphans are found.

    :param name: The command, for example ``triggerer``.
    :param arguments: The command's arguments.
    :param home: Working folder, also of its log.
    """

    def __init__(self, name: str, *arguments: str, home: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self._command = [sys.executable, "-m", "airflow", name, *arguments]
        self._home = home
        self._environment = environment
        self._log = home / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, also after :meth:`kill` or :meth:`terminate`; returns at once."""
        assert not self.pids(), f"the {self.name} is running"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._home,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def run(self, timeout: float) -> None:
        """Run it to its end."""
        self.start()
        assert self._process is not None
        if self._process.wait(timeout):
            raise AssertionError(f"airflow {self.name} failed:\n{self.log_text()}")

    def terminate(self, timeout: float = 60) -> None:
        """Send SIGTERM to the main process; returns when it and all its children have ended."""
        if self._process is not None:
            self._process.terminate()
        self._wait_for_end(timeout)

    def kill(self) -> None:
        """Send SIGKILL to it and all its children: both processes of a triggerer, a scheduler's workers and tasks."""
        # A child forked between listing and killing is found by the next attempt.
        wait_until(
            lambda: not self._kill_once(), timeout=30, otherwise=lambda: f"{self.name} is still running: {self.pids()}"
        )
        if self._process is not None:
            self._process.wait()

    def is_running(self) -> bool:
        """Whether the main process is running."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Process id of the main process."""
        assert self._process is not None, f"the {self.name} was never started"
        return self._process.pid

    def pids(self) -> list[int]:
        """Process ids of all its running processes."""
        return [] if self._process is None else [pid for pid in psutil.pids() if _lives_in(pid, self._process.pid)]

    def log_text(self) -> str:
        """Its whole log since the first start."""
        return self._log.read_text(errors="replace") if self._log.is_file() else ""

    def log_tail(self) -> str:
        """Return the end of its log, without the test's own requests, which fill the API server's."""
        text = "\n".join(line for line in self.log_text().splitlines() if "[http.access]" not in line)
        return f"--- {self.name} ({'running' if self.is_running() else 'ended'})\n{tail(text)}"

    def _kill_once(self) -> bool:
        pids = self.pids()
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        return bool(pids)

    def _wait_for_end(self, timeout: float) -> None:
        wait_until(
            lambda: not self.is_running() and not self.pids(),
            timeout=timeout,
            otherwise=lambda: f"{self.name} did not end: {self.pids()}\n{self.log_tail()}",
        )


def _lives_in(pid: int, session: int) -> bool:
    """Whether a process of that session is running; zombies do not count."""
    try:
        return os.getsid(pid) == session and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False
