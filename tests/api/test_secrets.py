"""Whatever goes wrong, neither the credentials nor a signed link are in the error, its traceback or any log."""

from __future__ import annotations

import logging
import traceback
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.api.retry import RetryPolicy
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
    """Everything that a log, a report or a person may print of an error."""
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
def test_a_failure_shows_no_secret(
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
def test_a_links_way_through_the_client_leaves_no_trace_in_the_log(
    status: int, server: Any, answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.answers(answer(503, {"message": LINK}), answer(status, {"redirect_to": LINK}, {"Location": LINK}))
    link = get_day_link(server.client())
    logging.getLogger(__name__).debug("%s %r", link, link)
    assert link.url == LINK
    assert caplog.records
    assert "5ec2e7" not in caplog.text


def test_an_unreachable_host_shows_no_query(server: Any) -> None:
    client = server.client(retry=RetryPolicy(max_retries=1, backoff_factor=0.0))
    server.stop()
    with pytest.raises(BulkExportsError) as caught:
        list_jobs(client)
    assert "PageSize=1000" not in shown_by(caught.value)
    assert f"GET {server.url}/v1/Exports/Messages/Jobs?*** got no complete answer" in str(caught.value)
