"""The API reference has every public name, and each says what its arguments are."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from typing import Any

import pytest
from support.documents import ROOT

REFERENCE = (ROOT / "docs" / "reference.rst").read_text(encoding="utf-8")
PUBLIC_MODULES = [
    "airflow_provider_bulkexports",
    "airflow_provider_bulkexports.exceptions",
    "airflow_provider_bulkexports.simulator",
]
PUBLIC_NAMES = [(module, name) for module in PUBLIC_MODULES for name in import_module(module).__all__]
DOCUMENTED = re.findall(r"^\.\. auto(?:class|function):: ([\w.]+)(?:\(\))?$", REFERENCE, flags=re.MULTILINE)
WHOLE_MODULES = re.findall(r"^\.\. automodule:: (\S+)$", REFERENCE, flags=re.MULTILINE)

#: Arguments that are described beside the attributes, in another docstring, or by the object that they are fields of.
DESCRIBED_ELSEWHERE = {
    ("airflow_provider_bulkexports.simulator", "Knobs"),
    ("airflow_provider_bulkexports", "split_months"),
    ("airflow_provider_bulkexports.simulator", "problem_body"),
}


def resolved(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


@pytest.mark.parametrize("path", DOCUMENTED)
def test_documented_path_can_be_imported(path: str) -> None:
    assert callable(resolved(path))


@pytest.mark.parametrize(("module", "name"), PUBLIC_NAMES)
def test_public_name_is_in_the_reference(module: str, name: str) -> None:
    documented = [resolved(path) for path in DOCUMENTED]

    assert module in WHOLE_MODULES or getattr(import_module(module), name) in documented


@pytest.mark.parametrize(("module", "name"), sorted(set(PUBLIC_NAMES) - DESCRIBED_ELSEWHERE))
def test_docstring_describes_every_argument(module: str, name: str) -> None:
    subject = getattr(import_module(module), name)
    is_class = inspect.isclass(subject)
    docstrings = " ".join(base.__doc__ or "" for base in (subject.__mro__ if is_class else [subject]))
    described = set(re.findall(r":param (\w+):|``(\w+)``", docstrings))
    arguments = set(inspect.signature(subject.__init__ if is_class else subject).parameters)

    assert arguments - {"self", "args", "kwargs"} - {name for pair in described for name in pair} == set()
