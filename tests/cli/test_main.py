"""The command as a user types it."""

from __future__ import annotations

import gzip
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import time_machine
from support.command import COMMAND, run_command

from airflow_provider_bulkexports import __version__
from airflow_provider_bulkexports.cli.demo import Demo
from airflow_provider_bulkexports.cli.demo_options import DemoOptions
from airflow_provider_bulkexports.cli.main import _parser, main
from airflow_provider_bulkexports.model.resources import ResourceType


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
        (["demo", "--days", "0"], "--days 0: write a whole number from 1 to 366"),
        (["demo", "--days", "367"], "--days 367: write a whole number from 1 to 366"),
        (["demo", "--days", "-1"], "--days -1: write a whole number from 1 to 366"),
        (["demo", "--days", "a week"], "--days a week: write a whole number from 1 to 366"),
        (["demo", "--days", "7.0"], "--days 7.0: write a whole number from 1 to 366"),
        (["demo", "--days", ""], "--days '': write a whole number from 1 to 366"),
        (["demo", "--days", "9" * 5000], "--days '999"),
        (["demo", "--resource-type", "messages"], "--resource-type 'messages': write 'Messages'"),
        (["demo", "--resource-type", "CALL"], "--resource-type 'CALL': write 'Calls'"),
        (["demo", "--resource-type", "Faxes"], "--resource-type 'Faxes' cannot be exported: use one of 'Messages', "),
        (["demo", "--resource-type", ""], "--resource-type '' cannot be exported: use one of 'Messages', "),
        (["demo", "--fail-day", "8"], "name one of them, or 1 to 7"),
        (["demo", "--fail-day", "0"], "name one of them, or 1 to 7"),
        (["demo", "--fail-day", "-1"], "name one of them, or 1 to 7"),
        (["demo", "--fail-day", "today"], "--fail-day today: the demo exports "),
        (["demo", "--empty-day", "2020-01-01"], "name one of them, or 1 to 7"),
        (["demo", "--days", "1", "--empty-day", "2"], "name one of them, or 1 to 1"),
        (
            ["demo", "--fail-day", "3", "--empty-day", "3"],
            "--fail-day has this day already; remove one of them",
        ),
        (["demo", "--output", ""], "--output '' is not a folder: the demo writes to a folder of this machine"),
        (["demo", "--output", "s3://bucket/folder"], "--output 's3://bucket/folder' is not a folder"),
        (["demo", "--output", __file__], f"--output {__file__}: Not a directory; name a folder that can be written to"),
        (["demo", "--output", f"{__file__}/below"], "below: Not a directory; name a folder that can be written to"),
        (["demo", "--output", "/proc/demo"], "--output /proc/demo: No such file or directory; name a folder that can"),
        (["demo", "--output", "x" * 5000], "File name too long; name a folder that can be written to"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else "",
)
def test_bad_input_error_says_what_to_write(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert sentence in err
    assert (out, len(err.splitlines())) == ("", 1)


def test_output_is_tried_and_left_as_it_was(tmp_path: Path) -> None:
    arguments = ["--output", str(tmp_path / "a" / "b"), "--days", "2", "--log"]
    options = DemoOptions.parse(_parser().parse_args(["demo", *arguments]))

    assert (options.output, len(options.days), options.show_log) == (tmp_path / "a" / "b", 2, True)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_output_without_permission_is_refused_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tmp_path.chmod(0o500)

    assert main(["demo", "--output", str(tmp_path)]) == 2
    assert f"--output {tmp_path}: Permission denied; name a folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("now", "newest"),
    [("2026-03-10 00:00:01", "2026-03-07"), ("2026-03-10 00:01", "2026-03-08"), ("2026-03-10 23:59", "2026-03-08")],
)
def test_demo_exports_days_that_need_no_wait(now: str, newest: str) -> None:
    with time_machine.travel(f"{now}+00:00", tick=False):
        options = DemoOptions.parse(_parser().parse_args(["demo", "--days", "366", "--fail-day", "366"]))

    assert options.days.end.isoformat() == newest
    assert len(options.days) == 366
    assert options.failing == {options.days.end}


@pytest.mark.parametrize("days", [1, 361, 362, 366])
@pytest.mark.parametrize("resource_type", ResourceType)
def test_quota_has_room_for_every_number_of_days(days: int, resource_type: ResourceType) -> None:
    arguments = ["demo", "--days", str(days), "--resource-type", resource_type.value]
    options = DemoOptions.parse(_parser().parse_args(arguments))
    simulator = Demo(options)._simulator()

    simulator.create_job(resource_type, options.days.start.isoformat(), options.days.end.isoformat())


@pytest.mark.parametrize("arguments", [["--help"], ["demo", "--help"]], ids=" ".join)
def test_help_documents_the_exit_statuses(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(arguments)

    shown = " ".join(capsys.readouterr().out.split())
    assert (
        "0 success, 1 a day failed, or Airflow could not run the DAG, 2 bad input or a missing extra, 130 int" in shown
    )


def test_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"bulkexports {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "status"),
    [("demo --days 0", 2), ("simulate --port 99999", 2), ("simulate --port 0", 2), ("demo --days 1", 2), ("--help", 0)],
)
@pytest.mark.parametrize("output", [">&-", ">/dev/full"], ids=["closed", "full"])
def test_output_that_cannot_be_written_is_one_line(arguments: str, status: int, output: str) -> None:
    command = f"exec {shlex.join(COMMAND)} {arguments} {output}"

    ended = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)

    assert ended.returncode == status, ended.stderr
    assert len(ended.stderr.splitlines()) <= 1 and "Traceback" not in ended.stderr
