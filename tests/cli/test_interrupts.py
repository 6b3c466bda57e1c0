"""The demo, interrupted at any moment: status 130, no traceback, no process and no temporary folder left."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from support.command import COMMAND

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="finds processes in /proc")

DEMO = [*COMMAND, "demo", "--days", "2"]

PATCHED_DEMO = """
import sys
from airflow_provider_bulkexports.cli import interrupts, main
from airflow_provider_bulkexports.cli.demo import Demo
Demo._command = lambda *_: [sys.executable, "-c", {airflow!r}]
{patches}
sys.exit(main.main())
"""


def demo_with(airflow: str, patches: str = "") -> list[str]:
    """
    The demo with another process in the place of Airflow.

    :param airflow: Python code of that process.
    :param patches: Python code that runs before the demo.
    """
    announced = f"print('bulkexports demo: Airflow is here', flush=True); {airflow}"
    return [sys.executable, "-c", PATCHED_DEMO.format(airflow=announced, patches=patches), "demo", "--days", "2"]


#: It stays until the demo ends, as Airflow in ``dag_run.py`` does; or it has to be killed.
STAYING = demo_with("import sys; sys.stdin.read()")
NOT_ENDING = demo_with("import time; time.sleep(600)")


class Running:
    """A demo in a session of its own, its home folder, and what it has written so far."""

    def __init__(self, process: subprocess.Popen[bytes], home: Path, output: int) -> None:
        self.process = process
        self.home = home
        self.written = b""
        self._output = output

    def read(self, *, within: float) -> bool:
        """Read what is there; false at the end of the output."""
        if not select.select([self._output], [], [], within)[0]:
            return True
        try:
            read = os.read(self._output, 65536)
        except OSError:  # how a terminal ends on Linux
            read = b""
        self.written += read
        return bool(read)

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + 280
        while text.encode() not in self.written:
            assert self.read(within=0.02), f"the demo ended before {text!r}: {self.shown}"
            assert time.monotonic() < deadline, f"no {text!r}: {self.shown}"

    def wait_until_signals_are_handled(self) -> None:
        """Python itself handles SIGINT only; the command handles SIGHUP, too."""
        status = Path(f"/proc/{self.process.pid}/status")
        while not int(re.findall(r"SigCgt:\s*(\w+)", status.read_text())[0], 16) & (1 << (signal.SIGHUP - 1)):
            assert self.process.poll() is None

    def send(self, number: signal.Signals, *, to_group: bool = False) -> None:
        (os.killpg if to_group else os.kill)(self.process.pid, number)

    def end(self) -> int:
        """Wait for the end; return the exit status."""
        while self.read(within=30):
            pass
        return self.process.wait(30)

    @property
    def shown(self) -> str:
        return self.written.decode()

    @property
    def processes(self) -> list[int]:
        """The demo's processes, which have its home folder in their environment."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if f"HOME={self.home}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
        return found

    @property
    def left(self) -> tuple[list[int], list[str]]:
        """Processes and temporary files."""
        return self.processes, [path.name for path in (self.home / "tmp").iterdir()]


def heed_signals() -> None:
    """Heed the signals that the parent of the tests ignores, as ``nohup`` does."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@contextmanager
def running(command: Sequence[str], home: Path, *, in_terminal: bool = False) -> Iterator[Running]:
    (home / "tmp").mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    environment = kept | {"HOME": str(home), "TMPDIR": str(home / "tmp"), "TERM": "xterm"}
    ours, its = pty.openpty() if in_terminal else os.pipe()
    process = subprocess.Popen(
        command,
        env=environment,
        cwd=home,
        stdin=subprocess.DEVNULL,
        stdout=its,
        stderr=its,
        start_new_session=True,
        preexec_fn=heed_signals,
    )
    os.close(its)
    demo = Running(process, home, ours)
    try:
        yield demo
    finally:
        for pid in demo.processes:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
        os.close(ours)


def assert_interrupted(demo: Running) -> None:
    assert demo.end() == 130, demo.shown
    assert "Traceback" not in demo.shown
    assert "KeyboardInterrupt" not in demo.shown
    assert demo.left == ([], [])


SIGNALS: dict[str, Callable[[Running], None]] = {
    "Ctrl-C": lambda demo: demo.send(signal.SIGINT, to_group=True),
    "kill -INT": lambda demo: demo.send(signal.SIGINT),
    "kill": lambda demo: demo.send(signal.SIGTERM),
    "hangup": lambda demo: demo.send(signal.SIGHUP),
}


@pytest.mark.parametrize("seconds", [0, 0.01, 0.03, 0.1, 0.2, 0.4, 0.6])
def test_demo_is_interrupted_while_it_is_imported(tmp_path: Path, seconds: float) -> None:
    with running(DEMO, tmp_path) as demo:
        demo.wait_until_signals_are_handled()
        time.sleep(seconds)  # there is no sign of how far the imports are; any moment must do
        demo.send(signal.SIGINT, to_group=True)

        assert_interrupted(demo)


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    ("moment", "name", "in_terminal"),
    [
        ("Simulating Twilio", "Ctrl-C", True),
        ("Simulating Twilio", "kill -INT", False),
        ("Starting Airflow", "kill", True),
        ("Starting Airflow", "Ctrl-C", False),
        ("Airflow is here", "Ctrl-C", True),
        ("Airflow is here", "kill -INT", True),
        ("Airflow is here", "kill", False),
        ("Airflow is here", "hangup", True),
    ],
)
def test_demo_is_interrupted_while_airflow_starts(tmp_path: Path, moment: str, name: str, in_terminal: bool) -> None:
    with running(STAYING, tmp_path, in_terminal=in_terminal) as demo:
        demo.wait_for(moment)
        SIGNALS[name](demo)

        assert_interrupted(demo)
        assert "Interrupted." in demo.shown


#: Each with another way to interrupt.
MOMENTS = {
    "Creating Airflow's database": ("Ctrl-C", True),
    "Reading the DAG": ("kill -INT", False),
    "Starting the task that submits": ("kill", False),
    "queue position": ("Ctrl-C", False),
    "Storing 2 files": ("kill -INT", True),
}


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("moment", MOMENTS)
def test_demo_is_interrupted_while_airflow_runs(tmp_path: Path, moment: str) -> None:
    name, in_terminal = MOMENTS[moment]
    with running([*DEMO, "--output", "files"], tmp_path, in_terminal=in_terminal) as demo:
        demo.wait_for(moment)
        SIGNALS[name](demo)

        assert_interrupted(demo)
        assert not list(tmp_path.glob("files/**/.*"))


def test_signal_at_the_end_is_no_traceback(tmp_path: Path) -> None:
    """The command has ended then, or it has not: both statuses are right."""
    with running(demo_with(airflow="pass"), tmp_path) as demo:
        demo.wait_for("its log is above")
        with suppress(ProcessLookupError):
            demo.send(signal.SIGINT)

        assert demo.end() in (1, 130, -signal.SIGINT)
        assert "Traceback" not in demo.shown
        assert demo.left == ([], [])


def test_process_that_does_not_end_with_the_demo_is_killed(tmp_path: Path) -> None:
    with running(NOT_ENDING, tmp_path) as demo:
        demo.wait_for("Airflow is here")
        demo.send(signal.SIGINT)

        assert_interrupted(demo)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_airflow_of_a_killed_demo_ends_and_removes_its_home(tmp_path: Path) -> None:
    with running(DEMO, tmp_path) as demo:
        demo.wait_for("Creating Airflow's database")
        demo.send(signal.SIGKILL)
        demo.process.wait()

        deadline = time.monotonic() + 30
        while demo.left != ([], []) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert demo.left == ([], [])


def test_ctrl_c_ends_a_demo_whose_output_nobody_reads(tmp_path: Path) -> None:
    patches = "interrupts._GRACE = 1; Demo._stop_if_interrupted = lambda self: print('x' * 1_000_000)"
    with running(demo_with("import sys; sys.stdin.read()", patches), tmp_path) as demo:
        demo.wait_for("xxx")
        demo.send(signal.SIGINT)

        assert demo.process.wait(30) == 130


@pytest.mark.parametrize("lines", [1, 3])
def test_demo_ends_with_its_reader(tmp_path: Path, lines: int) -> None:
    (tmp_path / "tmp").mkdir()
    environment = os.environ | {"HOME": str(tmp_path), "TMPDIR": str(tmp_path / "tmp")}
    script = 'set -o pipefail; "$@" | head -n "$0"'
    ended = subprocess.run(
        ["bash", "-c", script, str(lines), *STAYING],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (141, "")
    assert len(ended.stdout.splitlines()) == lines
    assert not list((tmp_path / "tmp").iterdir())
