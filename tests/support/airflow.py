"""Names that Airflow 2 and 3 have in different places."""

from __future__ import annotations

try:
    from airflow.sdk import DAG
except ImportError:  # Airflow 2.11
    from airflow import DAG

__all__ = ["DAG"]
