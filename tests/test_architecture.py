"""The direction of imports, and names that say nothing: kept by machine. The size of files: advice."""

from __future__ import annotations

import ast
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "airflow_provider_bulkexports"
SOURCES = sorted(PACKAGE.rglob("*.py"))


def test_imports_point_one_way() -> None:
    pytest.importorskip("importlinter")
    contracts = (ROOT / "pyproject.toml").read_text().count("[[tool.importlinter.contracts]]")
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert f"Contracts: {contracts} kept, 0 broken" in done.stdout, done.stdout + done.stderr


def test_every_module_is_named_for_what_it_does() -> None:
    assert not [source for source in SOURCES if source.stem in ("utils", "util", "helpers", "common", "misc")]


def test_long_modules_and_functions_are_pointed_out() -> None:
    """Advice, since a wall at a number makes people cut where nothing ends."""
    modules = {str(source.relative_to(PACKAGE)): len(source.read_text().splitlines()) for source in SOURCES}
    functions = {f"{source.name}:{name}": lines for source in SOURCES for name, lines in functions_of(source)}
    long = [
        *(f"{name} has {lines} lines" for name, lines in modules.items() if lines > 400),
        *(f"{name} has {lines} lines" for name, lines in functions.items() if lines > 40),
    ]

    if long:
        warnings.warn(f"could be read in one sitting if they were shorter: {', '.join(long)}", stacklevel=1)


def functions_of(source: Path) -> Iterator[tuple[str, int]]:
    """Name and number of lines of every function, without its signature and docstring."""
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            if body:
                yield node.name, (body[-1].end_lineno or 0) - body[0].lineno + 1
