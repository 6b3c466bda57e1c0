"""An error response becomes an exception that says what failed, in Twilio's words, and what to do."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

import pytest

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.api.retry import RetryPolicy
from airflow_provider_bulkexports.exceptions import (
    BulkExportsAPIError,
    BulkExportsAuthError,
    BulkExportsNotFoundError,
    BulkExportsRateLimitError,
    BulkExportsResponseError,
    BulkExportsServerError,
)
from airflow_provider_bulkexports.simulator import Fault, Simulator, problem_body

JOB_SID = "JS" + "0123456789abcdef" * 2

CLASSES = [
    (400, BulkExportsAPIError, False, "Fix what Twilio's message names"),
    (401, BulkExportsAuthError, False, "Check the connection's login"),
    (403, BulkExportsAuthError, False, "use a Standard or Main API key"),
    (
        404,
        BulkExportsNotFoundError,
        False,
        "Check the sid or day of the request, and the account of the",
    ),
    (405, BulkExportsAPIError, False, "Check that the connection's host is Twilio's BulkExports API."),
    (409, BulkExportsAPIError, False, "Fix what Twilio's message names"),
    (429, BulkExportsRateLimitError, True, "Retry later; if it persists, send fewer requests at a time"),
    (500, BulkExportsServerError, True, "This is usually transient. Retry later; if it persists"),
    (503, BulkExportsServerError, True, "This is usually transient. Retry later; if it persists"),
    (599, BulkExportsServerError, True, "This is usually transient. Retry later; if it persists"),
]


def error_of(server: Any, answer: Any, status: int = 400, body: Any = b"", **headers: str) -> BulkExportsAPIError:
    server.answers(answer(status, body, {name.replace("_", "-"): value for name, value in headers.items()}))
    with pytest.raises(BulkExportsAPIError) as caught:
        server.client(retry=RetryPolicy(max_retries=0)).get_job(JOB_SID)
    assert caught.value.status == status
    return caught.value


@pytest.mark.parametrize(("status", "kind", "is_transient", "remedy"), CLASSES)
def test_status_decides_class_and_advice(
    status: int, kind: type[BulkExportsAPIError], is_transient: bool, remedy: str, sim: Simulator, client: Any
) -> None:
    sim.faults.add(Fault(status=status, times=None))
    with pytest.raises(BulkExportsAPIError) as caught:
        client.get_export("Messages")
    assert type(caught.value) is kind
    assert caught.value.is_transient is is_transient
    assert remedy in str(caught.value)
    assert "task" not in str(caught.value), "the Test button and watchers have none"


def test_message_has_all_that_twilio_support_needs(server: Any, answer: Any) -> None:
    body = {
        "code": 20001,
        "message": "EndDay is too recent",
        "detail": "EndDay must be at least two days ago",
        "more_info": "https://www.twilio.com/docs/errors/20001",
        "status": 400,
    }
    error = error_of(server, answer, body=body, Twilio_Request_Id="RQ123")
    assert str(error) == (
        "Twilio returned HTTP 400: EndDay is too recent: EndDay must be at least two days ago. "
        "Fix what Twilio's message names, then try again. "
        f"[request GET {server.url}/v1/Exports/Jobs/{JOB_SID}; response HTTP 400, Twilio error 20001, request RQ123; "
        "more https://www.twilio.com/docs/errors/20001]"
    )
    assert (error.code, error.request_id) == (20001, "RQ123")
    assert error.twilio_message == "EndDay is too recent: EndDay must be at least two days ago"
    assert error.more_info == "https://www.twilio.com/docs/errors/20001"


def test_missing_details_are_not_mentioned(server: Any, answer: Any) -> None:
    error = error_of(server, answer, 418)
    assert str(error) == (
        "Twilio returned HTTP 418: no readable message (empty body). Fix what Twilio's message names, then try again. "
        f"[request GET {server.url}/v1/Exports/Jobs/{JOB_SID}; response HTTP 418]"
    )
    assert (error.code, error.request_id, error.twilio_message, error.more_info) == (None, None, None, None)


@pytest.mark.parametrize("verb", ["POST", "DELETE"])
def test_message_names_the_verb(verb: str, sim: Simulator, client: Any) -> None:
    sim.state.spend_quota(366)
    calls = {
        "POST": lambda: client.create_job("Messages", start_day="2026-01-01", end_day="2026-01-01", friendly_name="x"),
        "DELETE": lambda: client.delete_job(JOB_SID),
    }
    with pytest.raises(BulkExportsAPIError, match=rf"\[request {verb} http://.*/v1/Exports"):
        calls[verb]()


def test_refused_create_quotes_twilio(sim: Simulator, client: Any) -> None:
    sim.state.spend_quota(366)
    with pytest.raises(BulkExportsAPIError) as caught:
        client.create_job("Messages", start_day="2026-01-01", end_day="2026-01-01", friendly_name="x")
    assert caught.value.twilio_message
    assert caught.value.twilio_message in str(caught.value)
    assert caught.value.request_id
    assert caught.value.request_id in str(caught.value)


def test_wrong_credentials_are_an_auth_error(sim: Simulator) -> None:
    client = BulkExportsClient(sim.account_sid, "wrong", base_url=sim.base_url)
    with pytest.raises(BulkExportsAuthError, match="Twilio error 20003"):
        client.get_export("Messages")
    client.close()


def test_problem_document_is_read(server: Any, answer: Any) -> None:
    body = {
        **problem_body(422, 20422, "Invalid parameter", "Two parameters are wrong"),
        "errors": [{"detail": "StartDay is no day", "pointer": "#/StartDay"}, {"detail": "EndDay is no day"}, {}, 7],
    }
    error = error_of(server, answer, 422, body, Content_Type="application/problem+json")
    assert error.twilio_message == "Invalid parameter: Two parameters are wrong: StartDay is no day: EndDay is no day"
    assert error.code == 20422
    assert error.more_info == "https://www.twilio.com/docs/errors/20422"


HTML = "<html><head><title>502 Bad Gateway</title></head></html>"


@pytest.mark.parametrize(
    ("body", "content_type", "words"),
    [
        (HTML, "text/html; charset=utf-8", f"no readable message (text/html body of {len(HTML)} bytes)"),
        (b"", "application/json", "no readable message (empty body)"),
        (b"\xff\xfe\xfa{", "application/json", "no readable message (application/json body of 4 bytes)"),
        (b'{"message": "caf\xe9"}', "application/json", "caf"),
        (b"{", "application/json", "no readable message"),
        (b"[" * 100_000, "application/json", "no readable message"),
        (b'{"code": ' + b"9" * 5000 + b"}", "application/json", "no readable message"),
        ([], "application/json", "no readable message"),
        ("null", "application/json", "no readable message"),
        ("7", "application/json", "no readable message"),
        ('"an error"', "application/json", "no readable message"),
        ({}, "application/json", "no readable message"),
        ({"message": None, "title": {}, "code": None, "errors": "x", "more_info": 5}, "", "no readable message"),
        ({"message": ["x"], "detail": "told in detail"}, "application/json", "told in detail"),
        ({"message": "x", "details": "and more"}, "application/json", "x: and more"),
        ({"message": "twice", "detail": "twice"}, "application/json", ": twice. "),
        (b"{}", "application/json; charset=no-such-charset", "no readable message"),
    ],
)
@pytest.mark.parametrize("status", [400, 404, 502])
def test_any_body_leaves_the_status_visible(
    status: int, body: Any, content_type: str, words: str, server: Any, answer: Any
) -> None:
    error = error_of(server, answer, status, body, Content_Type=content_type)
    assert words in str(error)
    assert f"response HTTP {status}" in str(error)


@pytest.mark.parametrize("code", ["20404", 20404, 20404.0])
def test_code_is_read_as_number_or_text(code: Any, server: Any, answer: Any) -> None:
    assert error_of(server, answer, 404, {"code": code}).code == 20404


@pytest.mark.parametrize("code", ["abc", None, [], {}, float("inf")])
def test_invalid_code_is_left_out(code: Any, server: Any, answer: Any) -> None:
    error = error_of(server, answer, 404, json.dumps({"code": code, "message": "gone"}))
    assert error.code is None
    assert "Twilio error" not in str(error)


def test_long_message_is_cut(server: Any, answer: Any) -> None:
    error = error_of(server, answer, 400, {"message": "x" * 10_000})
    assert error.twilio_message == f"{'x' * 499}…"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, HTML),
        (200, b""),
        (200, []),
        (200, "null"),
        (200, b"\xff\xfe"),
        (204, b""),
        (200, b"[" * 100_000),
        (200, "7"),
    ],
)
def test_success_without_a_json_object_is_an_error(status: int, body: Any, server: Any, answer: Any) -> None:
    server.answers(answer(status, body, {"Content-Type": "text/html; charset=utf-8"}))
    with pytest.raises(BulkExportsResponseError) as caught:
        server.client().get_export("Messages")
    kind = "empty body" if body == b"" else "text/html"
    assert f"Unexpected response: HTTP {status}, {kind}" in str(caught.value)
    assert "no proxy answers in its place" in str(caught.value)
    assert caught.value.is_transient
    assert len(server.received) == 4


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Tue, 24 Nov 2026 00:00:01 GMT", datetime(2026, 11, 24, 0, 0, 1, tzinfo=timezone.utc)),
        ("Tue, 24 Nov 2026 02:00:01 +0200", datetime(2026, 11, 24, 0, 0, 1, tzinfo=timezone.utc)),
        ("Tue, 24 Nov 2026 00:00:01 -0000", datetime(2026, 11, 24, 0, 0, 1, tzinfo=timezone.utc)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -2359", None),
        ("Mon, 01 Jan 0001 00:00:00 +2359", None),
        ("Thu, 01 Jan 1970 00:00:00 GMT", None),
        ("2026-11-24T00:00:01Z", None),
        ("Tue, 99 Nov 2026 00:00:01 GMT", None),
        ("", None),
        ("9" * 5000, None),
    ],
)
def test_error_has_twilios_own_time(server: Any, answer: Any, header: str, expected: datetime | None) -> None:
    error = error_of(server, answer, Date=header)
    assert error.answered_at == expected
    assert error.restated("other words", BulkExportsServerError).answered_at == expected


def test_answered_at_is_none_without_date_header(server: Any, answer: Any) -> None:
    assert error_of(server, answer).answered_at is None
