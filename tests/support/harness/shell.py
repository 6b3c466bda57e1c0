"""A shell in which a test types what a page of the documentation shows."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from support.harness.deadlines import wait_until

__all__ = ["Shell", "open_shell"]


class Shell:
    """A bash with job control, as in a terminal. Everything that it starts writes to the same transcript."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            cwd=home,
            env={**environment, "HOME": str(home)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.transcript = ""
        self.run("set -m")

    def run(self, command: str, timeout: float = 120) -> str:
        """
        Type a command and return what is printed until the next prompt.

        :param timeout: Seconds.
        :raises AssertionError: if it fails, or is still running then.
        """
        assert self._process.stdin is not None
        end = f"end-{uuid.uuid4().hex}"
        before = len(self.transcript)
        self.transcript += f"$ {command.rstrip()}\n"
        self._process.stdin.write(f"{command.rstrip()}\nprintf '\\n{end} %d\\n' $?\n")
        self._process.stdin.flush()
        status = None
        while status is None:
            try:
                line = self._lines.get(timeout=timeout)
            except queue.Empty:
                raise AssertionError(f"not within {timeout:g} s:\n{self.transcript}") from None
            if line.startswith(end):
                status = line.split()[1]
            else:
                self.transcript += line
        assert status == "0", f"exit status {status}:\n{self.transcript}"
        return self.transcript[before:].partition("\n")[2].rstrip("\n")

    def processes(self) -> list[psutil.Process]:
        """All running processes of this shell's session, without itself."""
        return [process for process in psutil.process_iter() if self._started(process)]

    def close(self) -> None:
        """Kill whatever still runs."""

        def killed() -> bool:
            left = self.processes()
            for process in left:
                process.send_signal(signal.SIGKILL)
            return not left

        wait_until(killed, timeout=30, otherwise=lambda: f"still running: {self.processes()}")
        self._process.kill()
        self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)

    def _started(self, process: psutil.Process) -> bool:
        try:
            in_session = process.pid != self._process.pid and os.getsid(process.pid) == self._process.pid
            return in_session and process.status() != psutil.STATUS_ZOMBIE
        except (ProcessLookupError, psutil.NoSuchProcess):
            return False


@contextmanager
def open_shell(home: Path, environment: Mapping[str, str]) -> Iterator[Shell]:
    """
    Open a shell, and end everything that was started in it at the end.

    :param home: The user's home folder, where it starts.
    :param environment: All its environment variables but ``HOME``.
    """
    shell = Shell(home, environment)
    try:
        yield shell
    finally:
        shell.close()
