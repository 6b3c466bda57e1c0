"""The command starts fast, needs no Airflow and writes nothing to the home folder."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.command import COMMAND, run_command

from airflow_provider_bulkexports.cli.main import RESOURCE_TYPES
from airflow_provider_bulkexports.model.resources import ResourceType

#: Runs the command, then prints the modules it loaded; what the environment loads at every start does not count.
LOADED = """
import sys
before = set(sys.modules)
from airflow_provider_bulkexports.cli.main import main
try:
    main()
except SystemExit:
    pass
print("loaded:", *sorted(set(sys.modules) - before), flush=True)
"""

OWN = {
    "airflow_provider_bulkexports",
    "airflow_provider_bulkexports.cli",
    "airflow_provider_bulkexports.cli.interrupts",
    "airflow_provider_bulkexports.cli.main",
}

#: ``signal`` and ``contextlib``, with what they import.
SIGNAL_HANDLING = {
    "__future__", "_collections", "_functools", "_operator", "collections", "contextlib", "enum", "functools",
    "itertools", "keyword", "operator", "reprlib", "signal", "types",
}  # fmt: skip


def loaded_modules(output: str) -> set[str]:
    return set(output.rpartition("loaded: ")[2].split())


@pytest.mark.parametrize("arguments", ["--version", "--help", "demo --help", "simulate --help"])
def test_version_and_help_load_the_standard_library_only(arguments: str, tmp_path: Path) -> None:
    ended = run_command(*arguments.split(), home=tmp_path, command=[sys.executable, "-c", LOADED])

    modules = loaded_modules(ended.stdout)
    assert "argparse" in modules
    assert {name for name in modules if name.partition(".")[0] not in sys.stdlib_module_names} == OWN
    assert [path.name for path in tmp_path.rglob("*")] == ["tmp"]


def test_little_is_loaded_before_signals_are_handled(tmp_path: Path) -> None:
    """Until then, Ctrl-C is a traceback."""
    code = (
        "import sys; before = set(sys.modules); from airflow_provider_bulkexports.cli.main import main; "
        "print('loaded:', *sorted(set(sys.modules) - before))"
    )
    ended = run_command(home=tmp_path, command=[sys.executable, "-c", code])

    assert loaded_modules(ended.stdout) - OWN <= SIGNAL_HANDLING


def test_simulate_runs_without_airflow_and_writes_nothing(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    command = [sys.executable, "-c", LOADED, "simulate", "--port", "0"]
    home = {"HOME": str(tmp_path), "TMPDIR": str(tmp_path)}

    with subprocess.Popen(command, env=environment | home, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "simulated on" in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        modules = loaded_modules(process.stdout.read())

    assert "airflow_provider_bulkexports.simulator.server" in modules
    assert not {name for name in modules if name.partition(".")[0] == "airflow"}
    assert not list(tmp_path.iterdir())


def cpu_seconds(*command: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_version_costs_at_most_twice_the_bare_imports() -> None:
    """Pairs share the machine's load; the best of them is the one that it disturbed least."""
    bare = [sys.executable, "-c", "import argparse, rich"]

    ratios = [cpu_seconds(*COMMAND, "--version") / cpu_seconds(*bare) for _ in range(5)]

    assert min(ratios) <= 2, ratios


def test_help_lists_every_resource_type() -> None:
    assert tuple(ResourceType) == RESOURCE_TYPES
