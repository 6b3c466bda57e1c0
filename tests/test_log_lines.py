"""The page on troubleshooting has every line that the package logs, and quotes lines and errors as they are."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.documents import DOCS, rows

import airflow_provider_bulkexports

PACKAGE = Path(airflow_provider_bulkexports.__file__).parent
PAGE = DOCS["troubleshooting"]

#: The simulator and the command are no part of a task.
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


LINES = first_cells(*re.findall(r"^## (Lines of .+)$", PAGE.text, flags=re.MULTILINE))
ERRORS = first_cells("Errors")


def test_there_are_lines_to_find() -> None:
    assert len(LOGGED) > 20
    assert len(LINES) > 20
    assert len(ERRORS) > 20


@pytest.mark.parametrize("line", LOGGED)
def test_a_line_that_is_logged_is_explained(line: str) -> None:
    assert line in LINES, f"docs/troubleshooting.md lacks a row for: {line}"


@pytest.mark.parametrize("line", LINES)
def test_a_line_that_is_explained_is_in_the_source(line: str) -> None:
    assert line in STRINGS, f"no string of the package reads so any more: {line}"


@pytest.mark.parametrize("words", ERRORS)
def test_an_error_that_is_explained_is_in_the_source(words: str) -> None:
    assert any(words in text for text in STRINGS), f"no string of the package has these words any more: {words}"


#: Lines of the failed run that Airflow logs itself.
OF_AIRFLOW = {"Pausing task as DEFERRED.", "Task failed with exception"}


@pytest.mark.parametrize("line", first_cells("A failed run, line by line"))
def test_the_failed_run_shown_logs_what_the_package_logs(line: str) -> None:
    if line in OF_AIRFLOW or re.fullmatch(r"JS\w{32}: \d+/\d+ days final.*", line):
        return  # the words of progress are tested in planning/test_progress_text.py
    templates = [re.escape(text).replace("…", ".+") for text in STRINGS if len(re.sub(r"\W", "", text)) > 20]
    assert any(re.fullmatch(template, line) for template in templates), line


def test_every_link_at_the_top_has_its_section() -> None:
    titles = re.findall(r"^## (.+)$", PAGE.text, flags=re.MULTILINE)

    linked = re.findall(r"^\* \[(.+?)\]\(#", PAGE.text, flags=re.MULTILINE)
    assert linked == titles
