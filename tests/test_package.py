"""The package's face: cheap to import, complete, and explicit about what it offers."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import airflow_provider_bulkexports as package

KINDS = ("hooks", "operators", "sensors", "transfers", "triggers")
HEAVY = ("airflow", "pendulum", "requests", "rich", "starlette", "urllib3", "uvicorn")


def modules_after(code: str, *, before: str = "") -> set[str]:
    """Top-level modules that the code loads in a fresh interpreter, beyond those of the code before it."""
    script = (
        f"import sys\n{before}\nknown = set(sys.modules)\n{code}\n"
        "print(*{name.partition('.')[0] for name in set(sys.modules) - known})"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "code",
    [
        "import airflow_provider_bulkexports",
        "import airflow_provider_bulkexports as package; dir(package); package.__version__; package.__all__",
        "from airflow_provider_bulkexports.provider_info import get_provider_info; get_provider_info()",
        "import airflow_provider_bulkexports.exceptions",
    ],
)
def test_package_metadata_loads_nothing_heavy(code: str) -> None:
    assert not modules_after(code).intersection(HEAVY)


#: What a DAG processor has imported before it parses a DAG file.
AIRFLOW = """
try:
    from airflow.sdk import DAG, BaseOperator, BaseSensorOperator
except ImportError:
    from airflow import DAG
    from airflow.models import BaseOperator
    from airflow.sensors.base import BaseSensorOperator
"""

#: Every operator, sensor, transfer and task group, with arguments that are checked when the DAG file is parsed.
#: It has no assets: Airflow then loads the URI handlers of every installed provider, and boto3 with them.
DAG_FILE = """
import datetime
days = {"resource_type": "Messages", "start_day": "2026-01-01", "end_day": "2026-01-07"}
webhook = {"webhook_url": "https://example.com/done", "webhook_method": "POST"}
with DAG("parsed", start_date=datetime.datetime(2026, 1, 1), schedule="0 0 * * *") as dag:
    submit = CreateExportCustomJobOperator(
        task_id="submit", wait_for_completion=True, destination="file:///data", **webhook, **days
    )
    ExportCustomJobSensor(task_id="wait", job_sid="JS" + "0" * 32, deferrable=True)
    ExportDaySensor(task_id="days", **days)
    BulkExportsToObjectStorageOperator(task_id="store", destination="file:///data", **days)
    DeleteExportJobOperator(task_id="delete", job_sid=["JS" + "0" * 32])
    export_to_object_storage(destination="file:///data", **days)
    CreateExportCustomJobOperator.partial(task_id="many", resource_type="Calls").expand_kwargs(
        split_months("2026-01-01", "2026-02-28")
    )
assert len(dag.tasks) == 9
"""


#: Made by tasks and by the triggerer, which need the client anyway.
WAIT_TRIGGERS = {"ExportCustomJobTrigger", "ExportDayTrigger"}


def test_dag_file_is_parsed_without_http() -> None:
    names = sorted(set(package.__all__) - WAIT_TRIGGERS)
    modules = [f"{package.__name__}.{kind}.bulkexports" for kind in KINDS]
    imports = f"import {', '.join(modules)}\nfrom airflow_provider_bulkexports import {', '.join(names)}"

    parsed = modules_after(f"{imports}\n{DAG_FILE}", before=AIRFLOW)

    assert "airflow_provider_bulkexports" in parsed
    assert not parsed.intersection(("isal", "requests", "urllib3"))


def test_api_and_planning_work_without_airflow() -> None:
    folders = (Path(package.__file__).parent / kind for kind in ("api", "planning"))
    modules = [
        f"{package.__name__}.{file.parent.name}.{file.stem}" for folder in folders for file in folder.glob("*.py")
    ]

    assert "airflow" not in modules_after(f"import {', '.join(modules)}")


def test_every_public_name_resolves_to_its_object() -> None:
    for name in package.__all__:
        assert getattr(package, name).__name__ == name


def test_public_names_are_sorted_and_listed_by_dir() -> None:
    assert list(package.__all__) == sorted(package.__all__)
    assert set(package.__all__) <= set(dir(package))
    assert dir(package) == sorted(dir(package))


def test_public_names_are_those_that_dag_files_use() -> None:
    offered = {
        name
        for kind in KINDS
        for name in import_module(f"airflow_provider_bulkexports.{kind}.bulkexports").__all__
        if name[0].isupper()
    }

    functions = {
        "asset_for",
        "convert_days",
        "days_to_refresh",
        "export_to_object_storage",
        "join_days",
        "plan_quota",
        "split_days",
        "split_months",
        "table_definition",
    }
    assert set(package.__all__) == offered | functions


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="ExportCustomJobSensr"):
        package.ExportCustomJobSensr  # noqa: B018


#: Hides the simulator extra, also where Airflow itself has already loaded its packages.
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
def test_only_the_simulator_needs_the_simulator_extra() -> None:
    names = ", ".join(package.__all__)

    loaded = modules_after(
        f"import airflow_provider_bulkexports.compat\n{BLOCK}\nfrom airflow_provider_bulkexports import {names}"
    )

    assert not loaded.intersection(("starlette", "uvicorn"))


def test_simulator_names_its_missing_extra() -> None:
    code = f"""{BLOCK}
from airflow_provider_bulkexports import simulator
try:
    simulator.Simulator
except ModuleNotFoundError as error:
    assert "airflow-provider-bulkexports[simulator]" in str(error), error
else:
    raise AssertionError("the extra was found")
"""
    assert "airflow_provider_bulkexports" in modules_after(code)


def test_pytest_finds_the_fixture_and_loads_nothing_heavy_for_it() -> None:
    (plugin,) = entry_points(group="pytest11", name="bulkexports")

    loaded = modules_after(f"import {plugin.module}", before="import pytest")

    assert not loaded.intersection(HEAVY)
    assert hasattr(plugin.load(), "bulkexports_simulator")
