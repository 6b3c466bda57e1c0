"""Look connections up: in a task, in a trigger without blocking its event loop, and in a script that is neither."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any

from airflow_provider_bulkexports.compat import AirflowNotFoundException, BaseHook, Connection

__all__ = ["aget_connection", "get_connection", "load_connection_lookup"]


def load_connection_lookup() -> None:
    """
    Import what Airflow imports when it looks a connection up for the first time.

    On an event loop that would be felt, some tenths of a second; a DAG file that is parsed does not need it.
    """
    for module in ("airflow.sdk.execution_time.supervisor", "airflow.sdk.execution_time.cache", "asgiref.sync"):
        with suppress(ImportError):  # Airflow 2.11 does without
            import_module(module)


def get_connection(conn_id: str) -> Connection:
    """
    Look a connection up: as Airflow does, and where no task runs, such as in a script, in the database as well.

    From Airflow 3.1, such a process is given environment variables and secrets backends only.
    """
    try:
        return BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        if hasattr(sys.modules.get("airflow.sdk.execution_time.task_runner"), "SUPERVISOR_COMMS"):
            raise
    stored: Connection = import_module("airflow.models.connection").Connection.get_connection_from_secrets(conn_id)
    return stored


async def aget_connection(conn_id: str) -> tuple[Connection, dict[str, Any]]:
    """
    Look a connection up from a trigger without blocking the event loop.

    Before 3.3.2 the asynchronous look-up masks secrets synchronously and can deadlock, and 3.0 refuses the synchronous
    one on the loop; a thread serves all of these.

    :return: The connection and its ``extra``, whose reading masks secrets too.
    """
    if hasattr(Connection, "aextra_dejson"):
        with suppress(AirflowNotFoundException):  # in_thread() knows one place more
            connection = await BaseHook.aget_connection(conn_id)
            return connection, await connection.aextra_dejson()

    def in_thread() -> tuple[Connection, dict[str, Any]]:
        connection = get_connection(conn_id)
        return connection, connection.extra_dejson

    return await asyncio.to_thread(in_thread)
