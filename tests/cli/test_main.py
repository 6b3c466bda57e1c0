"""The command as a user types it, in a process of its own."""

from __future__ import annotations

import gzip
import json
import os
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

from airflow_provider_bulkexports import __version__
from airflow_provider_bulkexports.cli.main import main

COMMAND = [sys.executable, "-c", "import sys; from airflow_provider_bulkexports.cli.main import main; sys.exit(main())"]


def run(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run the command with a home folder and a folder for temporary files of its own."""
    (home / "tmp").mkdir(exist_ok=True)
    environment = os.environ | {"HOME": str(home), "TMPDIR": str(home / "tmp"), "COLUMNS": "120"}
    return subprocess.run(
        [*COMMAND, *arguments], env=environment, cwd=home, capture_output=True, text=True, timeout=290, check=False
    )


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_demo_shows_the_final_state_of_every_day_and_leaves_nothing_behind(tmp_path: Path) -> None:
    arguments = ["--days", "3", "--empty-day", "2", "--resource-type", "Calls", "--output", "files"]
    ended = run("demo", *arguments, home=tmp_path)

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
def test_demo_with_a_failing_day_stores_the_others_then_names_it_and_exits_with_1(tmp_path: Path) -> None:
    ended = run("demo", "--days", "3", "--fail-day", "2", "--output", "files", home=tmp_path)

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


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["demo", "--days", "0"], "--days 0: write 1 to 366"),
        (["demo", "--days", "367"], "--days 367: write 1 to 366"),
        (["demo", "--resource-type", "messages"], "write 'Messages'"),
        (["demo", "--fail-day", "8"], "name one of them, or 1 to 7"),
        (["demo", "--empty-day", "2020-01-01"], "name one of them, or 1 to 7"),
        (["simulate", "--fail-day", "soon"], "write it as YYYY-MM-DD"),
    ],
)
def test_bad_input_gets_a_sentence_that_says_what_to_write(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert sentence in capsys.readouterr().err


@contextmanager
def ended_by(end: signal.Signals, command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """A process that heeds the signal also where whoever started the tests ignores it; none is left behind."""
    heed = partial(signal.signal, end, signal.SIG_DFL)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=heed) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_simulate_prints_a_connection_that_works_until_it_is_ended(end: signal.Signals) -> None:
    with ended_by(end, [*COMMAND, "simulate", "--port", "0"]) as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        exported = next(line for line in lines if "export AIRFLOW_CONN_TWILIO_BULKEXPORTS_DEFAULT=" in line)
        added = next(line for line in lines if "airflow connections add twilio_bulkexports_default" in line)
        connection = json.loads(exported.partition("=")[2].strip().strip("'"))
        assert json.loads(added.partition("--conn-json ")[2].strip().strip("'")) == connection

        answer = requests.get(
            f"{connection['host']}/v1/Exports/Messages",
            auth=(connection["login"], connection["password"]),
            timeout=10,
        )
        assert answer.status_code == 200

        process.send_signal(end)
        assert process.wait(timeout=10) == 130


@pytest.mark.slow
@pytest.mark.parametrize(("speed", "is_told"), [("1", False), ("60", True), ("0.5", True)])
def test_simulate_says_how_to_wait_when_its_time_runs_at_another_speed(speed: str, is_told: bool) -> None:
    with ended_by(signal.SIGINT, [*COMMAND, "simulate", "--port", "0", "--speed", speed]) as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        shown = "".join(iter(partial(next, lines), "Interrupt (Ctrl-C) to stop; its jobs and files are gone then.\n"))

        assert ("export AIRFLOW__BULKEXPORTS__MAX_POLL_INTERVAL=0\n" in shown) is is_told
        assert ("estimates are in simulated time" in shown) is is_told


def test_a_taken_port_is_named(sim, capsys: pytest.CaptureFixture[str]) -> None:
    port = sim.base_url.rpartition(":")[2]

    assert main(["simulate", "--port", port]) == 2
    assert f"--port {port}: Address already in use" in capsys.readouterr().err


def test_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"bulkexports {__version__}\n"
