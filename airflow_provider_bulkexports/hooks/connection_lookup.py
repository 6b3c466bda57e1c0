"""Look up connections: in a task, in a trigger without blocking its event loop, and in a script."""

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
    Import what Airflow imports when it first looks up a connection.

    On an event loop, these tenths of a second would delay other triggers. Parsing a DAG file does not need them.
    """
    for module in ("airflow.sdk.execution_time.supervisor", "airflow.sdk.execution_time.cache", "asgiref.sync"):
        with suppress(ImportError):  # Airflow 2.11 has no such module
            import_module(module)


def get_connection(conn_id: str) -> Connection:
    """
    Look up a connection as Airflow does; outside a task, as in a script, also in the database.

    From Airflow 3.1, Airflow itself uses only environment variables and secrets backends there.
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
    Look up a connection from a trigger without blocking the event loop.

    Before 3.3.2, Airflow's asynchronous lookup masks secrets synchronously and can deadlock, and 3.0 refuses the
    synchronous one on the loop. A thread works in all of them.

    :return: The connection and its ``extra``, since reading that masks secrets too.
    """
    if hasattr(Connection, "aextra_dejson"):
        with suppress(AirflowNotFoundException):  # in_thread() also searches the database
            connection = await BaseHook.aget_connection(conn_id)
            return connection, await connection.aextra_dejson()

    def in_thread() -> tuple[Connection, dict[str, Any]]:
        connection = get_connection(conn_id)
        return connection, connection.extra_dejson

    return await asyncio.to_thread(in_thread)
