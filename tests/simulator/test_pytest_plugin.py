"""The fixture ``bulkexports_simulator``, in other people's test sessions."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from airflow_provider_bulkexports.simulator import Simulator
from airflow_provider_bulkexports.simulator.errors import RefusedError

CONNECTION = "AIRFLOW_CONN_TWILIO_BULKEXPORTS_DEFAULT"
THREE_DAYS = "2026-07-01", "2026-07-03"

#: As for a user who has not installed the extra.
WITHOUT_EXTRA = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name == "uvicorn":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
"""


def ended_session(folder: Path, test: str, *, conftest: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """Run pytest as a user does, on one test file, without this repository's settings and other plugins of its own."""
    (folder / "conftest.py").write_text(conftest, encoding="utf-8")
    (folder / "test_users.py").write_text(test, encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTEST"))}
    others = ("cacheprovider", "schemathesis", "anyio")
    without = [option for name in others for option in ("-p", f"no:{name}")]
    command = [sys.executable, "-m", "pytest", "-q", *without, "-W", "error"]
    return subprocess.run(
        command, cwd=folder, env=kept | variables, capture_output=True, text=True, timeout=100, check=False
    )


def outcomes(simulator: Simulator) -> list[str]:
    """How the days of all jobs ended, job by job."""
    runs = [run for job in simulator.state.jobs.values() for run in job.runs]
    return [run.outcome.value if run.outcome else "" for run in runs]


def test_connection_leads_to_a_simulator(bulkexports_simulator: Simulator) -> None:
    from airflow_provider_bulkexports import BulkExportsHook

    hook = BulkExportsHook()

    assert hook.get_conn().base_url == bulkexports_simulator.base_url
    assert hook.test_connection()[0]


def test_jobs_finish_at_once(bulkexports_simulator: Simulator) -> None:
    bulkexports_simulator.state.error_day("Calls", "2026-07-02")

    assert bulkexports_simulator.create_job("Calls", *THREE_DAYS).is_finished
    assert outcomes(bulkexports_simulator) == ["Completed"] * 3


def test_days_end_as_the_test_says(bulkexports_simulator: Simulator) -> None:
    bulkexports_simulator.fail_day("Calls", "2026-07-01")
    bulkexports_simulator.fail_day("Calls", "2026-07-02", times=1)
    bulkexports_simulator.empty_day("Calls", "2026-07-03")
    bulkexports_simulator.set_record_count("Messages", "2026-07-01", 4)

    for _ in range(2):
        bulkexports_simulator.create_job("Calls", *THREE_DAYS)
    first, second = outcomes(bulkexports_simulator)[:3], outcomes(bulkexports_simulator)[3:]
    bulkexports_simulator.create_job("Messages", "2026-07-01", "2026-07-01")

    assert first == ["Failed", "Failed", "CompletedEmptyRecords"]
    assert second == ["Failed", "Completed", "CompletedEmptyRecords"]
    assert bulkexports_simulator.state.day_files[-1].records == 4


def test_spent_quota_leaves_no_day(bulkexports_simulator: Simulator) -> None:
    bulkexports_simulator.spend_quota()

    with pytest.raises(RefusedError, match="366"):
        bulkexports_simulator.create_job("Calls", "2026-07-01", "2026-07-01")


@pytest.mark.parametrize("before", [None, '{"conn_type": "twilio_bulkexports", "login": "AC1"}'], ids=["unset", "set"])
def test_environment_is_restored_and_the_server_stopped(tmp_path: Path, before: str | None) -> None:
    test = f"""
import os

def test_with(bulkexports_simulator):
    assert os.environ["{CONNECTION}"] == bulkexports_simulator.connection_json()
    test_with.url = bulkexports_simulator.base_url

def test_without():
    assert os.environ.get("{CONNECTION}") == {before!r}
    print("URL", test_with.url)
"""
    ended = ended_session(tmp_path, test, PYTEST_ADDOPTS="-s", **({CONNECTION: before} if before else {}))

    assert ended.returncode == 0, ended.stdout + ended.stderr
    with pytest.raises(requests.ConnectionError):
        requests.get(ended.stdout.partition("URL ")[2].split()[0], timeout=5)


def test_each_test_has_a_simulator_of_its_own(tmp_path: Path) -> None:
    test = """
import pytest

@pytest.mark.parametrize("number", [1, 2])
def test_one(bulkexports_simulator, number):
    assert not bulkexports_simulator.state.jobs
    bulkexports_simulator.create_job("Calls", "2026-01-01", "2026-01-02")
    bulkexports_simulator.spend_quota(364)
"""
    ended = ended_session(tmp_path, test)

    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_fixture_says_how_to_install_the_missing_extra(tmp_path: Path) -> None:
    test = "def test_other(): pass\n\ndef test_dag(bulkexports_simulator): raise AssertionError"

    ended = ended_session(tmp_path, test, conftest=WITHOUT_EXTRA)

    assert "1 passed, 1 error" in ended.stdout
    assert "The simulator needs uvicorn: pip install 'airflow-provider-bulkexports[simulator]'" in ended.stdout
    assert "Traceback" not in ended.stdout + ended.stderr


def test_session_that_does_not_use_it_loads_nothing_for_it(tmp_path: Path) -> None:
    test = """
import sys

def test_loaded(request):
    assert request.config.pluginmanager.has_plugin("bulkexports")
    for heavy in ("airflow", "pendulum", "requests", "starlette", "uvicorn", "pyarrow", "isal", "msgspec"):
        assert heavy not in sys.modules, heavy
    ours = {name for name in sys.modules if name.startswith("airflow_provider_bulkexports.")}
    assert "airflow_provider_bulkexports.simulator.server" not in ours, ours
"""
    ended = ended_session(tmp_path, test)

    assert ended.returncode == 0, ended.stdout + ended.stderr
