"""A DAG file that names a trigger is parsed without loading the HTTP libraries."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys
from airflow_provider_bulkexports.compat import BaseTrigger
before = set(sys.modules)
import airflow_provider_bulkexports.polling.new_files
import airflow_provider_bulkexports.polling.shared_poller
import airflow_provider_bulkexports.triggers.bulkexports
loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
print(sorted(loaded & {"isal", "requests", "urllib3"}))
"""


@pytest.mark.slow  # a process that imports Airflow
def test_triggers_and_polling_load_no_http_library() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"
