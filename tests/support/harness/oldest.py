"""A running Airflow 2: a scheduler, which parses DAGs and runs tasks, and a triggerer, with SQLite."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from support.harness.deadlines import wait_until
from support.harness.processes import Component
from support.harness.surroundings import SHARED_OPTIONS, as_environment, inherited_environment

__all__ = ["OldAirflow"]

#: Seconds for one command; an idle machine needs much less.
_COMMAND_TIMEOUT = 180


class OldAirflow:
    """
    Airflow 2 with SequentialExecutor: one task at a time.

    :param dags: Folder of DAGs, which start unpaused.
    :param environment: Additional environment variables of every process.
    """

    def __init__(self, *, dags: Path, environment: Mapping[str, str]) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="bulkexports-oldest-"))
        self._database = self.home / "airflow.db"
        options = SHARED_OPTIONS | {
            "core.dags_folder": str(dags),
            "core.executor": "SequentialExecutor",
            "database.sql_alchemy_conn": f"sqlite:///{self._database}",
            "scheduler.parsing_processes": "1",
        }
        self._environment = {
            **inherited_environment(),
            **as_environment(options),
            "AIRFLOW_HOME": str(self.home),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",  # tasks run the "airflow" command
            **environment,
        }
        self.scheduler = self._component("scheduler", "--skip-serve-logs")
        self.triggerer = self._component("triggerer", "--skip-serve-logs")

    def start(self) -> None:
        """Create the database and start; returns when the DAGs are parsed."""
        self._component("db", "migrate").run(_COMMAND_TIMEOUT)
        self.scheduler.start()
        self.triggerer.start()
        self.wait_until(lambda: self.sql("SELECT dag_id FROM dag"), "The DAGs are parsed", timeout=_COMMAND_TIMEOUT)

    def stop(self) -> None:
        """Stop every process and remove all files."""
        for component in (self.scheduler, self.triggerer):
            component.kill()
        shutil.rmtree(self.home, ignore_errors=True)

    def trigger(self, dag_id: str, *, logical_date: str) -> str:
        """Start a run and return its id."""
        run_id = f"triggered_{logical_date}"
        command = ("trigger", dag_id, "--exec-date", logical_date, "--run-id", run_id)
        self._component("dags", *command).run(_COMMAND_TIMEOUT)
        return run_id

    def wait_for_state(self, dag_id: str, run_id: str, task_id: str, state: str, timeout: float = 120) -> None:
        """
        Wait until a task is in a state.

        :raises AssertionError: with the states of the run's tasks and the ends of the logs.
        """
        self.wait_until(lambda: (task_id, state) in self.states(dag_id, run_id), f"{task_id} is {state}", timeout)

    def wait_until(self, condition: Callable[[], Any], what: str, timeout: float = 120) -> Any:
        """
        Wait until a condition holds, and return its value.

        :param what: The condition in words.
        :raises AssertionError: with these words, all tasks and the ends of the logs.
        """

        def watched() -> Any:
            if not (self.scheduler.is_running() and self.triggerer.is_running()):
                raise AssertionError(f"A part of Airflow ended: {otherwise()}")
            return condition()

        def otherwise() -> str:
            tasks = self.sql("SELECT dag_id, run_id, task_id, state FROM task_instance")
            return "\n".join([what, *map(str, tasks), self.scheduler.log_tail(), self.triggerer.log_tail()])

        return wait_until(watched, timeout=timeout, otherwise=otherwise)

    def states(self, dag_id: str, run_id: str) -> list[tuple[Any, ...]]:
        """The tasks of a run, and their states."""
        query = "SELECT task_id, state FROM task_instance WHERE dag_id = ? AND run_id = ?"
        return self.sql(query, (dag_id, run_id))

    def sql(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Query Airflow's database; ``?`` is a parameter."""
        with closing(sqlite3.connect(f"file:{self._database}?mode=ro", uri=True, timeout=30)) as connection:
            return connection.execute(query, parameters).fetchall()

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        """Change Airflow's database, as its web pages do."""
        with closing(sqlite3.connect(self._database, timeout=30)) as connection, connection:
            connection.execute(statement, parameters)

    def _component(self, name: str, *arguments: str) -> Component:
        return Component(name, *arguments, home=self.home, environment=self._environment)
