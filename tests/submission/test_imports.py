"""What a DAG file pays for importing the operators' engine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import airflow_provider_bulkexports as package

SCRIPT = """
import sys
from importlib import import_module
import airflow_provider_bulkexports.compat  # Airflow may load anything
before = set(sys.modules)
for name in sys.argv[1:]:
    import_module(name)
print(*set(sys.modules) - before)
"""


@pytest.mark.parametrize("room", ["planning", "submission"])
def test_import_loads_no_http_library(room: str) -> None:
    files = sorted((Path(package.__file__).parent / room).glob("*.py"))
    modules = [f"{package.__name__}.{room}.{file.stem}" for file in files if file.stem != "__init__"]

    done = subprocess.run([sys.executable, "-c", SCRIPT, *modules], capture_output=True, text=True, check=True)

    loaded = set(done.stdout.split())
    assert loaded.issuperset(modules)
    assert not {name for name in loaded if name.partition(".")[0] in ("requests", "urllib3", "isal")}
    assert f"{package.__name__}.api.client" not in loaded
