"""
A whole Airflow on this machine: scheduler, DAG processor, API server and triggerer, on a PostgreSQL of its own.

``postgres.py`` and ``processes.py`` start and end what runs, ``rest.py`` talks to it, ``running.py`` puts it together.
``oldest.py`` does the same for Airflow 2, with less.
"""

from __future__ import annotations

from support.harness.postgres import MissingPostgresError, Postgres
from support.harness.processes import Component, TaskProcess
from support.harness.running import Airflow

__all__ = ["Airflow", "Component", "MissingPostgresError", "Postgres", "TaskProcess"]
