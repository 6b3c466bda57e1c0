"""Clocks that differ a little cost seconds, not the day."""

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
ME = "3f9c0a12be"


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def refusal(
    words: str | None = "EndDay is too recent", *, status: int = 400, answered_at: datetime | None = None
) -> BulkExportsAPIError:
    return BulkExportsAPIError("refused", status=status, twilio_message=words, answered_at=answered_at)


def test_a_day_is_submitted_some_seconds_after_midnight_and_one_task_after_the_other() -> None:
    moments = {accepted_at(DAY, identity=f"{number * 7919:010x}") for number in range(30)}

    assert len(moments) > 20
    assert all(seconds(5) <= moment - MIDNIGHT <= seconds(60) for moment in moments)
    assert not is_surely_exportable(DAY, now=MIDNIGHT + seconds(4))
    assert is_surely_exportable(DAY, now=MIDNIGHT + seconds(5))


def test_twilio_s_date_tells_how_long_to_wait() -> None:
    found = wait_after_refusal(refusal(answered_at=MIDNIGHT - seconds(20)), DAY, now=MIDNIGHT + seconds(10))

    assert found is not None
    assert 20 <= found <= 30


@pytest.mark.parametrize("words", ["EndDay is too recent", "The date lies in the future", "no such day", None])
@pytest.mark.parametrize(
    "answered_at", [None, MIDNIGHT + seconds(5), datetime(2020, 1, 1, tzinfo=timezone.utc)], ids=str
)
def test_a_refusal_within_minutes_of_midnight_is_waited_out(words: str | None, answered_at: datetime | None) -> None:
    assert wait_after_refusal(refusal(words, answered_at=answered_at), DAY, now=MIDNIGHT + seconds(30)) == 60
    assert wait_after_refusal(
        refusal(words, answered_at=answered_at), DAY, now=MIDNIGHT + timedelta(hours=2)
    ) is None or (answered_at == MIDNIGHT + seconds(5))


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
def test_other_refusals_are_not_about_the_day(status: int) -> None:
    assert wait_after_refusal(refusal(status=status, answered_at=MIDNIGHT - seconds(1)), DAY, now=MIDNIGHT) is None


def test_words_about_something_else_are_final_if_twilio_s_day_has_begun() -> None:
    said = refusal("WebhookUrl is not a valid URL", answered_at=MIDNIGHT + seconds(3))

    assert wait_after_refusal(said, DAY, now=MIDNIGHT + seconds(3)) is None


def test_an_old_day_that_is_refused_is_refused() -> None:
    assert wait_after_refusal(refusal(), date(2026, 1, 1), now=MIDNIGHT + seconds(3)) is None


def spent(answered_at: datetime | None) -> BulkExportsQuotaError:
    return BulkExportsQuotaError("spent", status=400, answered_at=answered_at)


def test_a_quota_refused_just_before_twilio_s_midnight_is_renewed_now_and_not_tomorrow() -> None:
    ahead = MIDNIGHT + seconds(2)

    moment = next_quota_at(spent(MIDNIGHT - seconds(3)), identity=ME, now=ahead)

    assert seconds(5) < moment - ahead < seconds(320)


def test_without_twilio_s_date_a_refusal_right_after_midnight_is_tried_once_more_today() -> None:
    moment = next_quota_at(spent(None), identity=ME, now=MIDNIGHT + seconds(2))
    assert seconds(300) < moment - MIDNIGHT < seconds(620)

    assert next_quota_at(spent(None), identity=ME, now=moment) > MIDNIGHT + timedelta(days=1)


def test_a_worker_behind_twilio_waits_for_twilio_s_midnight() -> None:
    now = MIDNIGHT - seconds(60)

    moment = next_quota_at(spent(MIDNIGHT + seconds(30)), identity=ME, now=now)

    assert moment - now > timedelta(hours=23)
