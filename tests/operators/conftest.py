"""The operators in a DAG."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from support.airflow import DAG

from airflow_provider_bulkexports.operators.bulkexports import CreateExportCustomJobOperator

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
WEEK = {"resource_type": "Messages", "start_day": "2026-01-01", "end_day": "2026-01-07"}


@pytest.fixture
def make_dag() -> Callable[..., Any]:
    """A DAG without a schedule."""

    def make(dag_id: str = "exports", **kwargs: Any) -> Any:
        return DAG(dag_id, schedule=None, start_date=START, **kwargs)

    return make


@pytest.fixture
def make_create(make_dag: Callable[..., Any]) -> Callable[..., CreateExportCustomJobOperator]:
    """A create task for a week of messages, in a DAG of its own."""

    def make(
        *, dag_id: str = "exports", default_args: dict[str, Any] | None = None, **kwargs: Any
    ) -> CreateExportCustomJobOperator:
        with make_dag(dag_id, default_args=default_args or {}):
            return CreateExportCustomJobOperator(**{"task_id": "create", "deferrable": False} | WEEK | kwargs)

    return make


@pytest.fixture
def create(
    connection: str, make_create: Callable[..., Any], run_task: Callable[..., Any], context: dict[str, Any]
) -> Callable[..., Any]:
    """Run a create task to its end; keys in capitals are put into the run's context."""

    def run(*, run_id: str | None = None, **kwargs: Any) -> Any:
        if run_id is not None:
            context["dag_run"].run_id = context["ti"].run_id = context["run_id"] = run_id
        return run_task(lambda: make_create(**kwargs))

    return run
