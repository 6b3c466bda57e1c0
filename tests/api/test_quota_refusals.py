"""Which refusals of a submission are about the quota of days; unclear ones are not."""

from __future__ import annotations

import pytest

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.api.quota_refusals import is_quota_refusal
from airflow_provider_bulkexports.exceptions import BulkExportsAPIError, BulkExportsQuotaError
from airflow_provider_bulkexports.simulator import Fault, Simulator

QUOTA = [
    "Daily limit of 366 export days exceeded for account AC1: 360 requested, 7 more asked for",
    "You have exceeded your quota",
    "Quota exceeded for the requested date range",
    "Export quota reached. Try again tomorrow.",
    "Too many days requested",
    "You may request at most 366 days per day",
    "Only 366 days can be requested in a 24 hour period",
    "The limit for this account was reached",
    "Day limit exceeded: 0 days remaining",
    "DAILY MAXIMUM EXCEEDED",
]

OTHER = [
    "EndDay must be at least two days before the current UTC day",
    "EndDay exceeds the latest exportable day",
    "end_day is too recent: at most 2 days ago",
    "The end date exceeds the limit",
    "Date range exceeds 366 days",
    "StartDay must not be after EndDay",
    "Missing required parameter FriendlyName in the post body",
    "FriendlyName exceeds the maximum length of 64 characters",
    "WebhookUrl and WebhookMethod must be given together",
    "Email limit exceeded",
    "Too Many Requests",
    "Rate limit exceeded",
    "Concurrency quota exceeded",
    "Limit of 100 requests per second exceeded",
    "You do not have permission to perform this action",
    "Invalid parameter",
    "Bad Request",
    "",
    None,
]


@pytest.mark.parametrize("status", [400, 403, 409, 422, 429])
@pytest.mark.parametrize("words", QUOTA)
def test_text_about_used_up_days_is_a_quota_refusal(status: int, words: str) -> None:
    assert is_quota_refusal(status, words)


@pytest.mark.parametrize("status", [400, 403, 409, 422, 429])
@pytest.mark.parametrize("words", OTHER)
def test_text_about_dates_parameters_or_rates_is_not(status: int, words: str | None) -> None:
    assert not is_quota_refusal(status, words)


@pytest.mark.parametrize("status", [200, 302, 401, 404, 405, 500, 503])
@pytest.mark.parametrize("words", QUOTA)
def test_status_with_a_documented_meaning_is_not(status: int, words: str) -> None:
    assert not is_quota_refusal(status, words)


@pytest.mark.parametrize("status", [400, 403, 429])
def test_client_error_says_when_the_quota_renews(sim: Simulator, client: BulkExportsClient, status: int) -> None:
    sim.knobs.quota_exceeded = type(sim.knobs.quota_exceeded)(status, 20001)
    sim.state.spend_quota(366)

    with pytest.raises(BulkExportsQuotaError) as refusal:
        client.create_job("Calls", start_day="2026-01-01", end_day="2026-01-01", friendly_name="x")

    assert refusal.value.status == status
    assert refusal.value.is_transient is (status == 429)
    assert "Daily limit of 366 export days exceeded" in str(refusal.value)
    assert f"response HTTP {status}, Twilio error 20001, request RQ" in str(refusal.value)
    assert "Run the task after 00:00 UTC" in str(refusal.value)


def test_only_submissions_raise_quota_errors(sim: Simulator, client: BulkExportsClient) -> None:
    sim.faults.add(Fault(status=400, body={"message": "Quota exceeded"}))

    with pytest.raises(BulkExportsAPIError) as refusal:
        client.get_export("Messages")

    assert not isinstance(refusal.value, BulkExportsQuotaError)
