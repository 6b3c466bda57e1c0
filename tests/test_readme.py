"""What the README tells people to type and to write is typed and written here."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from packaging.version import Version

from airflow_provider_bulkexports.api.models import Job
from airflow_provider_bulkexports.cli import main
from airflow_provider_bulkexports.compat import AIRFLOW_VERSION
from airflow_provider_bulkexports.outcomes import WaitResult
from airflow_provider_bulkexports.planning.identity import read_marker
from airflow_provider_bulkexports.simulator import Simulator

try:
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow import DAG

README = (Path(__file__).parent.parent / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    """Every ``bulkexports`` command of the README, without what installs it."""
    lines = [line for block in blocks("bash") for line in block.splitlines()]
    return [line.partition("uv run ")[2] for line in lines if "uv run bulkexports" in line]


@pytest.mark.parametrize("block", blocks("python"))
def test_python_blocks_run(block: str, connection: str) -> None:
    if "RollupMapper" in block and Version(AIRFLOW_VERSION) < Version("3.3"):
        pytest.skip("partitions need Airflow 3.3")
    # The whole DAG is written for Airflow 3, and says in its first line how it is in Airflow 2.
    if find_spec("airflow.sdk") is None:
        block = block.replace("from airflow.sdk import DAG", "from airflow import DAG")
    names = "from airflow_provider_bulkexports import CreateExportCustomJobOperator\n"
    subject = compile(names + block, "README.md", "exec")
    with DAG("readme", schedule=None):
        exec(subject, {"__name__": "readme"})


def test_the_front_door_is_the_two_commands() -> None:
    first, second = blocks("bash")[:2]

    assert first == "pip install uv && uv run bulkexports demo\n"
    assert second == "pip install uv && uv run pytest\n"


@pytest.mark.parametrize("command", commands())
def test_commands_are_understood(command: str) -> None:
    """The demo and the simulator themselves run in ``test_cli.py``."""
    program, verb, *options = shlex.split(command)

    assert program == "bulkexports"
    with pytest.raises(SystemExit, match="0"):
        main([verb, *options, "--help"])


def test_the_result_shown_has_the_shape_that_the_sensor_returns() -> None:
    (shown,) = blocks("json")

    assert set(json.loads(shown)) == set(WaitResult.__annotations__)


def test_the_marker_shown_is_one() -> None:
    (shown,) = re.findall(r"`(\[af-[^`]*)`", README)

    assert read_marker(Job(job_sid="JS", friendly_name=shown)) is not None


@pytest.mark.slow
def test_the_connection_shown_is_one_that_airflow_understands(sim: Simulator, tmp_path: Path) -> None:
    lines = [line for block in blocks("bash") for line in block.splitlines()]
    (line,) = [line for line in lines if line.startswith("export AIRFLOW_CONN")]
    name, _, value = line.removeprefix("export ").partition("=")
    shown = json.loads(value.strip("'"))
    simulated = json.loads(sim.connection_json())
    assert shown.keys() <= simulated.keys()

    environment = os.environ | {name: sim.connection_json(), "AIRFLOW__CORE__TEST_CONNECTION": "Enabled"}
    command = [sys.executable, "-m", "airflow", "connections", "test", "twilio_bulkexports_default"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Connection success!" in ended.stdout
    assert sim.auth_token not in ended.stdout + ended.stderr
