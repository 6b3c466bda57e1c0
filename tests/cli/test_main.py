"""The command as a user types it."""

from __future__ import annotations

import gzip
import re
import sys
from pathlib import Path

import pytest
from support.command import run_command

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
    ],
)
def test_bad_input_error_says_what_to_write(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert sentence in capsys.readouterr().err


def test_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"bulkexports {__version__}\n"
