"""The page on how the package works shows the packages as they are, and names files that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.documents import DOCS, ROOT, rows

import airflow_provider_bulkexports

PACKAGE = Path(airflow_provider_bulkexports.__file__).parent
PAGE = DOCS["how-it-works"]
CONTRIBUTING = ROOT / ".github" / "CONTRIBUTING.md"

#: Packages that are no layer: the face of the package, its metadata, and what only a wheel contains.
NO_LAYERS = {"__init__", "provider_info", "example_dags"}

QUESTIONS = rows(PAGE.section("Where things are"))


def layers_shown() -> list[list[str]]:
    (picture,) = [block for block in PAGE.section("Layers").split("```") if block.startswith("text\n")]
    return [re.split(r" {2,}", line.strip())[0].split(" │ ") for line in picture.splitlines()[1:] if line.strip()]


def test_layers_shown_are_those_of_the_contract() -> None:
    contracts = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    listed = contracts.partition("\nlayers = [\n")[2].partition("\n]\n")[0]

    assert layers_shown() == [layer.split(" | ") for layer in re.findall(r'"(.+)"', listed)]


def test_layers_shown_are_all_packages() -> None:
    packages = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}

    assert {package for layer in layers_shown() for package in layer} == packages - NO_LAYERS


@pytest.mark.parametrize(("question", "answer"), QUESTIONS, ids=[row[0] for row in QUESTIONS])
def test_answer_names_files_that_exist(question: str, answer: str) -> None:
    files = re.findall(r"`(\S+\.py)`", answer)

    assert files
    assert [file for file in files if not (PACKAGE / file).is_file()] == []


def test_question_has_one_row() -> None:
    assert len({question for question, _ in QUESTIONS}) == len(QUESTIONS) > 15


@pytest.mark.skipif(not CONTRIBUTING.exists(), reason="only the repository has it")
def test_contributing_fits_on_a_page_and_names_paths_that_exist() -> None:
    text = CONTRIBUTING.read_text(encoding="utf-8")
    named = re.findall(r"`((?:airflow_provider_bulkexports|tests|docs|example_dags)/[\w/.]*)`", text)
    linked = re.findall(r"\]\(([^)#:]+)\)", text)

    assert len(text.splitlines()) <= 90
    assert named
    assert linked
    assert [path for path in named if not (ROOT / path).exists()] == []
    assert [link for link in linked if not (CONTRIBUTING.parent / link).exists()] == []
