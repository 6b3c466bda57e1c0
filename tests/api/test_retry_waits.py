"""How long to wait before a retry: growing, with jitter, as Retry-After says, and within a budget."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from urllib3.exceptions import ProtocolError
from urllib3.response import HTTPResponse

from airflow_provider_bulkexports.api.retry import BudgetedRetry, RetryPolicy
from airflow_provider_bulkexports.exceptions import BulkExportsConnectionError, BulkExportsRateLimitError


def naps_of(server: Any, clock: Any, failure: Any, **policy: Any) -> list[float]:
    """Seconds that a call sleeps if every attempt fails in the same way."""
    server.answers(failure)
    with pytest.raises((BulkExportsRateLimitError, BulkExportsConnectionError)):
        server.client(retry=RetryPolicy(**policy)).get_export("Messages")
    return list(clock.naps)


def test_waits_double_and_start_with_the_first(server: Any, clock: Any, answer: Any) -> None:
    naps = naps_of(server, clock, answer(429), max_retries=5, backoff_factor=1.0, max_wait=1000)
    assert len(naps) == 5
    for nap, least in zip(naps, [1, 2, 4, 8, 16], strict=True):
        assert least <= nap <= least + 1


def test_lost_connection_waits_like_an_error_status(server: Any, clock: Any, answer: Any) -> None:
    naps = naps_of(server, clock, answer(drop=True), max_retries=3, backoff_factor=1.0)
    assert all(earlier < later for earlier, later in pairwise(naps))
    assert len(naps) == 3


def test_two_clients_do_not_retry_in_step() -> None:
    failed = RetryPolicy().as_urllib3().increment("GET", "/", error=ProtocolError("reset"))
    waits = {failed.get_backoff_time() for _ in range(20)}
    assert len(waits) > 10
    assert all(0.5 <= wait <= 1.0 for wait in waits)


def test_wait_is_limited(server: Any, clock: Any, answer: Any) -> None:
    naps = naps_of(server, clock, answer(429), max_retries=12, backoff_factor=1.0, max_wait=5.0, budget=1e9)
    assert len(naps) == 12
    assert max(naps) == naps[-1] == 5.0


def test_wait_does_not_overflow_after_many_failures() -> None:
    retry = RetryPolicy().as_urllib3().new(history=(None,) * 5000)
    assert retry.get_backoff_time() == 30.0


NOW = datetime.fromtimestamp(1_790_000_000, timezone.utc)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        (format_datetime(NOW + timedelta(seconds=12), usegmt=True), 12.0),
        (format_datetime((NOW + timedelta(seconds=12)).astimezone(timezone(timedelta(hours=5)))), 12.0),
        ("30", 30.0),
        ("31", 30.0),
        ("86400", 30.0),
        ("99999999999999999999", 30.0),
        (format_datetime(NOW + timedelta(days=365), usegmt=True), 30.0),
    ],
)
def test_retry_after_is_honoured_up_to_the_limit(
    header: str, seconds: float, server: Any, clock: Any, answer: Any
) -> None:
    failure = answer(429, headers={"Retry-After": header})
    assert naps_of(server, clock, failure, max_retries=2, max_wait=30.0)[:1] == [seconds]


@pytest.mark.parametrize(
    "header",
    [
        "",
        "0",
        "-5",
        "soon",
        "1.5",
        "1e9",
        "7 seconds",
        "Wed, 31 Nov 2020 00:00:00 GMT",
        "Wed, 21 Oct 99999 07:28:00 GMT",
        "Wed, 99 Foo 2026 99:99:99 GMT",
        format_datetime(NOW - timedelta(days=1), usegmt=True),
    ],
)
def test_unusable_or_past_retry_after_uses_the_backoff(header: str, server: Any, clock: Any, answer: Any) -> None:
    failure = answer(503, headers={"Retry-After": header})
    server.answers(failure, answer(body={}))
    server.client(retry=RetryPolicy(max_retries=1, backoff_factor=1.0)).get_export("Messages")
    (nap,) = clock.naps
    assert 1.0 <= nap <= 2.0


@given(header=st.text(max_size=40))
@example(header="9" * 5000)
@example(header="Wed, 21 Oct 99999 07:28:00 GMT")
def test_any_retry_after_is_accepted(header: str) -> None:
    response = HTTPResponse(headers={"Retry-After": header}, status=503)
    asked = RetryPolicy().as_urllib3().get_retry_after(response)
    assert asked is None or 0 <= asked <= 30


def test_post_waits_as_long_as_429_asks(server: Any, clock: Any, answer: Any) -> None:
    server.answers(answer(429, headers={"Retry-After": "9"}), answer(body={}))
    server.client(retry=RetryPolicy()).update_configuration("Messages", enabled=True)
    assert clock.naps == [9.0]


@pytest.mark.parametrize(("budget", "tries"), [(0.0, 2), (5.0, 2), (10.1, 3), (25.0, 4), (1e9, 11)])
def test_budget_ends_retries_before_the_count(budget: float, tries: int, server: Any, clock: Any, answer: Any) -> None:
    failure = answer(429, headers={"Retry-After": "10"})
    naps_of(server, clock, failure, max_retries=10, max_wait=10.0, budget=budget)
    assert len(server.received) == tries


def test_budget_ends_lost_connections_too(server: Any, clock: Any, answer: Any) -> None:
    naps_of(server, clock, answer(drop=True), max_retries=100, backoff_factor=1.0, max_wait=10.0, budget=60.0)
    assert 60.0 <= sum(clock.naps) <= 70.0
    assert len(server.received) == len(clock.naps) + 1


def test_every_call_has_its_own_budget(server: Any, clock: Any, answer: Any) -> None:
    client = server.client(retry=RetryPolicy(max_retries=1, budget=5.0))
    for _ in range(3):
        server.answers(answer(503), answer(body={}))
        client.get_export("Messages")
        clock.now += 3600
    assert len(server.received) == 6


def test_copies_keep_limit_and_budget() -> None:
    copy = RetryPolicy(max_wait=3.0, budget=4.0).as_urllib3().new(total=1)
    assert isinstance(copy, BudgetedRetry)
    assert (copy.max_wait, copy.budget, copy.deadline) == (3.0, 4.0, None)


def test_each_retry_has_one_line_and_the_error_names_the_connection(
    server: Any, clock: Any, answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither urllib3 nor `requests` adds lines of its own at the level of tasks."""
    caplog.set_level("INFO")
    server.answers(answer(429, {"message": "Too many requests"}))

    with pytest.raises(BulkExportsRateLimitError) as failure:
        server.client(retry=RetryPolicy(max_retries=2), connection="twilio_main").get_export("Messages")

    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", f"Retrying in {nap:.1f} s (retry {number} of 2): Twilio returned HTTP 429: Too many requests")
        for number, nap in enumerate(clock.naps, start=1)
    ]
    assert failure.value.details["connection"].startswith("twilio_main (")
    assert str(failure.value).index("Retry later") < str(failure.value).index("[connection twilio_main (")
