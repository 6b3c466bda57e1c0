"""
Run one DAG file in this process and write its outcome to a file. ``demo_airflow.py`` starts it in its own Airflow home.

    python -m airflow_provider_bulkexports.cli.dag_run FILE CONF OUTCOME HOME
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
import threading
from pathlib import Path
from typing import Any

from airflow_provider_bulkexports.cli.demo_airflow import ANNOUNCEMENT, HOME_PREFIX

__all__ = ["main"]

WAIT_TASK = "wait"
STORE_TASK = "store"


def main(file: str, conf: str, outcome: str) -> None:
    """
    Run the DAG to its end.

    :param file: The DAG file.
    :param conf: The run's configuration, as JSON.
    :param outcome: File to write ``{"state": ..., "result": ..., "stored": ..., "has_stored": ...}`` to: the run's
        state, the XComs of its waiting and its storing task, and whether the latter ran. A failed storing task has
        stored what it could, and leaves no XCom.
    """
    from airflow.utils.db import initdb

    _announce("Creating Airflow's database")
    initdb()
    _announce("Reading the DAG")
    dag = _dag_in(file)
    _announce("Starting the task that submits the job")
    run = dag.test(run_conf=json.loads(conf))
    ended = {
        "state": str(getattr(run.state, "value", run.state)),
        "result": _xcom(run, WAIT_TASK),
        "stored": _xcom(run, STORE_TASK),
        "has_stored": run.get_task_instance(STORE_TASK).state in ("success", "failed"),
    }
    Path(outcome).write_text(json.dumps(ended), encoding="utf-8")


def _announce(what: str) -> None:
    print(f"{ANNOUNCEMENT}{what}", flush=True)


def _xcom(run: Any, task_id: str) -> Any:
    return run.get_task_instance(task_id).xcom_pull(task_ids=task_id)


def _dag_in(file: str) -> Any:
    spec = importlib.util.spec_from_file_location(Path(file).stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Registered by name, as Airflow's DAG file reader does, so that the DAG can be found again.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return next(value for name in dir(module) if (value := _dag_of(getattr(module, name))) is not None)


def _dag_of(value: Any) -> Any:
    """The DAG that a module's value belongs to, if it is a task."""
    return getattr(value, "dag", None) if hasattr(value, "task_id") else None


def _end_with_the_demo(home: Path) -> None:
    """
    End this process at the end of its input, which is the end of the demo, also when that was killed.

    :param home: The Airflow home, which a killed demo cannot remove.
    """

    def wait() -> None:
        while os.read(0, 1024):
            pass
        if home.name.startswith(HOME_PREFIX):
            shutil.rmtree(home, ignore_errors=True)
            shutil.rmtree(home, ignore_errors=True)  # what was written during the first
        os._exit(1)

    threading.Thread(target=wait, name="end-with-the-demo", daemon=True).start()


if __name__ == "__main__":
    *_arguments, _home = sys.argv[1:]
    _end_with_the_demo(Path(_home))
    main(*_arguments)
