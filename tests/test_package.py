"""The face of the package: light to import, complete, and open about what it offers."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import airflow_provider_bulkexports as package

HEAVY = ("airflow", "pendulum", "requests", "rich", "starlette", "urllib3", "uvicorn")


def modules_after(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after the code."""
    script = f"import sys\n{code}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import airflow_provider_bulkexports",
        "import airflow_provider_bulkexports as package; dir(package); package.__version__; package.__all__",
        "from airflow_provider_bulkexports.provider_info import get_provider_info; get_provider_info()",
        "import airflow_provider_bulkexports.exceptions",
    ],
)
def test_looking_at_the_package_loads_nothing_heavy(code: str) -> None:
    assert not modules_after(code).intersection(HEAVY)


def test_api_and_planning_work_without_airflow() -> None:
    folders = (Path(package.__file__).parent / kind for kind in ("api", "planning"))
    modules = [
        f"{package.__name__}.{file.parent.name}.{file.stem}" for folder in folders for file in folder.glob("*.py")
    ]

    assert "airflow" not in modules_after(f"import {', '.join(modules)}")


def test_every_public_name_resolves_to_what_bears_it() -> None:
    for name in package.__all__:
        assert getattr(package, name).__name__ == name


def test_public_names_are_sorted_and_listed_by_dir() -> None:
    assert list(package.__all__) == sorted(package.__all__)
    assert set(package.__all__) <= set(dir(package))
    assert dir(package) == sorted(dir(package))


def test_public_names_are_all_that_users_write_in_dags() -> None:
    offered = {
        name
        for kind in ("hooks", "operators", "sensors", "transfers", "triggers")
        for name in import_module(f"airflow_provider_bulkexports.{kind}.bulkexports").__all__
        if name[0].isupper()
    }

    functions = {"asset_for", "export_to_object_storage", "join_days", "plan_quota", "split_days", "split_months"}
    assert set(package.__all__) == offered | functions


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="ExportCustomJobSensr"):
        package.ExportCustomJobSensr  # noqa: B018


#: Makes the simulator extra missing, also where Airflow itself has loaded its packages already.
BLOCK = """
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("starlette", "uvicorn"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
for name in [name for name in sys.modules if name.partition(".")[0] in ("starlette", "uvicorn")]:
    del sys.modules[name]
sys.meta_path.insert(0, Block())
"""


@pytest.mark.slow
def test_nothing_but_the_simulator_misses_the_simulator_extra() -> None:
    names = ", ".join(package.__all__)

    loaded = modules_after(
        f"import airflow_provider_bulkexports.compat\n{BLOCK}\nfrom airflow_provider_bulkexports import {names}"
    )

    assert not loaded.intersection(("starlette", "uvicorn"))


def test_the_simulator_says_which_extra_it_misses() -> None:
    code = f"""{BLOCK}
from airflow_provider_bulkexports import simulator
try:
    simulator.Simulator
except ModuleNotFoundError as error:
    assert "airflow-provider-bulkexports[simulator]" in str(error), error
else:
    raise AssertionError("the extra was not missed")
"""
    assert "airflow_provider_bulkexports" in modules_after(code)
