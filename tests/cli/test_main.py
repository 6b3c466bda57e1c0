"""The command as a user types it."""

from __future__ import annotations

import gzip
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
import requests
from support.command import COMMAND, run_command

from airflow_provider_bulkexports import __version__
from airflow_provider_bulkexports.cli.demo import Demo
from airflow_provider_bulkexports.cli.main import main


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_demo_shows_each_final_state_and_keeps_only_the_output(tmp_path: Path) -> None:
    arguments = ["--days", "3", "--empty-day", "2", "--resource-type", "Calls", "--output", "files"]
    ended = run_command("demo", *arguments, home=tmp_path)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    rows = re.findall(r"│ (\d{4}-\d\d-\d\d) │ (\w+) +│ +(\d+) ", ended.stdout)
    assert [state for _, state, _ in rows] == ["Completed", "CompletedEmptyRecords", "Completed"]
    assert [int(records) for *_, records in rows] == [50, 0, 50]
    assert len({day for day, *_ in rows}) == 3
    assert "3/3 days final: 2 completed, 1 empty" in ended.stdout
    assert "Queue position: 3 → 2 → 1 → 0" in ended.stdout
    assert f'completed: ["{rows[0][0]}", "{rows[2][0]}"]' in ended.stdout
    files = {day: tmp_path / f"files/resource_type=Calls/day={day}/part-0.json.gz" for day, *_ in rows}
    assert [len(gzip.decompress(file.read_bytes()).splitlines()) for file in files.values()] == [50, 0, 50]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["files", "tmp"]
    assert not list((tmp_path / "tmp").iterdir())


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_demo_with_a_failed_day_stores_the_others_and_exits_with_1(tmp_path: Path) -> None:
    ended = run_command("demo", "--days", "3", "--fail-day", "2", "--output", "files", home=tmp_path)

    assert ended.returncode == 1, ended.stdout + ended.stderr
    rows = re.findall(r"│ (\d{4}-\d\d-\d\d) │ (\w+) +│ +(\d*) ", ended.stdout)
    assert [(state, records) for _, state, records in rows] == [
        ("Completed", "50"),
        ("Failed", ""),
        ("Completed", "50"),
    ]
    assert re.search(rf"The task failed: .*{rows[1][0]}", ended.stdout)
    assert "DAG run: failed" in ended.stdout
    files = sorted((tmp_path / "files").rglob("part-0.json.gz"))
    assert [file.parent.name for file in files] == [f"day={rows[0][0]}", f"day={rows[2][0]}"]
    assert all(f"  file://{file}" in ended.stdout for file in files)


def test_demo_shows_the_log_of_an_airflow_that_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [sys.executable, "-c", "print('no database'); raise SystemExit(3)"]
    monkeypatch.setattr(Demo, "_command", lambda *_: command)

    assert main(["demo", "--days", "1"]) == 1
    assert "no database\n\nAirflow could not run the DAG (exit status 3); its log is above." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["demo", "--days", "0"], "--days must be 1 to 366, the most that a job holds, got 0"),
        (["demo", "--days", "367"], "--days must be 1 to 366, the most that a job holds, got 367"),
        (["demo", "--resource-type", "messages"], "write 'Messages'"),
        (["demo", "--fail-day", "8"], "name one of them, or 1 to 7"),
        (["demo", "--empty-day", "2020-01-01"], "name one of them, or 1 to 7"),
        (["simulate", "--fail-day", "soon"], "write it as YYYY-MM-DD"),
    ],
)
def test_bad_input_error_says_what_to_write(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert sentence in capsys.readouterr().err


@contextmanager
def interruptible(end: signal.Signals, command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """A process that handles the signal even if the tests' own parent ignores it; it is always killed at the end."""
    handle = partial(signal.signal, end, signal.SIG_DFL)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=handle) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_simulate_prints_a_working_connection(end: signal.Signals) -> None:
    with interruptible(end, [*COMMAND, "simulate", "--port", "0"]) as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        exported = next(line for line in lines if "export AIRFLOW_CONN_TWILIO_BULKEXPORTS_DEFAULT=" in line)
        added = next(line for line in lines if "airflow connections add twilio_bulkexports_default" in line)
        connection = json.loads(exported.partition("=")[2].strip().strip("'"))
        assert json.loads(added.partition("--conn-json ")[2].strip().strip("'")) == connection

        response = requests.get(
            f"{connection['host']}/v1/Exports/Messages",
            auth=(connection["login"], connection["password"]),
            timeout=10,
        )
        assert response.status_code == 200

        process.send_signal(end)
        assert process.wait(timeout=10) == 130


@pytest.mark.slow
@pytest.mark.parametrize(("speed", "is_shown"), [("1", False), ("60", True), ("0.5", True)])
def test_simulate_at_another_speed_says_how_to_poll(speed: str, is_shown: bool) -> None:
    with interruptible(signal.SIGINT, [*COMMAND, "simulate", "--port", "0", "--speed", speed]) as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        shown = "".join(iter(partial(next, lines), "Press Ctrl-C to stop. Jobs and files are not kept.\n"))

        assert ("export AIRFLOW__BULKEXPORTS__MAX_POLL_INTERVAL=0\n" in shown) is is_shown
        assert ("completion estimates are in simulated time" in shown) is is_shown


def test_port_in_use_is_named(sim, capsys: pytest.CaptureFixture[str]) -> None:
    port = sim.base_url.rpartition(":")[2]

    assert main(["simulate", "--port", port]) == 2
    assert f"--port {port}: Address already in use" in capsys.readouterr().err


def test_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"bulkexports {__version__}\n"
