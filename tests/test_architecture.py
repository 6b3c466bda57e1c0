"""Import directions, the layout of the package and its words are enforced; the size of files is advice."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "airflow_provider_bulkexports"
SOURCES = sorted(PACKAGE.rglob("*.py"))

#: Modules at the root: what a user or Airflow names. Everything else has a folder.
pytestmark = pytest.mark.skipif(not PACKAGE.is_dir(), reason="the source is in a checkout only")

ROOT_MODULES = {"__init__", "compat", "exceptions", "links", "provider_info", "task_groups"}

#: The noun "look", which should read "poll", "check" or "read"; the verb ("look up", "it looks again") is fine.
LOOK_AS_NOUN = re.compile(
    r"""
    \b(?:an?|the|one|each|every|first|last|next|further|single|this|its|their|own|failed|whose|of|per)\ look(?!-)\b
    |
    \b(?:the|two|many|few|more|all|of|how|between|its|their|own|failed|further|successful)\ looks\b
    |
    \b(?:look\ after\ look|looks?\ failed|looks\ (?:in\ a\ row|that|which|of)|looks?\ or|long\ as\ a\ look)\b
    """,
    re.IGNORECASE | re.VERBOSE,
)


def test_import_contracts_hold() -> None:
    pytest.importorskip("importlinter")
    contracts = (ROOT / "pyproject.toml").read_text().count("[[tool.importlinter.contracts]]")
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert f"Contracts: {contracts} kept, 0 broken" in done.stdout, done.stdout + done.stderr


def test_no_module_has_a_catch_all_name() -> None:
    assert not [source for source in SOURCES if source.stem in ("utils", "util", "helpers", "common", "misc")]


def test_root_has_the_modules_that_users_and_airflow_name() -> None:
    assert {source.stem for source in PACKAGE.glob("*.py")} == ROOT_MODULES


def test_operators_import_from_at_most_nine_rooms() -> None:
    """Above that, the operator does work of its own that belongs into ``tasks/``."""
    rooms = rooms_imported_by(PACKAGE / "operators" / "bulkexports.py")

    assert len(rooms) <= 9, sorted(rooms)


def rooms_imported_by(source: Path) -> set[str]:
    """Folders and root modules of the package that a module imports from."""
    nodes = [node for node in ast.walk(ast.parse(source.read_text())) if isinstance(node, ast.ImportFrom)]
    modules = [(node.module or "").split(".") for node in nodes]
    return {module[1] for module in modules if module[0] == PACKAGE.name and len(module) > 1} - {source.parent.name}


def prose() -> list[Path]:
    return [*SOURCES, ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_look_is_not_used_as_a_noun() -> None:
    lines = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()}"
        for file in prose()
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        if LOOK_AS_NOUN.search(line)
    ]

    assert not lines, "\n".join(["say poll, check or read:", *lines])


@pytest.mark.parametrize(
    "text",
    [
        "Seconds between looks",
        "the first look of a wait",
        "Look failed (3 of 10)",
        "look after look",
        "Failed looks in a row",
    ],
)
def test_noun_look_is_recognized(text: str) -> None:
    assert LOOK_AS_NOUN.search(text)


@pytest.mark.parametrize(
    "text",
    [
        "Each looks again after its POST",
        "to look for the job",
        "Look the connection up",
        "what looks random",
        "the look-up",
    ],
)
def test_verb_look_is_left_alone(text: str) -> None:
    assert not LOOK_AS_NOUN.search(text)


def test_long_modules_and_functions_are_pointed_out() -> None:
    """Only a warning: a hard limit makes people cut in the wrong place."""
    modules = {str(source.relative_to(PACKAGE)): len(source.read_text().splitlines()) for source in SOURCES}
    functions = {f"{source.name}:{name}": lines for source in SOURCES for name, lines in functions_of(source)}
    long = [
        *(f"{name} has {lines} lines" for name, lines in modules.items() if lines > 400),
        *(f"{name} has {lines} lines" for name, lines in functions.items() if lines > 40),
    ]

    if long:
        warnings.warn(f"consider splitting: {', '.join(long)}", stacklevel=1)


def functions_of(source: Path) -> Iterator[tuple[str, int]]:
    """Name and length in lines of every function, without signature and docstring."""
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            if body:
                yield node.name, (body[-1].end_lineno or 0) - body[0].lineno + 1
