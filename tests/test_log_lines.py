"""The page on troubleshooting has every line that the package logs, and quotes lines and errors as they are."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.airflow import DAG
from support.documents import DOCS, rows

import airflow_provider_bulkexports
from airflow_provider_bulkexports import (
    BulkExportsToObjectStorageOperator,
    CreateExportCustomJobOperator,
    ExportCustomJobSensor,
)
from airflow_provider_bulkexports.simulator import Simulator

PACKAGE = Path(airflow_provider_bulkexports.__file__).parent
PAGE = DOCS["troubleshooting"]

#: What does not run in tasks: the simulator, the command, and the examples.
NOT_OF_TASKS = {"cli", "example_dags", "simulator"}

LOGGING = ("info", "warning", "error", "exception", "critical")


def sources() -> Iterator[ast.AST]:
    for file in sorted(PACKAGE.rglob("*.py")):
        if not NOT_OF_TASKS.intersection(file.relative_to(PACKAGE).parts):
            yield ast.parse(file.read_text(encoding="utf-8"))


def text_of(node: ast.AST) -> str | None:
    """A string of the source with ``…`` for each part that differs; ``None`` for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.sub(r"%[-+ #0]*[\d.]*[a-z]", "…", node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) or "…" for part in node.values)
    return None


def is_of_a_log(call: ast.Call) -> bool:
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in LOGGING:
        return False
    owner = ast.unparse(call.func.value)
    return owner.rpartition(".")[2] in ("log", "_log", "logger", "_logger") or owner.startswith("logging.getLogger(")


STRINGS = {text for tree in sources() for node in ast.walk(tree) if (text := text_of(node))}
LOGGED = sorted(
    text
    for tree in sources()
    for call in ast.walk(tree)
    if isinstance(call, ast.Call) and is_of_a_log(call) and call.args and (text := text_of(call.args[0]))
    if re.search(r"\w", text)  # lines that consist of parts only are described in words
)


def first_cells(*titles: str) -> list[str]:
    return [row[0].strip("`") for title in titles for row in rows(PAGE.section(title))]


#: Log lines of each kind of task.
LINES_OF = {title: first_cells(title) for title in re.findall(r"^## (Log lines of .+)$", PAGE.text, flags=re.MULTILINE)}
LINES = [line for lines in LINES_OF.values() for line in lines]
ERRORS = first_cells("Errors")


def test_page_and_source_have_lines() -> None:
    assert len(LOGGED) > 20
    assert len(LINES) > 20
    assert len(ERRORS) > 20


@pytest.mark.parametrize("line", LOGGED)
def test_logged_line_has_a_row(line: str) -> None:
    assert line in LINES, f"docs/troubleshooting.md lacks a row for: {line}"


@pytest.mark.parametrize("line", LINES)
def test_row_quotes_a_line_of_the_source(line: str) -> None:
    assert line in STRINGS, f"no string of the package reads so any more: {line}"


@pytest.mark.parametrize("words", ERRORS)
def test_error_row_quotes_the_source(words: str) -> None:
    assert any(words in text for text in STRINGS), f"no string of the package has these words any more: {words}"


def test_top_list_links_every_section() -> None:
    titles = re.findall(r"^## (.+)$", PAGE.text, flags=re.MULTILINE)

    linked = re.findall(r"^\* \[(.+?)\]\(#", PAGE.text, flags=re.MULTILINE)
    assert linked == titles


def test_index_leads_to_the_page() -> None:
    assert "](troubleshooting.md)" in DOCS["index"].text


#: The section for each task of a failed run.
SECTION_OF = {
    "submit": "Log lines of a submitting task",
    "wait": "Log lines of a wait",
    "store": "Log lines of a storing task",
}
#: Characters that a line of a failure may have, except for an address.
WIDEST = 100
#: Lines made of parts only; the page describes them in words.
PROGRESS = re.compile(r"JS\w{32}: \d+/\d+ days final.*")
#: A line of a package's logger as Airflow 3 writes it.
WRITTEN = re.compile(r"^\S+ \[\w+ *\] (.*?) +\[\S*airflow_provider_bulkexports\.\S+\]", flags=re.MULTILINE)
#: What Airflow says of a task that a test runs.
OUTSIDE_AIRFLOW = "cannot be called outside"

Line = tuple[str, str]


def shown_lines(run: str) -> list[Line]:
    """Task and line of each row of a failed run on the page."""
    section = PAGE.section("Failed runs, line by line").partition(f"\n### {run}\n")[2].partition("\n### ")[0]
    return [(row[0].strip("`"), row[1].strip("`")) for row in rows(section)]


def without_variables(line: str) -> str:
    """A line without what differs from run to run: hosts, folders, sids, days, times and numbers."""
    line = re.sub(r"https?://[\w.:]+(?=/v1)", "HOST", line)
    line = re.sub(r"file://\S*?(?=/resource_type| is)", "FOLDER", line)
    line = re.sub(r"\b(AC|JS|RQ)[0-9a-f]{32}\b", r"\1", line)
    return re.sub(r"\d+", "#", line)


@dataclass
class FailedRun:
    """Runs the page's three tasks one after another, and keeps what they log."""

    run_task: Callable[..., Any]
    destination: str
    written: Callable[[], list[str]]
    setenv: Callable[[str, str], None]
    lines: list[Line] = field(default_factory=list)

    def submit(self, **arguments: Any) -> Any:
        days = {"resource_type": "Messages", "start_day": "2026-11-21", "end_day": "2026-11-22"}
        return self._run(CreateExportCustomJobOperator, "submit", **days, **arguments)

    def wait(self, job_sid: Any) -> Any:
        return self._run(ExportCustomJobSensor, "wait", job_sid=job_sid, failed_days="store", deferrable=True)

    def store(self, days: Any) -> Any:
        where = {"resource_type": "Messages", "destination": self.destination}
        return self._run(BulkExportsToObjectStorageOperator, "store", days=days, **where)

    def _run(self, kind: Callable[..., Any], task_id: str, **arguments: Any) -> Any:
        with DAG("exports", schedule=None):
            task = kind(task_id=task_id, **arguments)
        end = self.run_task(lambda: task)
        self.lines += [(task_id, line) for line in self.written() if OUTSIDE_AIRFLOW not in line]
        if end.error is not None:
            self.lines.append((task_id, str(end.error)))
        return end


@pytest.fixture
def failed_run(
    connection: str,
    run_task: Callable[..., Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> FailedRun:
    caplog.set_level("INFO")

    def written() -> list[str]:
        of_airflow_2 = [
            record.getMessage() for record in caplog.records if "airflow_provider_bulkexports" in record.name
        ]
        caplog.clear()
        return of_airflow_2 + WRITTEN.findall(capsys.readouterr().out)

    return FailedRun(run_task, f"file://{tmp_path}", written, monkeypatch.setenv)


def day_fails(run: FailedRun, sim: Simulator) -> Any:
    sim.state.fail_day("Messages", "2026-11-22")
    submitted = run.submit()
    waited = run.wait(submitted.value)
    return run.store(waited.value)


def token_is_wrong(run: FailedRun, sim: Simulator) -> Any:
    run.setenv("AIRFLOW_CONN_TWILIO_BULKEXPORTS_DEFAULT", sim.connection_json().replace(sim.auth_token, "0" * 32))
    return run.submit(destination=run.destination)


def quota_is_spent(run: FailedRun, sim: Simulator) -> Any:
    sim.state.spend_quota(366)
    return run.submit(wait_for_quota=False)


FAILED_RUNS = {
    "A day failed at Twilio": day_fails,
    "The Auth Token is wrong": token_is_wrong,
    "The quota is spent": quota_is_spent,
}


@pytest.mark.parametrize("title", FAILED_RUNS)
def test_failed_run_logs_what_the_page_shows_and_explains(title: str, failed_run: FailedRun, sim: Simulator) -> None:
    end = FAILED_RUNS[title](failed_run, sim)

    assert end.state == "failed"
    *logged, (_, error) = failed_run.lines
    unexplained = [(task, line) for task, line in logged if not is_explained(task, line)]
    assert not unexplained
    assert any(words in re.sub(r"\bJS\w{32}", "…", error) for words in ERRORS), error
    assert error_of(failed_run.lines) == CAUSE_AND_CURE[title]
    assert [line for _, line in logged if len(line) > WIDEST and is_of_a_failure(line) and "://" not in line] == []
    happened = {(task, without_variables(line)) for task, line in failed_run.lines}
    shown = [(task, line) for task, line in shown_lines(title) if not PROGRESS.fullmatch(line)]
    assert [line for line in shown if (line[0], without_variables(line[1])) not in happened] == []


#: Beginnings of the lines of a failure, as the page explains them.
TITLES = tuple(
    title.strip("` ").removesuffix("…")
    for row in rows(PAGE.section("The lines of a failure"))
    for title in row[0].split(", ")
)

#: What the lines of a failure say: cause, place and cure.
CAUSE_AND_CURE = {
    "A day failed at Twilio": {
        "What happened": "1 of 2 days failed at Twilio: 2026-11-22; the other day is stored",
        "Connection": "twilio_bulkexports_default",
        "Job": "JS#",
        "What to do": "Clear the task that submitted the job, with its downstream tasks: it submits the failed days "
        "again, and only those.",
    },
    "The Auth Token is wrong": {
        "What happened": "Twilio returned HTTP 401: Authenticate: Your AccountSid or AuthToken was incorrect.",
        "Connection": "twilio_bulkexports_default (account AC#)",
        "What to do": "Check the connection's login (Account SID or API key SID) and password (Auth Token or the key's "
        "secret).",
    },
    "The quota is spent": {
        "What happened": "Twilio returned HTTP 400: Daily limit of 366 export days exceeded for account AC#: 366 "
        "requested, 2 more asked for",
        "Connection": "twilio_bulkexports_default (account AC#)",
        "What to do": "Run the task after 00:00 UTC, or let it wait (wait_for_quota=True): the account and its "
        "subaccounts can request at most 366 days of data per UTC day.",
    },
}


def is_of_a_failure(line: str) -> bool:
    return line.startswith((*TITLES, "    "))


def error_of(lines: list[Line]) -> dict[str, str]:
    """The cause, place and cure in the lines of the failed task, joined again."""
    parts: dict[str, str] = {}
    label = ""
    for _, line in lines:
        if line.startswith(TITLES):
            label, _, text = line.partition(": ")
            parts[label] = text
        elif line.startswith("    "):
            parts[label] += f" {line.strip()}"
    known = {label: text for label, text in parts.items() if label not in ("Request", "Response", "More about it")}
    return {label: re.sub(r"\b(AC|JS)[0-9a-f]{32}\b", r"\1#", text) for label, text in known.items()}


def is_explained(task: str, line: str) -> bool:
    """Whether the page has a row for a line: in the section for the task, or in that of the lines of a failure."""
    if is_of_a_failure(line):
        return True
    templates = (re.escape(row).replace("…", ".+") for row in LINES_OF[SECTION_OF[task]])
    return bool(PROGRESS.fullmatch(line)) or any(re.fullmatch(template, line) for template in templates)


def test_every_failed_run_shown_is_made_by_a_test() -> None:
    section = PAGE.section("Failed runs, line by line")

    assert re.findall(r"^### (.+)$", section, flags=re.MULTILINE) == list(FAILED_RUNS)
