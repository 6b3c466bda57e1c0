"""A user's actions, through Airflow's REST API."""

from __future__ import annotations

import json as json_module
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import requests

from support.harness.deadlines import wait_until

__all__ = ["RestApi", "RestError"]

#: Seconds to wait for a response; the machine may be busy.
_RESPONSE_TIMEOUT = 60


class RestError(AssertionError):
    """Airflow responded with an error."""

    def __init__(self, method: str, path: str, response: requests.Response) -> None:
        super().__init__(f"{method} {path}: {response.status_code} {response.text[:2000]}")
        self.status = response.status_code


class RestApi:
    """
    An Airflow's REST API.

    :param url: Its origin, also for a browser: every visitor is an administrator.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False  # ignores the machine's proxy

    def rest(self, method: str, path: str, json: Any = None, **parameters: Any) -> Any:
        """
        Call ``/api/v2`` and return the JSON of the response.

        :param path: Below ``/api/v2``, for example ``/dags``.
        :param parameters: The query.
        :raises RestError: if the status is not a success.
        """
        if "Authorization" not in self._session.headers:
            token = self._session.get(f"{self.url}/auth/token", timeout=_RESPONSE_TIMEOUT).json()["access_token"]
            self._session.headers["Authorization"] = f"Bearer {token}"
        response = self._session.request(
            method, f"{self.url}/api/v2{path}", json=json, params=parameters, timeout=_RESPONSE_TIMEOUT
        )
        if not response.ok:
            raise RestError(method, path, response)
        return response.json() if response.content else None

    def knows_dag(self, dag_id: str) -> bool:
        """Whether the DAG has been parsed."""
        return bool(self.rest("GET", "/dags", dag_id_pattern=dag_id)["dags"])

    def trigger(self, dag_id: str, run_id: str | None = None, conf: dict[str, Any] | None = None, **fields: Any) -> str:
        """
        Start a run, by default without a logical date, once the DAG is parsed.

        :param run_id: A unique one by default.
        :param conf: The run's conf; it overrides the DAG's params.
        :param fields: Further fields of the request, for example ``logical_date``.
        :return: The run id.
        """
        run_id = run_id or f"test__{uuid.uuid4().hex[:12]}"
        self._wait_for_dag(dag_id)
        run = {"dag_run_id": run_id, "logical_date": None, "conf": conf or {}, **fields}
        self.rest("POST", f"/dags/{dag_id}/dagRuns", json=run)
        return run_id

    @contextmanager
    def unpaused(self, *dag_ids: str) -> Iterator[None]:
        """Unpause DAGs, and with them the watchers of their assets, for the duration of the context."""
        for dag_id in dag_ids:
            self._wait_for_dag(dag_id)
        try:
            self._set_paused(dag_ids, False)
            yield
        finally:
            self._set_paused(dag_ids, True)

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """Return all runs of a DAG as the API describes them, oldest first."""
        runs: list[dict[str, Any]] = self.rest("GET", f"/dags/{dag_id}/dagRuns", order_by="id")["dag_runs"]
        return runs

    def asset_events(self, name: str, **parameters: Any) -> list[dict[str, Any]]:
        """
        Return the events of an asset as the API describes them, oldest first.

        :param parameters: Further query parameters, for example ``source_run_id``.
        """
        (asset,) = [each for each in self.rest("GET", "/assets", name_pattern=name)["assets"] if each["name"] == name]
        query = {"asset_id": asset["id"], "order_by": "timestamp", **parameters}
        events: list[dict[str, Any]] = self.rest("GET", "/assets/events", **query)["asset_events"]
        return events

    def triggering_events(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return the asset events that started a run."""
        events = self.rest("GET", f"/dags/{dag_id}/dagRuns/{run_id}/upstreamAssetEvents")["asset_events"]
        return list(events)

    def run_state(self, dag_id: str, run_id: str) -> str:
        """Return the state of a run."""
        return str(self.rest("GET", f"/dags/{dag_id}/dagRuns/{run_id}")["state"])

    def task_instance(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> dict[str, Any]:
        """Return a task instance as the API describes it: ``state``, ``try_number``, ``trigger`` and more."""
        instance: dict[str, Any] = self.rest("GET", _instance(dag_id, run_id, task_id, map_index))
        return instance

    def set_state(self, dag_id: str, run_id: str, task_id: str, state: str, map_index: int = -1) -> None:
        """Mark a task ``success``, ``failed`` or ``skipped``, as a user does."""
        self.rest("PATCH", _instance(dag_id, run_id, task_id, map_index), json={"new_state": state})

    def set_run_state(self, dag_id: str, run_id: str, state: str) -> None:
        """Mark a run ``success`` or ``failed``, as a user does; its unfinished tasks end."""
        self.rest("PATCH", f"/dags/{dag_id}/dagRuns/{run_id}", json={"state": state})

    def clear(self, dag_id: str, run_id: str, *task_ids: str, downstream: bool = False) -> None:
        """Clear tasks, so that they run again; all of them if none is named."""
        what: dict[str, Any] = {"task_ids": list(task_ids)} if task_ids else {}
        how = {"dry_run": False, "only_failed": False, "reset_dag_runs": True, "include_downstream": downstream}
        self.rest("POST", f"/dags/{dag_id}/clearTaskInstances", json={"dag_run_id": run_id, **what, **how})

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str = "return_value", map_index: int = -1) -> Any:
        """Return the value of an XCom."""
        path = f"{_instance(dag_id, run_id, task_id)}/xcomEntries/{key}"
        return self.rest("GET", path, map_index=map_index, deserialize=True)["value"]

    def task_log(self, dag_id: str, run_id: str, task_id: str, try_number: int = 1, map_index: int = -1) -> str:
        """Return the log of an attempt as a user reads it, with its trigger's: one line per message."""
        path = f"{_instance(dag_id, run_id, task_id)}/logs/{try_number}"
        content = self.rest("GET", path, map_index=map_index, full_content=True)["content"]
        return "\n".join(map(_log_line, content))

    def _wait_for_dag(self, dag_id: str) -> None:
        wait_until(
            lambda: self.knows_dag(dag_id),
            timeout=60,
            otherwise=lambda: f"no DAG {dag_id!r}; import errors: {self.rest('GET', '/importErrors')}",
        )

    def _set_paused(self, dag_ids: Sequence[str], is_paused: bool) -> None:
        dags = [self.rest("PATCH", f"/dags/{dag_id}", json={"is_paused": is_paused}) for dag_id in dag_ids]
        for token in {dag["file_token"] for dag in dags}:
            # Airflow starts and stops watchers only when it parses the file.
            with _conflict_ignored():  # parsing is already scheduled
                self.rest("PUT", f"/parseDagFile/{token}")


@contextmanager
def _conflict_ignored() -> Iterator[None]:
    """Ignore the error that something was already requested."""
    try:
        yield
    except RestError as error:
        if error.status != requests.codes.conflict:
            raise


def _instance(dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> str:
    path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}"
    return path if map_index < 0 else f"{path}/{map_index}"


def _log_line(message: Any) -> str:
    if not isinstance(message, dict):
        return str(message)
    rest = {name: value for name, value in message.items() if name not in ("event", "timestamp", "level") and value}
    line = f"{message.get('timestamp') or ''} {message.get('level') or ''} {message.get('event', '')}"
    return f"{line} {json_module.dumps(rest)}" if rest else line
