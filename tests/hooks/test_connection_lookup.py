"""A trigger looks up connections without blocking its event loop; for scripts see hooks/test_outside_a_task.py."""

from __future__ import annotations

import asyncio
import json

import pytest

from airflow_provider_bulkexports import compat
from airflow_provider_bulkexports.hooks.connection_lookup import aget_connection


def test_connection_is_looked_up_on_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    fields = {"conn_type": "twilio_bulkexports", "login": "me", "extra": {"region": "us1"}}
    monkeypatch.setenv("AIRFLOW_CONN_LOOKED_UP", json.dumps(fields))

    connection, extra = asyncio.run(aget_connection("looked_up"))

    assert (connection.login, extra) == ("me", {"region": "us1"})


@pytest.mark.parametrize("has_async_extra", [True, False])
def test_older_airflow_uses_a_thread(monkeypatch: pytest.MonkeyPatch, has_async_extra: bool) -> None:
    if has_async_extra and not hasattr(compat.Connection, "aextra_dejson"):
        pytest.skip("this Airflow has no asynchronous extra")
    if not has_async_extra:
        monkeypatch.delattr(compat.Connection, "aextra_dejson", raising=False)
    monkeypatch.setenv("AIRFLOW_CONN_LOOKED_UP", '{"conn_type": "http", "extra": {"a": "b"}}')
    calls = []
    synchronous = compat.BaseHook.get_connection
    monkeypatch.setattr(compat.BaseHook, "get_connection", lambda conn_id: calls.append(1) or synchronous(conn_id))

    _, extra = asyncio.run(aget_connection("looked_up"))

    assert extra == {"a": "b"}
    assert bool(calls) is not has_async_extra
