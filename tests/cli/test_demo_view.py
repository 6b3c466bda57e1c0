"""What the demo writes to terminals of several widths, and to what is no terminal."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from airflow_provider_bulkexports.cli.demo_airflow import message_in
from airflow_provider_bulkexports.cli.demo_view import DemoView
from airflow_provider_bulkexports.model.days import DayRange
from airflow_provider_bulkexports.model.resources import Job

SEVEN = DayRange.parse("2026-01-01", "2026-01-07")
YEAR = DayRange.parse("2025-01-01", "2026-01-01")
FAILURE = (
    "1 of 7 days failed at Twilio: 2026-01-03 (job JS39f301285254d4b2c5e14d57dad4a3e8). The other 6 days are stored. "
    "Clear the task that submitted the job, with its downstream tasks: it submits the failed days again, and "
    "only those."
)


def finished_job(days: DayRange) -> Job:
    """The second day is empty, and the third one failed."""
    named = [day.isoformat() for day in days]
    _, empty, failed = named[:3]
    return Job.from_json(
        {
            "job_sid": "JS" + "0" * 32,
            "start_day": named[0],
            "end_day": named[-1],
            "job_queue_position": "0",
            "details": [
                {"status": "Completed", "days": [day for day in named if day not in (failed, empty)]},
                {"status": "CompletedEmptyRecords", "days": [empty]},
                {"status": "Failed", "days": [failed]},
            ],
        }
    )


def running_job(position: int = 3) -> Job:
    return Job.from_json({"job_sid": "JS" + "0" * 32, "job_queue_position": str(position), "details": []})


def written_to(
    *, width: int, days: DayRange = SEVEN, is_terminal: bool = True, encoding: str = "utf-8", height: int = 30
) -> list[str]:
    """Lines of the end of a demo, without styles."""
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding=encoding, errors="replace", write_through=True)
    console = Console(file=stream, force_terminal=is_terminal, width=width, height=height, highlight=False)
    view = DemoView(console, days)
    view.update(finished_job(days))
    entries = [{"day": day.isoformat(), "records": 50, "bytes": 123456} for day in days]
    result = {"job_sids": ["JS" + "0" * 32], "completed": [day.isoformat() for day in days], "failed": ["2026-01-03"]}
    view.say("Exporting Messages of 2026-01-01 to 2026-01-07 with example_bulkexports_range.py in a temporary home.")
    view.show_end("failed", result, entries, FAILURE)
    view.show_files(
        [f"file:///out/resource_type=Messages/day={day}/part-0.json.gz" for day in days], folder=Path("/out")
    )
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", written.getvalue().decode(encoding)).splitlines()


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("width", [58, 60, 80, 120])
@pytest.mark.parametrize("days", [SEVEN, YEAR], ids=["week", "year"])
def test_no_word_is_broken_on_a_terminal(width: int, days: DayRange, encoding: str) -> None:
    lines = written_to(width=width, days=days, encoding=encoding)

    assert max(map(len, lines)) <= width
    shown = " ".join(" ".join(lines).split())
    assert FAILURE in shown
    assert "with example_bulkexports_range.py in a temporary home." in shown
    for word in ("CompletedEmptyRecords", "no records that day", "Failed", "submit again", "Day", "State"):
        assert word in shown


@pytest.mark.parametrize(("width", "columns"), [(120, 5), (80, 5), (60, 4), (50, 3), (41, 2)])
def test_table_has_the_columns_that_fit_and_each_has_a_header(width: int, columns: int) -> None:
    lines = written_to(width=width)

    (header,) = [line for line in lines if line.startswith("┃ Day")]
    assert header.strip("┃ ").replace("┃", " ").split() == ["Day", "State", "Records", "Bytes", "Note"][:columns]
    rows = [line for line in lines if line.startswith("│ 2026-")]
    assert len(rows) == 7
    assert all("CompletedEmptyRecords" in row for row in rows if row.startswith("│ 2026-01-02"))


def test_file_gets_long_lines_and_every_day() -> None:
    lines = written_to(width=80, days=YEAR, is_terminal=False)

    assert f"The task failed: {FAILURE}" in lines
    assert len([line for line in lines if re.match(r"│ \d{4}-\d\d-\d\d │", line)]) == 366
    assert len([line for line in lines if line.startswith("  file:///out/resource_type=Messages/day=")]) == 366
    (completed,) = [line for line in lines if line.startswith("  completed: ")]
    assert completed.count("-") == 2 * 366


def test_terminal_gets_a_year_in_few_lines() -> None:
    lines = written_to(width=80, days=YEAR)

    assert len(lines) < 40
    assert any(line.startswith("│ 2025-01-04 to 2026-01-01 │ Completed") for line in lines)
    assert '  completed: ["2025-01-01", …, "2026-01-01"] (366 of them)' in lines


def test_live_display_of_a_year_fits_the_terminal() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=60, height=20)
    view = DemoView(console, YEAR)
    view.update(finished_job(YEAR))

    assert len(console.render_lines(view._live_view())) < 20


@pytest.mark.parametrize("variables", [{"TERM": "dumb"}, {"NO_COLOR": "1"}], ids=["dumb", "NO_COLOR"])
def test_plain_terminal_gets_no_colours(variables: dict[str, str]) -> None:
    written = io.StringIO()
    view = DemoView(Console(file=written, force_terminal=True, width=80, _environ=variables), SEVEN)
    with view.live():
        view.update(running_job())
    view.update(finished_job(SEVEN))
    view.show_end("failed", None, [], "")

    assert not re.search(r"\x1b\[[0-9;]*3[0-7]", written.getvalue())
    if "TERM" in variables:
        assert "\x1b[2K" not in written.getvalue()


def test_every_phase_is_a_line_and_silence_is_broken() -> None:
    written = io.StringIO()
    now = 0.0
    view = DemoView(Console(file=written, width=80), SEVEN, clock=lambda: now)
    with view.live():
        for _ in range(100):
            now += 1
            view.show_downloads(0)
        view.show_message("Creating Airflow's database")
        view.show_message("submit: Waiting until 2026-01-10 00:00 UTC for the quota to renew")
        now += 9
        view.show_downloads(0)
        view.update(running_job())
        view.update(running_job())
        view.show_message("submit: Submitted job JS1")
        view.update(finished_job(SEVEN))
        for number in (0, 1, 2, 6, 6):
            now += 1
            view.show_downloads(number)

    lines = written.getvalue().splitlines()
    assert lines == [
        "Starting Airflow (about ten seconds)",
        *(f"  still working after {seconds} s" for seconds in (9, 26, 59)),
        "Creating Airflow's database",
        "submit: Waiting until 2026-01-10 00:00 UTC for the quota to renew",
        "  still working after 9 s",
        "The job is submitted; waiting for Twilio",
        "  0/7 days final; queue position 3",
        "  7/7 days final: 5 completed, 1 empty, 1 failed",
        "Storing 6 files",
        "Storing 6 files: 6 downloaded",
    ]


WAITING = "Waiting until 2026-11-27 00:00 UTC for the quota to renew; then it submits 2026-11-21: HTTP 400 [20001]"
OPERATOR = "airflow.task.operators.airflow_provider_bulkexports.operators.bulkexports.CreateExportCustomJobOperator"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("bulkexports demo: Creating Airflow's database", "Creating Airflow's database"),
        (f"2026-11-26T03:51:22.51Z [info     ] {WAITING} [{OPERATOR}] loc=deferral.py:84", f"submit: {WAITING}"),
        (f"2026-11-26T03:51:22.51Z [warning  ] {WAITING} [{OPERATOR}]", f"submit: {WAITING}"),
        (f"INFO  [{OPERATOR}] {WAITING}", f"submit: {WAITING}"),
        (f"WARNI [{OPERATOR}] {WAITING}", f"submit: {WAITING}"),
        ("2026-11-26T03:51:22.61Z [info     ] Pushing xcom [task] loc=task_runner.py:2280 ti=Runtime", None),
        ("INFO  [airflow.task] Exporting env vars: AIRFLOW_CTX_DAG_OWNER='airflow'", None),
        ('  File "airflow_provider_bulkexports/transfers/bulkexports.py", line 195, in execute', None),
    ],
    ids=["demo", "3.3", "3.0", "2.11", "2.11 warning", "Airflow 3", "Airflow 2", "traceback"],
)
def test_own_messages_are_found_in_the_log(line: str, message: str | None) -> None:
    assert message_in(line) == message
