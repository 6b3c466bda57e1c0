"""The hook in a script, a process that runs no task, with a stored connection."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

from airflow_provider_bulkexports import BulkExportsHook
from airflow_provider_bulkexports.compat import AirflowException, AirflowNotFoundException
from airflow_provider_bulkexports.simulator import Simulator

SCRIPT = """
import asyncio, os
from airflow.models import Connection
from airflow.utils.db import initdb
from airflow.utils.session import create_session
from airflow_provider_bulkexports import BulkExportsHook

initdb()
with create_session() as session:
    session.add(Connection.from_json(os.environ["CONNECTION"], conn_id="stored"))

def sids(client):
    return [job.job_sid for job in client.list_jobs("Messages")]

print("found", sids(BulkExportsHook("stored").get_conn()))
print("found", sids(asyncio.run(BulkExportsHook("stored").aget_conn())))

# Where nothing is stored, as before.
os.environ["AIRFLOW_CONN_SET"] = os.environ["CONNECTION"]
print("found", sids(BulkExportsHook("set").get_conn()))
BulkExportsHook("another").get_conn()
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_script_finds_a_connection_in_the_database(sim: Simulator, tmp_path: Path) -> None:
    job = sim.create_job("Messages", "2026-01-01", "2026-01-02")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_CONN_")}
    environment = kept | {"AIRFLOW_HOME": str(tmp_path), "CONNECTION": sim.connection_json()}

    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, timeout=280, check=False
    )

    assert ended.stdout.count(f"found ['{job.sid}']") == 3, ended.stdout + ended.stderr
    assert ended.returncode != 0
    assert "The conn_id `another` isn't defined" in ended.stderr


def test_task_does_not_search_the_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    models = SimpleNamespace(Connection=SimpleNamespace(get_connection_from_secrets=asked.append))
    monkeypatch.setattr(
        "airflow_provider_bulkexports.hooks.connection_lookup.import_module",
        lambda name: models if name == "airflow.models.connection" else import_module(name),
    )
    runner = SimpleNamespace(SUPERVISOR_COMMS=object())
    monkeypatch.setattr("airflow_provider_bulkexports.hooks.connection_lookup.BaseHook.get_connection", _not_found)
    monkeypatch.setitem(sys.modules, "airflow.sdk.execution_time.task_runner", runner)

    with pytest.raises(AirflowException, match="isn't defined"):
        BulkExportsHook("nowhere").get_conn()
    assert asked == []


def _not_found(conn_id: str) -> None:
    raise AirflowNotFoundException(f"The conn_id `{conn_id}` isn't defined")


def test_hook_is_made_without_loading_http_libraries() -> None:
    """Parsing a DAG file makes hooks, but sends no request."""
    code = (
        "import sys, airflow_provider_bulkexports.compat\n"
        "before = set(sys.modules)\n"
        "from airflow_provider_bulkexports.hooks.bulkexports import BulkExportsHook\n"
        "BulkExportsHook('any')\n"
        "packages = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "assert not packages & {'requests', 'urllib3', 'isal'}, packages\n"
        "assert 'airflow_provider_bulkexports.api.client' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
