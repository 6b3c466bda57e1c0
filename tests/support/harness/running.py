"""A running Airflow that tests control."""

from __future__ import annotations

import json
import secrets
import shutil
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
import requests

from support.harness.deadlines import free_port, tail, wait_until
from support.harness.postgres import Postgres
from support.harness.processes import Component, TaskProcess
from support.harness.rest import RestApi, RestError
from support.harness.surroundings import SHARED_OPTIONS, as_environment, inherited_environment

__all__ = ["Airflow"]

#: Seconds; an idle machine needs much less.
_START_TIMEOUT = 300


class Airflow(RestApi):
    """
    Scheduler with LocalExecutor, DAG processor, API server and triggerer.

    :param postgres: A fresh database.
    :param dags: Folders of DAGs, which start unpaused, except for the examples: most have a schedule.
    :param environment: Additional environment variables of every process.
    """

    def __init__(self, postgres: Postgres, *, dags: Sequence[Path], environment: Mapping[str, str]) -> None:
        super().__init__(f"http://127.0.0.1:{free_port()}")
        self._postgres = postgres
        self.home = Path(tempfile.mkdtemp(prefix="bulkexports-system-"))
        _write_local_settings(self.home)
        variables = {
            **inherited_environment(),
            **_configuration(self.home, dags, postgres.url, self.url),
            **environment,
        }

        def component(name: str, *arguments: str) -> Component:
            return Component(name, *arguments, home=self.home, environment=variables)

        self._component = component
        self._migration = component("db", "migrate")
        self.api_server = component("api-server")
        self.scheduler = component("scheduler", "--skip-serve-logs")
        self.dag_processor = component("dag-processor")
        self.triggerer = component("triggerer", "--skip-serve-logs")

    @property
    def components(self) -> Sequence[Component]:
        """Airflow's processes."""
        return self.api_server, self.scheduler, self.dag_processor, self.triggerer

    def start(self) -> None:
        """Create the database's tables and start what is not running; returns when everything is healthy."""
        if not self._migration.log_text():
            self.api_server.start()  # it takes longest, and needs no tables to come up
            self._migration.run(timeout=_START_TIMEOUT)
        for component in self.components:
            if not component.is_running():
                component.kill()  # its remaining children, if any
                component.start()
        wait_until(
            self.is_healthy, timeout=_START_TIMEOUT, otherwise=lambda: f"Airflow is not healthy\n{self._tails()}"
        )

    def stop(self) -> None:
        """Stop every process and remove all files."""
        for component in (*self.components, self._migration):
            component.kill()
        shutil.rmtree(self.home, ignore_errors=True)

    def run_command(self, name: str, *arguments: str) -> str:
        """
        Run an ``airflow`` command to its end, in Airflow's environment; return what it printed.

        :raises AssertionError: with what it printed, if it fails.
        """
        command = self._component(name, *arguments)
        printed_before = len(command.log_text())  # commands of the same name share a log
        command.run(timeout=_START_TIMEOUT)
        return command.log_text()[printed_before:]

    def settle(self) -> None:
        """Restore the state for the next test: no active run, everything running."""
        self.start()
        for dag_id, run_id in self._unfinished_runs():
            self.set_run_state(dag_id, run_id, "failed")

    def is_healthy(self) -> bool:
        """Whether every component reports that it is healthy."""
        ended = [component.name for component in self.components if not component.is_running()]
        if ended:
            raise AssertionError(f"{ended} ended\n{self._tails()}")
        health = self._if_reachable(lambda: self.rest("GET", "/monitor/health"))
        return bool(health) and all(part["status"] == "healthy" for part in health.values()) and self._serves_tasks()

    def wait_for_state(
        self,
        dag_id: str,
        run_id: str,
        task_id: str,
        states: Collection[str | None],
        timeout: float = 60,
        map_index: int = -1,
    ) -> str | None:
        """
        Wait until a task is in one of the states, and return it.

        :param timeout: Seconds.
        :raises AssertionError: with the ends of the logs.
        """
        wanted = (dag_id, run_id, task_id, map_index)
        seen: list[str | None] = []

        def arrived() -> bool:
            instance = self._if_reachable(lambda: self.task_instance(*wanted))
            if instance and instance["state"] not in seen[-1:]:
                seen.append(instance["state"])
            return bool(seen) and seen[-1] in states

        wait_until(
            arrived,
            timeout=timeout,
            otherwise=lambda: f"{task_id} in {set(states)}, but: {seen}\n{self._tails(*wanted)}",
        )
        return seen[-1]

    def wait_for_run(
        self, dag_id: str, run_id: str, states: Collection[str] = ("success", "failed"), timeout: float = 90
    ) -> str:
        """
        Wait until a run is in one of the states, by default a final one, and return it.

        :param timeout: Seconds.
        :raises AssertionError: with the states of its tasks and the ends of the logs.
        """

        def arrived() -> str | None:
            state = self._if_reachable(lambda: self.run_state(dag_id, run_id))
            return state if state in states else None

        def otherwise() -> str:
            rows = self.sql("SELECT task_id, map_index, state FROM task_instance WHERE run_id = %s", (run_id,))
            return f"{dag_id} {run_id} in {set(states)}; its tasks: {rows}\n{self._tails()}"

        return wait_until(arrived, timeout=timeout, otherwise=otherwise) or ""

    def wait_until(self, condition: Callable[[], Any], what: str, timeout: float = 60) -> Any:
        """
        Wait until a condition holds, and return its value.

        :param what: The condition in words.
        :param timeout: Seconds.
        :raises AssertionError: with these words and the ends of the logs.
        """
        return wait_until(condition, timeout=timeout, otherwise=lambda: f"{what}\n{self._tails()}")

    def task_process(
        self, dag_id: str, run_id: str, task_id: str, map_index: int = -1, timeout: float = 60
    ) -> TaskProcess:
        """Wait until a task runs on a worker, and return its process."""
        self.wait_for_state(dag_id, run_id, task_id, {"running"}, timeout, map_index)
        ((pid,),) = self.sql(
            "SELECT pid FROM task_instance WHERE dag_id = %s AND run_id = %s AND task_id = %s AND map_index = %s",
            (dag_id, run_id, task_id, map_index),
        )
        assert pid in self.scheduler.pids(), f"the process {pid} of {task_id} has ended already"
        return TaskProcess(pid, psutil.Process(pid).ppid())

    def sql(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Query Airflow's database; ``%s`` is a parameter."""
        return self._postgres.query(query, parameters)

    def _serves_tasks(self) -> bool:
        """Whether the API for tasks responds; Airflow builds it at the first request."""
        return bool(self._if_reachable(lambda: requests.get(f"{self.url}/execution/health", timeout=60).ok))

    def _unfinished_runs(self) -> list[tuple[Any, ...]]:
        return self.sql("SELECT dag_id, run_id FROM dag_run WHERE state IN ('queued', 'running')")

    def _if_reachable(self, ask: Callable[[], Any]) -> Any:
        """Send a request; ``None`` if the API server, which may be stopped or busy, does not respond."""
        try:
            return ask()
        except requests.RequestException:
            return None
        except RestError as error:
            if error.status >= 500:
                return None
            raise

    def _tails(self, *instance: Any) -> str:
        parts = [component.log_tail() for component in self.components]
        if instance:
            dag_id, run_id, task_id, map_index = instance
            try_number = self.task_instance(*instance)["try_number"]
            log = self.task_log(dag_id, run_id, task_id, max(try_number, 1), map_index)
            parts.append(f"--- log of {task_id}, try {try_number}\n{tail(log)}")
        return "\n".join(parts)


#: Preloads in the scheduler what every task imports, which halves the time of a short task.
_LOCAL_SETTINGS = """
import airflow_provider_bulkexports.operators.bulkexports, airflow_provider_bulkexports.sensors.bulkexports

def dag_policy(dag):
    if dag.dag_id.startswith("example_"):
        dag.is_paused_upon_creation = True
"""


def _write_local_settings(home: Path) -> None:
    (home / "config").mkdir()
    (home / "config" / "airflow_local_settings.py").write_text(_LOCAL_SETTINGS)


def _bundles(dags: Sequence[Path]) -> str:
    """The folders of DAGs in Airflow's configuration, which refuses the name ``example_dags``."""
    local = "airflow.dag_processing.bundles.local.LocalDagBundle"
    named = {f"dags-{number}": str(path) for number, path in enumerate(dags)}
    return json.dumps([{"name": name, "classpath": local, "kwargs": {"path": path}} for name, path in named.items()])


def _configuration(home: Path, dags: Sequence[Path], database: str, url: str) -> dict[str, str]:
    """Airflow's settings: everything on this machine, few processes, short intervals."""
    options = SHARED_OPTIONS | {
        "api.base_url": url,
        "api.host": "127.0.0.1",
        "api.port": url.rpartition(":")[2],
        "api.secret_key": secrets.token_hex(32),
        "api.workers": "1",
        "api_auth.jwt_secret": secrets.token_hex(32),
        "core.auth_manager": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
        "core.execution_api_server_url": f"{url}/execution/",
        "core.executor": "LocalExecutor",
        "core.parallelism": "4",
        "core.simple_auth_manager_all_admins": "True",
        "dag_processor.dag_bundle_config_list": _bundles(dags),
        "dag_processor.parsing_processes": "1",
        "dag_processor.refresh_interval": "5",
        "database.sql_alchemy_conn": database,
        # Long enough for a busy machine, short enough to detect a lost worker.
        "scheduler.task_instance_heartbeat_timeout": "20",
        "scheduler.task_instance_heartbeat_timeout_detection_interval": "2",
        "scheduler.trigger_timeout_check_interval": "2",
        # Longer than a busy machine alone blocks the event loop.
        "triggerer.blocked_main_thread_warning_threshold": "1",
    }
    return {"AIRFLOW_HOME": str(home), **as_environment(options)}
