"""
When Twilio accepts a submission, for workers whose clock differs from Twilio's.

Twilio's day begins by Twilio's clock. A worker whose clock is some seconds ahead submits too early, and that one
rejection must not cost a day. So waits have a margin, tasks that wait for the same midnight are spread, and the
``Date`` header of a rejection shows how far the clocks differ.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, timezone

from airflow_provider_bulkexports.exceptions import BulkExportsAPIError, BulkExportsQuotaError
from airflow_provider_bulkexports.model.days import exportable_at
from airflow_provider_bulkexports.planning.quota import CLOCK_MARGIN, quota_renewed_at

__all__ = ["accepted_at", "is_surely_exportable", "next_quota_at", "twilio_time", "wait_after_refusal"]

#: Seconds over which tasks are spread that wait for the same day to become exportable.
_SPREAD = 50

#: How long after midnight a rejection may mean that it is not midnight yet at Twilio.
_AROUND_MIDNIGHT = timedelta(minutes=10)

#: A larger difference is not skew: one of the clocks is wrong, or a proxy's.
_MAX_SKEW = timedelta(hours=1)

#: Seconds before a rejected day is submitted again if Twilio's time is unknown.
_RETRY_AFTER = 60.0

#: Statuses that are never about the day.
_OTHER_MEANING = frozenset({401, 403, 404, 405, 408, 429})

_ABOUT_THE_DAY = re.compile(r"\bdays?\b|\bdates?\b|(?:start|end)[ _]?day|\bfuture\b|\brecent\b", re.IGNORECASE)


def is_surely_exportable(end_day: date, *, now: datetime) -> bool:
    """
    Whether Twilio exports the day even if its clock is a little behind.

    :param now: In UTC.
    """
    return now >= exportable_at(end_day) + timedelta(seconds=CLOCK_MARGIN)


def accepted_at(end_day: date, *, identity: str) -> datetime:
    """
    When to submit a day that Twilio does not export yet: shortly after 00:00 UTC, tasks one after the other.

    :param identity: The task's; it decides the task's place in that order.
    """
    return exportable_at(end_day) + timedelta(seconds=CLOCK_MARGIN + int(identity, 16) % _SPREAD)


def wait_after_refusal(error: BulkExportsAPIError, end_day: date, *, now: datetime) -> float | None:
    """
    Seconds after which to repeat a submission that was rejected only because the clocks differ.

    :param now: In UTC, by our clock.
    :return: ``None`` if the rejection is about something else.
    """
    if not 400 <= error.status < 500 or error.status in _OTHER_MEANING or isinstance(error, BulkExportsQuotaError):
        return None
    first = exportable_at(end_day)
    if (answered_at := _plausible(error.answered_at, now)) and answered_at < first:
        return (first - answered_at).total_seconds() + CLOCK_MARGIN
    is_about_the_day = error.twilio_message is None or _ABOUT_THE_DAY.search(error.twilio_message) is not None
    if is_about_the_day and (answered_at or now) - first < _AROUND_MIDNIGHT:
        return _RETRY_AFTER
    return None


def next_quota_at(refusal: BulkExportsAPIError, *, identity: str, now: datetime) -> datetime:
    """
    When to repeat a submission that was rejected for the quota, by our clock.

    :param now: In UTC, by our clock.
    """
    if answered_at := _plausible(refusal.answered_at, now):
        return now + (quota_renewed_at(answered_at, identity=identity) - answered_at)
    midnight = datetime.combine(now.date(), time(), timezone.utc)
    if now - midnight < _AROUND_MIDNIGHT / 2:
        # It may still be yesterday at Twilio. Another attempt costs nothing; waiting until tomorrow costs a day.
        return quota_renewed_at(midnight - timedelta(seconds=1), identity=identity) + _AROUND_MIDNIGHT / 2
    return quota_renewed_at(now, identity=identity)


def twilio_time(error: BulkExportsAPIError, *, now: datetime) -> datetime:
    """
    The present by Twilio's clock, from a response's ``Date`` header; our own if the header is missing or implausible.

    :param now: In UTC, by our clock.
    """
    return _plausible(error.answered_at, now) or now


def _plausible(answered_at: datetime | None, now: datetime) -> datetime | None:
    return answered_at if answered_at and abs(now - answered_at) <= _MAX_SKEW else None
