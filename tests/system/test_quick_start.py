"""
What the page "Get started" makes a new user type, typed: from the installation to a stored file in a running Airflow.

The commands are those of the page. What differs: all ports are free ones, and Airflow itself is not downloaded again.
The new virtual environment sees the packages of this one, and pip installs the built wheel into it. With the
environment variable ``QUICK_START_DOWNLOADS=1``, pip installs everything.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sysconfig
import time
from pathlib import Path

import pytest
import requests
from support.documents import DOCS, ROOT, Document
from support.harness.browser import Page, expect, open_page, take_picture
from support.harness.deadlines import free_port, wait_until
from support.harness.rest import RestApi, RestError
from support.harness.shell import open_shell
from support.harness.surroundings import inherited_environment

from airflow_provider_bulkexports.compat import AIRFLOW_VERSION

PAGE = DOCS["get-started"]
STEPS = Document("the six steps", PAGE.section("Six steps to the first files")).blocks("bash")
INSTALL, SIMULATE, CONNECT, WRITE, START, EXPORT, SEE, STOP = STEPS
DAG_ID, DAY = "twilio_messages", "2026-01-31"
DEFAULT_PORT = "8765"

#: What the page promises, in seconds; a busy machine needs longer.
FIVE_MINUTES = 300

downloads = os.environ.get("QUICK_START_DOWNLOADS") == "1"


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with this package's wheel, built from the checkout."""
    folder = tmp_path_factory.mktemp("wheels")
    subprocess.run(["uv", "build", "--quiet", "--wheel", "--out-dir", folder], cwd=ROOT, check=True, timeout=120)
    return folder


def environment(wheels: Path) -> tuple[str, dict[str, str]]:
    """Return the address of the Airflow to come, and the variables of a new user's shell, with free ports."""
    url = f"http://127.0.0.1:{free_port()}"
    ports = {
        "AIRFLOW__API__PORT": url.rpartition(":")[2],
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
    }
    pip = {"PIP_FIND_LINKS": str(wheels), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    inherited = {
        name: value for name, value in inherited_environment().items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")
    }
    return url, inherited | pip | ports | ({} if downloads else {"PIP_NO_INDEX": "1"})


def lend_packages(venv: Path) -> None:
    """Make the packages of this environment visible in another one, except for this package, with Airflow's command."""
    own = Path(sysconfig.get_path("purelib"))
    lent = venv / "lent"
    lent.mkdir()
    for entry in own.iterdir():
        if not re.match(r"_?_?(editable_*(impl_)?)?airflow_provider_bulkexports", entry.name):
            (lent / entry.name).symlink_to(entry)
    (packages,) = venv.glob("lib/python*/site-packages")
    (packages / "lent.pth").write_text(f"{lent}\n")
    command = venv / "bin" / "airflow"
    command.write_text(f'#!/bin/sh\nexec "{venv}/bin/python" -m airflow "$@"\n')
    command.chmod(0o755)


def test_six_steps_end_with_files(wheels: Path, tmp_path: Path) -> None:
    if not AIRFLOW_VERSION.startswith("3.3"):
        pytest.skip("this test is for Airflow 3.3")
    url, variables = environment(wheels)
    api = RestApi(url)
    simulator_port = str(free_port())

    def typed(block: str) -> str:
        return block.replace(DEFAULT_PORT, simulator_port).replace(
            "bulkexports simulate", f"bulkexports simulate --port {simulator_port}"
        )

    began = time.monotonic()
    with open_shell(tmp_path, variables) as shell, open_page() as page:
        *prepare, install = INSTALL.splitlines()
        for line in prepare:
            shell.run(line)
        if not downloads:
            lend_packages(tmp_path / "twilio-try" / "venv")
        shell.run(install, timeout=600)
        assert shell.run("command -v bulkexports airflow").splitlines() == [
            str(tmp_path / "twilio-try" / "venv" / "bin" / name) for name in ("bulkexports", "airflow")
        ]
        for block in (SIMULATE, CONNECT, WRITE, START):
            shell.run(typed(block))

        see_dag(page, api)
        shell.run(EXPORT)
        see_run_succeed(page, api)
        file, record = shell.run(SEE).splitlines()[-2:]
        seconds = time.monotonic() - began

        assert Path(file) == tmp_path / f"twilio-try/files/resource_type=Messages/day={DAY}/part-0.json.gz"
        assert json.loads(record)["date_created"].startswith(DAY)
        with gzip.open(file) as lines:
            assert len(list(lines)) == 50
        print(f"from pip install to the stored file: {seconds:.0f} s")
        see_scheduled_run_wait(page, api)

        shell.run(STOP)
        wait_until(lambda: not shell.processes(), timeout=60, otherwise=lambda: f"still running: {shell.processes()}")
        assert not (tmp_path / "twilio-try").exists()


def see_dag(page: Page, api: RestApi) -> None:
    """Wait until the page of the DAG is there."""
    wait_until(lambda: is_parsed(api), timeout=FIVE_MINUTES, otherwise=lambda: "Airflow does not know the DAG")
    page.goto(f"{api.url}/dags/{DAG_ID}")
    expect(page.get_by_role("heading", name=DAG_ID)).to_be_visible()
    take_picture(page, "quick start dag")


def is_parsed(api: RestApi) -> bool:
    try:
        return requests.get(f"{api.url}/api/v2/monitor/health", timeout=60).ok and api.knows_dag(DAG_ID)
    except (requests.RequestException, RestError):  # it is starting
        return False


def see_run_succeed(page: Page, api: RestApi) -> None:
    """Wait until the run of the day has succeeded, and see it."""
    run_id = run_of(api, "manual")
    wait_until(
        lambda: api.run_state(DAG_ID, run_id) in ("success", "failed"),
        timeout=FIVE_MINUTES,
        otherwise=lambda: str(api.rest("GET", f"/dags/{DAG_ID}/dagRuns/{run_id}/taskInstances")),
    )
    page.goto(f"{api.url}/dags/{DAG_ID}/runs/{run_id}")
    expect(page.get_by_test_id("header-status-badge").or_(page.get_by_text("Success")).first).to_be_visible()
    take_picture(page, "quick start run")
    assert api.run_state(DAG_ID, run_id) == "success"


def see_scheduled_run_wait(page: Page, api: RestApi) -> None:
    """The run of the schedule is deferred, and its log says until when, as the page says."""
    run_id = run_of(api, "scheduled")
    (submit,) = [
        task
        for task in api.rest("GET", f"/dags/{DAG_ID}/dagRuns/{run_id}/taskInstances")["task_instances"]
        if task["task_id"].endswith("submit")
    ]
    assert submit["state"] == "deferred"
    page.goto(f"{api.url}/dags/{DAG_ID}/runs/{run_id}/tasks/{submit['task_id']}")
    expect(page.get_by_text("Waiting until").first).to_be_visible()
    take_picture(page, "quick start scheduled run")


def run_of(api: RestApi, kind: str) -> str:
    """The id of the only run of a kind."""
    (run,) = [run for run in api.runs(DAG_ID) if run["run_type"] == kind]
    return str(run["dag_run_id"])
