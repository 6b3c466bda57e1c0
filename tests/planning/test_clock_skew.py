"""Clocks that differ a little delay a submission by seconds, not by a day."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest

from airflow_provider_bulkexports.exceptions import BulkExportsAPIError, BulkExportsQuotaError
from airflow_provider_bulkexports.planning.clock_skew import (
    accepted_at,
    is_surely_exportable,
    next_quota_at,
    wait_after_refusal,
)

DAY = date(2026, 11, 22)
MIDNIGHT = datetime(2026, 11, 24, tzinfo=timezone.utc)
IDENTITY = "3f9c0a12be"


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def rejection(
    words: str | None = "EndDay is too recent", *, status: int = 400, answered_at: datetime | None = None
) -> BulkExportsAPIError:
    return BulkExportsAPIError("refused", status=status, twilio_message=words, answered_at=answered_at)


def test_submissions_are_spread_over_a_minute_after_midnight() -> None:
    moments = {accepted_at(DAY, identity=f"{number * 7919:010x}") for number in range(30)}

    assert len(moments) > 20
    assert all(seconds(5) <= moment - MIDNIGHT <= seconds(60) for moment in moments)
    assert not is_surely_exportable(DAY, now=MIDNIGHT + seconds(4))
    assert is_surely_exportable(DAY, now=MIDNIGHT + seconds(5))


def test_date_header_decides_how_long_to_wait() -> None:
    found = wait_after_refusal(rejection(answered_at=MIDNIGHT - seconds(20)), DAY, now=MIDNIGHT + seconds(10))

    assert found is not None
    assert 20 <= found <= 30


@pytest.mark.parametrize("words", ["EndDay is too recent", "The date lies in the future", "no such day", None])
@pytest.mark.parametrize(
    "answered_at", [None, MIDNIGHT + seconds(5), datetime(2020, 1, 1, tzinfo=timezone.utc)], ids=str
)
def test_rejection_near_midnight_is_repeated_after_a_minute(words: str | None, answered_at: datetime | None) -> None:
    error = rejection(words, answered_at=answered_at)

    assert wait_after_refusal(error, DAY, now=MIDNIGHT + seconds(30)) == 60
    assert wait_after_refusal(error, DAY, now=MIDNIGHT + timedelta(hours=2)) is None


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
def test_statuses_of_other_meaning_are_not_repeated(status: int) -> None:
    assert wait_after_refusal(rejection(status=status, answered_at=MIDNIGHT - seconds(1)), DAY, now=MIDNIGHT) is None


def test_rejection_for_another_reason_is_final() -> None:
    said = rejection("WebhookUrl is not a valid URL", answered_at=MIDNIGHT + seconds(3))

    assert wait_after_refusal(said, DAY, now=MIDNIGHT + seconds(3)) is None


def test_rejection_of_an_old_day_is_final() -> None:
    assert wait_after_refusal(rejection(), date(2026, 1, 1), now=MIDNIGHT + seconds(3)) is None


def spent(answered_at: datetime | None) -> BulkExportsQuotaError:
    return BulkExportsQuotaError("spent", status=400, answered_at=answered_at)


def test_quota_rejected_just_before_midnight_renews_within_minutes() -> None:
    ahead = MIDNIGHT + seconds(2)

    moment = next_quota_at(spent(MIDNIGHT - seconds(3)), identity=IDENTITY, now=ahead)

    assert seconds(5) < moment - ahead < seconds(320)


def test_quota_rejected_right_after_midnight_is_retried_once_today() -> None:
    moment = next_quota_at(spent(None), identity=IDENTITY, now=MIDNIGHT + seconds(2))
    assert seconds(300) < moment - MIDNIGHT < seconds(620)

    assert next_quota_at(spent(None), identity=IDENTITY, now=moment) > MIDNIGHT + timedelta(days=1)


def test_slow_worker_waits_for_midnight_at_twilio() -> None:
    now = MIDNIGHT - seconds(60)

    moment = next_quota_at(spent(MIDNIGHT + seconds(30)), identity=IDENTITY, now=now)

    assert moment - now > timedelta(hours=23)
