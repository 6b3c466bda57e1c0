"""No failure puts the credentials or a signed link into an error, its traceback or a log."""

from __future__ import annotations

import html
import logging
import pickle
import traceback
from base64 import b64encode
from collections.abc import Callable
from copy import deepcopy
from typing import Any
from urllib.parse import quote

import pytest

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.api.retry import RetryPolicy
from airflow_provider_bulkexports.api.signed_link import SignedLink
from airflow_provider_bulkexports.exceptions import BulkExportsError

JOB_SID = "JS" + "0123456789abcdef" * 2
LINK = "https://bucket.s3.amazonaws.com/part-0.json.gz?X-Amz-Expires=240&X-Amz-Signature=5ec2e7"
PAGE_TOKEN = "PAsecret"

#: What an error may show of no request.
QUERIES = ("5ec2e7", PAGE_TOKEN, "X-Amz-Expires=240")


def secrets_of(server: Any) -> tuple[str, ...]:
    encoded = b64encode(f"{server.login}:{server.password}".encode()).decode()
    return (server.password, encoded, "5ec2e7")


def shown_by(error: BaseException) -> str:
    """Everything that a log or a report may print of an error."""
    texts = [str(error), repr(error), repr(error.args), repr(vars(error))]
    return "\n".join([*texts, *traceback.format_exception(error, chain=True)])


def get_job(client: BulkExportsClient) -> Any:
    return client.get_job(JOB_SID)


def list_jobs(client: BulkExportsClient) -> Any:
    return list(client.list_jobs("Messages"))


def create_job(client: BulkExportsClient) -> Any:
    return client.create_job("Messages", start_day="2026-01-01", end_day="2026-01-01", friendly_name="x")


def get_day_link(client: BulkExportsClient) -> Any:
    return client.get_day_link("Messages", "2026-01-01")


def echo(password: str, encoded: str) -> dict[str, Any]:
    return {
        "code": 20003,
        "message": f"{'x' * 480} user {encoded} with {password} is unknown",
        "detail": f"Authorization: Basic {encoded}",
        "more_info": f"https://user:{password}@example.com/?auth={encoded}&link={LINK}",
    }


FAILURES: dict[str, tuple[Callable[[BulkExportsClient], Any], Callable[[Any, Any, str, str], list[Any]]]] = {
    "the server repeats the credentials": (get_job, lambda a, s, p, e: [a(401, echo(p, e))]),
    "the server repeats them after a POST": (create_job, lambda a, s, p, e: [a(400, echo(p, e))]),
    "the secret is where a long message is cut": (
        get_job,
        lambda a, s, p, e: [a(400, {"message": "x" * (500 - len(p) // 2) + p})],
    ),
    "a gateway repeats the request": (get_job, lambda a, s, p, e: [a(502, f"<html>Basic {e} {p}</html>")]),
    "the request id is the secret": (get_job, lambda a, s, p, e: [a(500, {}, {"Twilio-Request-Id": p})]),
    "the connection breaks": (get_job, lambda a, s, p, e: [a(drop=True)]),
    "the connection breaks in a POST": (create_job, lambda a, s, p, e: [a(drop=True)]),
    "the second page fails": (
        list_jobs,
        lambda a, s, p, e: [a(body=first_page(f"{s}/v1?PageToken={PAGE_TOKEN}")), a(500, {"message": LINK})],
    ),
    "the second page breaks": (
        list_jobs,
        lambda a, s, p, e: [a(body=first_page(f"{s}/v1?PageToken={PAGE_TOKEN}")), a(drop=True)],
    ),
    "the second page has no array": (
        list_jobs,
        lambda a, s, p, e: [a(body=first_page(f"{s}/v1?PageToken={PAGE_TOKEN}")), a(body={})],
    ),
    "the second page is elsewhere": (list_jobs, lambda a, s, p, e: [a(body=first_page(LINK))]),
    "the second page is the first": (
        list_jobs,
        lambda a, s, p, e: [a(body=first_page(f"{s}/v1?PageToken={PAGE_TOKEN}"))],
    ),
    "the second page is no URL": (list_jobs, lambda a, s, p, e: [a(body=first_page(f"https://[::1?{PAGE_TOKEN}"))]),
    "a redirect instead of a job": (get_job, lambda a, s, p, e: [a(302, {}, {"Location": LINK})]),
    "a link of another kind": (
        get_day_link,
        lambda a, s, p, e: [a(307, {"redirect_to": LINK.replace("https", "ftp")}, {"Location": LINK})],
    ),
    "a day's answer that breaks off": (get_day_link, lambda a, s, p, e: [a(307, {"redirect_to": LINK}, cut=3)]),
    "a link in an error": (get_day_link, lambda a, s, p, e: [a(404, {"message": f"expired: {LINK}"})]),
    "a header that is none": (get_job, lambda a, s, p, e: [a(500, b"", {"Content-Encoding": "gzip"})]),
    "a body that is not what it says": (get_job, lambda a, s, p, e: [a(200, LINK, {"Content-Encoding": "gzip"})]),
}


def first_page(following: str) -> dict[str, Any]:
    return {"meta": {"next_page_url": following, "key": "jobs"}, "jobs": [{"job_sid": JOB_SID}]}


@pytest.mark.parametrize(("call", "script"), FAILURES.values(), ids=FAILURES.keys())
def test_failure_shows_no_secret(
    call: Callable[[BulkExportsClient], Any],
    script: Callable[[Any, Any, str, str], list[Any]],
    server: Any,
    answer: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    password, encoded, _ = secrets_of(server)
    server.answers(*script(answer, server.url, password, encoded))
    client = server.client(retry=RetryPolicy(max_retries=1, backoff_factor=0.0))
    with pytest.raises(BulkExportsError) as caught:
        call(client)
    shown = shown_by(caught.value)
    assert not [secret for secret in (*secrets_of(server), *QUERIES) if secret in shown]
    assert password[: len(password) // 2] not in shown
    # urllib3 logs the path of every request at DEBUG, a list's PageToken included: it opens nothing by itself.
    assert "urllib3" in {record.name.partition(".")[0] for record in caplog.records}
    assert not [secret for secret in secrets_of(server) if secret in caplog.text]


@pytest.mark.parametrize("status", [200, 302, 307])
def test_client_never_logs_a_link(status: int, server: Any, answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server.answers(answer(503, {"message": LINK}), answer(status, {"redirect_to": LINK}, {"Location": LINK}))
    link = get_day_link(server.client())
    logging.getLogger(__name__).debug("%s %r", link, link)
    assert link.url == LINK
    assert caplog.records
    assert "5ec2e7" not in caplog.text


def test_error_of_an_unreachable_host_shows_no_query(server: Any) -> None:
    client = server.client(retry=RetryPolicy(max_retries=1, backoff_factor=0.0))
    server.stop()
    with pytest.raises(BulkExportsError) as caught:
        list_jobs(client)
    assert "PageSize=1000" not in shown_by(caught.value)
    assert f"[request GET {server.url}/v1/Exports/Messages/Jobs]" in str(caught.value)


def holders(server: Any) -> list[Any]:
    """Every object that holds the secret."""
    client = server.client()
    transport = client._transport
    return [client, transport, transport._session, transport._session.auth, transport._hide, SignedLink(LINK)]


@pytest.mark.parametrize("number", range(6))
def test_holders_of_secrets_hide_them_and_are_not_pickled(number: int, server: Any) -> None:
    holder = holders(server)[number]
    shown = "\n".join([repr(holder), str(holder), format(holder), f"{holder!r}"])
    assert not [secret for secret in secrets_of(server) if secret in shown]
    for copy in (pickle.dumps, deepcopy):
        with pytest.raises(TypeError, match="pickle"):
            copy(holder)


def frames_of(error: BaseException) -> str:
    """The local variables of an error's frames and of its causes, as some reports show them."""
    texts, waiting = [], [error]
    while waiting:
        one = waiting.pop()
        for frame, _ in traceback.walk_tb(one.__traceback__):
            if "airflow_provider_bulkexports" in frame.f_code.co_filename or "requests" in frame.f_code.co_filename:
                texts += [f"{name} = {value!r}" for name, value in frame.f_locals.items()]
        waiting += [other for other in (one.__cause__, one.__context__) if other is not None]
    return "\n".join(texts)


@pytest.mark.parametrize(("call", "script"), FAILURES.values(), ids=FAILURES.keys())
def test_local_variables_show_no_secret(
    call: Callable[[BulkExportsClient], Any], script: Callable[..., list[Any]], server: Any, answer: Any
) -> None:
    password, encoded, _ = secrets_of(server)
    server.answers(*script(answer, server.url, password, encoded))
    client = server.client(retry=RetryPolicy(max_retries=1, backoff_factor=0.0))
    with pytest.raises(BulkExportsError) as caught:
        call(client)
    shown = frames_of(caught.value)
    assert "self = BulkExportsClient" in shown
    assert password not in shown and encoded not in shown


@pytest.mark.parametrize("wrong", [{"base_url": "ftp://x"}, {"account_sid": "x"}, {"read_timeout": -1}, {}])
def test_local_variables_of_a_refused_client_show_no_secret(wrong: dict[str, Any], server: Any) -> None:
    login = server.login if wrong else "me"
    with pytest.raises(BulkExportsError) as caught:
        BulkExportsClient(login, server.password, **wrong)
    assert server.password not in frames_of(caught.value)


def test_unreachable_host_leaves_no_frame_with_the_header(server: Any) -> None:
    client = server.client(retry=RetryPolicy(max_retries=0))
    server.stop()
    with pytest.raises(BulkExportsError) as caught:
        list_jobs(client)
    shown = frames_of(caught.value)
    assert secrets_of(server)[1] not in shown and server.password not in shown


def test_content_type_is_quoted_short_without_secrets(server: Any, answer: Any) -> None:
    kind = f"text/{server.password}?{LINK}" + "x" * 5000
    for status in (200, 302, 404):
        server.answers(answer(status, "<html>", {"Content-Type": kind, "Twilio-Request-Id": kind, "Location": LINK}))
        with pytest.raises(BulkExportsError) as caught:
            get_job(server.client(retry=RetryPolicy(max_retries=0)))
        assert not [secret for secret in secrets_of(server) if secret in str(caught.value)]
        assert len(str(caught.value)) < 1500


def test_secret_with_punctuation_is_found_when_encoded(make_server: Any, answer: Any) -> None:
    server = make_server()
    server.password = "s3cr3t+of/the=account&more"
    notations = [quote(server.password, safe=""), html.escape(server.password), server.password]
    server.answers(answer(400, {"message": " ".join(notations * 3)}))
    with pytest.raises(BulkExportsError) as caught:
        get_job(server.client())
    assert not [notation for notation in notations if notation in str(caught.value)]
