"""Which requests are retried. A POST with an unknown outcome is not, since it may have created a job."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from urllib3.exceptions import (
    ConnectTimeoutError,
    MaxRetryError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.api.retry import RetryPolicy
from airflow_provider_bulkexports.exceptions import (
    BulkExportsAPIError,
    BulkExportsConnectionError,
    BulkExportsError,
    BulkExportsRateLimitError,
    BulkExportsServerError,
)
from airflow_provider_bulkexports.simulator import Fault, Simulator

JOB_SID = "JS" + "0123456789abcdef" * 2
JANUARY = {"start_day": "2026-01-01", "end_day": "2026-01-03", "friendly_name": "first days"}

CALLS: dict[str, Callable[[BulkExportsClient], Any]] = {
    "GET": lambda client: client.get_job(JOB_SID),
    "DELETE": lambda client: client.delete_job(JOB_SID),
    "POST": lambda client: client.create_job("Messages", **JANUARY),
}

#: ``client`` repeats three times.
ONCE, ALL = 1, 4

TABLE = [
    (verb, status, times, kind)
    for statuses, kind, times_by_verb in [
        ((429,), BulkExportsRateLimitError, {"GET": ALL, "DELETE": ALL, "POST": ALL}),
        (
            (408, 421, 425, 500, 502, 503, 504, 507, 520, 522, 524, 529),
            BulkExportsServerError,
            {"GET": ALL, "DELETE": ALL, "POST": ONCE},
        ),
        ((501, 505, 530, 599), BulkExportsServerError, {"GET": ONCE, "DELETE": ONCE, "POST": ONCE}),
        (
            (400, 401, 403, 404, 405, 407, 409, 413, 418, 422, 424, 426, 451),
            BulkExportsAPIError,
            {"GET": ONCE, "DELETE": ONCE, "POST": ONCE},
        ),
    ]
    for status in statuses
    for verb, times in times_by_verb.items()
]


@pytest.mark.parametrize(("verb", "status", "times", "kind"), TABLE)
def test_status_is_retried_by_verb(
    verb: str, status: int, times: int, kind: type[BulkExportsError], sim: Simulator, client: BulkExportsClient
) -> None:
    sim.faults.add(Fault(status=status, times=None))
    with pytest.raises(kind) as caught:
        CALLS[verb](client)
    assert [request.method for request in sim.requests] == [verb] * times
    assert caught.value.is_transient == issubclass(kind, (BulkExportsServerError, BulkExportsRateLimitError))


@pytest.mark.parametrize(("verb", "status", "times", "kind"), [row for row in TABLE if row[1] in (400, 413, 429, 503)])
def test_retry_after_decides_when_not_whether(
    verb: str, status: int, times: int, kind: type[BulkExportsError], sim: Simulator, client: BulkExportsClient
) -> None:
    sim.faults.add(Fault(status=status, headers={"Retry-After": "1"}, times=None))
    with pytest.raises(kind):
        CALLS[verb](client)
    assert len(sim.requests) == times


@pytest.mark.parametrize(("verb", "times"), [("GET", ALL), ("DELETE", ALL), ("POST", ONCE)])
def test_lost_response_is_retried_except_for_create(
    verb: str, times: int, sim: Simulator, client: BulkExportsClient
) -> None:
    sim.faults.add(Fault(drop=True, times=None))
    with pytest.raises(BulkExportsConnectionError) as caught:
        CALLS[verb](client)
    assert len(sim.requests) == times
    assert caught.value.is_transient
    assert ("Twilio may have processed it" in str(caught.value)) == (verb == "POST")


@pytest.mark.parametrize("fault", [Fault(status=500, processed=True), Fault(drop=True, processed=True)])
def test_create_with_a_lost_response_makes_one_job(fault: Fault, sim: Simulator, client: BulkExportsClient) -> None:
    sim.faults.add(fault)
    with pytest.raises((BulkExportsServerError, BulkExportsConnectionError)):
        CALLS["POST"](client)
    assert len(sim.state.jobs) == 1


@pytest.mark.parametrize("verb", CALLS)
def test_refused_connection_is_retried_for_every_verb(verb: str, server: Any, clock: Any) -> None:
    client = server.client(retry=RetryPolicy(max_retries=3, backoff_factor=1.0))
    server.stop()
    with pytest.raises(BulkExportsConnectionError):
        CALLS[verb](client)
    assert len(clock.naps) == 3


@pytest.mark.parametrize("verb", CALLS)
@pytest.mark.parametrize("failures", [1, 3])
def test_success_after_few_failures_is_success(verb: str, failures: int, server: Any, answer: Any) -> None:
    success = answer(204) if verb == "DELETE" else answer(body={"job_sid": JOB_SID})
    server.answers(*[answer(429)] * failures, success)
    CALLS[verb](server.client())
    assert len(server.received) == failures + 1
    assert len({(request.target, request.body) for request in server.received}) == 1


@pytest.mark.parametrize("max_retries", [0, 1, 5])
@pytest.mark.parametrize("status", [429, 503])
def test_max_retries_counts_retries(max_retries: int, status: int, server: Any, answer: Any) -> None:
    server.answers(answer(status))
    with pytest.raises(BulkExportsAPIError):
        CALLS["GET"](server.client(retry=RetryPolicy(max_retries=max_retries, backoff_factor=0.0)))
    assert len(server.received) == max_retries + 1


@pytest.mark.parametrize("verb", CALLS)
@pytest.mark.parametrize("failure", ["drop", "status"])
def test_without_retries_each_request_is_sent_once(verb: str, failure: str, server: Any, answer: Any) -> None:
    server.answers(answer(drop=True) if failure == "drop" else answer(429))
    with pytest.raises(BulkExportsError):
        CALLS[verb](server.client(retry=RetryPolicy(max_retries=0)))
    assert len(server.received) == 1


def test_failures_of_different_kinds_share_one_count(server: Any, answer: Any) -> None:
    server.answers(answer(drop=True), answer(503), answer(429), answer(drop=True), answer(body={"job_sid": JOB_SID}))
    with pytest.raises(BulkExportsConnectionError):
        CALLS["GET"](server.client())
    assert len(server.received) == ALL


def test_incomplete_response_is_a_connection_error(server: Any, answer: Any) -> None:
    server.answers(answer(body={"job_sid": JOB_SID}, cut=5))
    with pytest.raises(BulkExportsConnectionError, match="No complete response from"):
        CALLS["GET"](server.client())


def test_missing_response_is_a_connection_error(sim: Simulator) -> None:
    sim.faults.add(Fault(delay=5.0, times=None))
    client = BulkExportsClient(
        sim.account_sid, sim.auth_token, base_url=sim.base_url, read_timeout=0.05, retry=RetryPolicy(max_retries=0)
    )
    with pytest.raises(BulkExportsConnectionError, match="timed out"):
        CALLS["GET"](client)
    client.close()


SENT = {
    "TLS error after sending": SSLError("EOF occurred in violation of protocol"),
    "reset after sending": ProtocolError("Connection aborted."),
    "read timeout": ReadTimeoutError(None, "/", "Read timed out."),  # type: ignore[arg-type]
    "proxy that failed later": ProxyError("gone", SSLError("bad record")),
}
NOT_SENT = {
    "connection refused": NewConnectionError(None, "refused"),  # type: ignore[arg-type]
    "connect timeout": ConnectTimeoutError("timed out"),
    "proxy refused": ProxyError("refused", NewConnectionError(None, "refused")),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("error", SENT.values(), ids=SENT.keys())
def test_post_that_may_be_processed_is_not_retried(error: Exception) -> None:
    retry = RetryPolicy().as_urllib3()
    with pytest.raises((type(error), MaxRetryError)):
        retry.increment("POST", "/", error=error)


@pytest.mark.parametrize("error", [*SENT.values(), *NOT_SENT.values()], ids=[*SENT, *NOT_SENT])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_get_and_delete_are_counted_after_any_error(method: str, error: Exception) -> None:
    counted = RetryPolicy(max_retries=2).as_urllib3().increment(method, "/", error=error)
    assert counted.total == 1


@pytest.mark.parametrize("error", NOT_SENT.values(), ids=NOT_SENT.keys())
def test_unsent_post_is_counted(error: Exception) -> None:
    assert RetryPolicy(max_retries=2).as_urllib3().increment("POST", "/", error=error).total == 1


SID = "JS" + "0123456789abcdef" * 2
LINK = "https://bucket.s3.amazonaws.com/part-0.json.gz?X-Amz-Signature=5ec2e7"

READS: dict[str, tuple[Callable[[BulkExportsClient], Any], int, Any]] = {
    "get_job": (lambda client: client.get_job(SID), 200, {"job_sid": SID}),
    "delete_job": (lambda client: client.delete_job(SID), 204, b""),
    "list_jobs": (lambda client: list(client.list_jobs("Messages")), 200, {"jobs": []}),
    "list_days": (lambda client: list(client.list_days("Messages")), 200, {"days": []}),
    "get_day_link": (lambda client: client.get_day_link("Messages", "2026-01-01"), 307, {"redirect_to": LINK}),
    "get_export": (lambda client: client.get_export("Messages"), 200, {}),
    "get_configuration": (lambda client: client.get_configuration("Messages"), 200, {}),
    "probe": (lambda client: client.probe("Messages"), 200, {"jobs": []}),
}

#: What shows before, in and after the headers of an answer that a second question mends.
PASSING = {
    "a reset": {"drop": True},
    "a body cut half way": {"body": {"job_sid": SID, "jobs": [], "days": []}, "cut": 9},
    "a web page": {"body": "<html><h1>Log in</h1></html>", "headers": {"Content-Type": "text/html"}},
    "broken JSON": {"body": '{"jobs": [{"job_sid": "JS'},
    "another shape": {"body": [{"jobs": []}]},
    "deep nesting": {"body": "[" * 100_000},
    "a damaged gzip": {"body": b"\x1f\x8bnone", "headers": {"Content-Encoding": "gzip"}},
    "a login": {"status": 302, "headers": {"Location": "/login?to=x"}},
    **{f"{status}": {"status": status} for status in (408, 421, 425, 429, 500, 502, 503, 504, 507, *range(520, 530))},
}


@pytest.mark.parametrize(("call", "status", "body"), READS.values(), ids=READS)
@pytest.mark.parametrize("failure", PASSING.values(), ids=PASSING)
def test_every_read_is_retried_after_transient_faults(
    call: Callable[[BulkExportsClient], Any], status: int, body: Any, failure: dict[str, Any], server: Any, answer: Any
) -> None:
    server.answers(*[answer(**failure)] * 3, answer(status, body))
    call(server.client())
    assert len(server.received) == ALL


@pytest.mark.parametrize("call", [call for call, *_ in READS.values()], ids=READS)
@pytest.mark.parametrize("failure", PASSING.values(), ids=PASSING)
def test_read_that_always_fails_is_transient(
    call: Callable[[BulkExportsClient], Any], failure: dict[str, Any], server: Any, answer: Any
) -> None:
    server.answers(answer(**failure))
    with pytest.raises(BulkExportsError) as caught:
        call(server.client(retry=RetryPolicy(max_retries=1, backoff_factor=0.0)))
    assert caught.value.is_transient
    assert len(server.received) == 2


@pytest.mark.parametrize("failure", [failure for name, failure in PASSING.items() if name != "429"])
def test_submission_is_never_repeated(failure: dict[str, Any], server: Any, answer: Any) -> None:
    server.answers(answer(**failure))
    with pytest.raises(BulkExportsError) as caught:
        CALLS["POST"](server.client())
    assert caught.value.is_transient
    assert len(server.received) == 1


def test_bad_shapes_and_resets_share_count_and_budget(server: Any, answer: Any, clock: Any) -> None:
    client = server.client(retry=RetryPolicy(max_retries=50, backoff_factor=10.0, max_wait=10.0, budget=25.0))
    server.answers(answer(drop=True), answer(body="<html>"), answer(503), answer(body="<html>"))
    with pytest.raises(BulkExportsError):
        CALLS["GET"](client)
    assert len(server.received) == 4
    assert sum(clock.naps) == 30.0
