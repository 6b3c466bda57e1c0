"""
A running Airflow on this machine: scheduler, DAG processor, API server and triggerer, with its own PostgreSQL.

``postgres.py`` and ``processes.py`` start and stop processes, ``rest.py`` calls the REST API, ``running.py`` uses both.
``oldest.py`` is the smaller counterpart for Airflow 2.
"""

from __future__ import annotations

from support.harness.postgres import MissingPostgresError, Postgres
from support.harness.processes import Component, TaskProcess
from support.harness.running import Airflow

__all__ = ["Airflow", "Component", "MissingPostgresError", "Postgres", "TaskProcess"]
