"""No redirect is followed, since its target would get the credentials; an unexpected one is an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.api.retry import RetryPolicy
from airflow_provider_bulkexports.exceptions import BulkExportsResponseError

JOB_SID = "JS" + "0123456789abcdef" * 2

CALLS: dict[str, Callable[[BulkExportsClient], Any]] = {
    "get_job": lambda client: client.get_job(JOB_SID),
    "delete_job": lambda client: client.delete_job(JOB_SID),
    "create_job": lambda client: client.create_job(
        "Messages", start_day="2026-01-01", end_day="2026-01-01", friendly_name="x"
    ),
    "list_jobs": lambda client: list(client.list_jobs("Messages")),
    "list_days": lambda client: list(client.list_days("Messages")),
    "get_export": lambda client: client.get_export("Messages"),
    "get_configuration": lambda client: client.get_configuration("Messages"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_redirect_is_an_error_and_its_target_gets_nothing(
    call: Callable[[BulkExportsClient], Any], status: int, make_server: Callable[[], Any], answer: Any
) -> None:
    server, target = make_server(), make_server()
    body = b"" if status == 304 else {"job_sid": JOB_SID, "jobs": [], "days": []}
    server.answers(answer(status, body, {"Location": f"{target.url}/login?signature=secret"}))
    with pytest.raises(BulkExportsResponseError) as caught:
        call(server.client())
    assert f": HTTP {status}, " in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.is_transient  # a captive portal passes once a person has logged in
    assert [request.target for request in server.received] == [server.received[0].target] * (
        1 if server.received[0].method == "POST" else 4
    )
    assert target.received == []


def test_redirect_on_the_same_origin_is_not_followed(server: Any, answer: Any) -> None:
    server.answers(answer(302, {}, {"Location": "/v1/Exports/Calls"}), answer(body={}))
    with pytest.raises(BulkExportsResponseError):
        server.client(retry=RetryPolicy(max_retries=0)).get_export("Messages")
    assert len(server.received) == 1
