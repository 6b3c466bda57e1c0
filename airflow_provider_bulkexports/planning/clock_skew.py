"""
Moments of Twilio's calendar, for workers whose clock is not Twilio's.

Twilio's day begins when its clock says so. A worker that is some seconds ahead comes too early, and one refusal must
not cost the day: waits have a margin, tasks that wait for the same midnight are spread, and the ``Date`` header of a
refusal tells how far apart the clocks are.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, timezone

from airflow_provider_bulkexports.exceptions import BulkExportsAPIError, BulkExportsQuotaError
from airflow_provider_bulkexports.model.days import exportable_at
from airflow_provider_bulkexports.planning.quota import CLOCK_MARGIN, quota_renewed_at

__all__ = ["accepted_at", "is_surely_exportable", "next_quota_at", "twilio_time", "wait_after_refusal"]

#: Seconds over which tasks that wait for the same day to become exportable are spread.
_SPREAD = 50

#: For so long after midnight a refusal may mean that it is not midnight yet at Twilio.
_AROUND_MIDNIGHT = timedelta(minutes=10)

#: Clocks that differ by more are not believed to be of the same time: one of them is a proxy's, or wrong.
_CREDIBLE = timedelta(hours=1)

#: Seconds before a refused day is submitted again when nobody knows Twilio's time.
_RETRY_AFTER = 60.0

#: Statuses that never speak of the day.
_OTHER_MEANING = frozenset({401, 403, 404, 405, 408, 429})

_ABOUT_THE_DAY = re.compile(r"\bdays?\b|\bdates?\b|(?:start|end)[ _]?day|\bfuture\b|\brecent\b", re.IGNORECASE)


def is_surely_exportable(end_day: date, *, now: datetime) -> bool:
    """
    Whether Twilio exports the day even if its clock trails ours a little.

    :param now: In UTC.
    """
    return now >= exportable_at(end_day) + timedelta(seconds=CLOCK_MARGIN)


def accepted_at(end_day: date, *, identity: str) -> datetime:
    """
    When to submit a day that Twilio does not export yet: at 00:00 UTC, with a margin; tasks one after the other.

    :param identity: The task's; it is always given the same place.
    """
    return exportable_at(end_day) + timedelta(seconds=CLOCK_MARGIN + int(identity, 16) % _SPREAD)


def wait_after_refusal(error: BulkExportsAPIError, end_day: date, *, now: datetime) -> float | None:
    """
    Seconds after which a refused submission is worth another try, since only the clocks differ.

    :param now: In UTC, by our clock.
    :return: ``None`` if the refusal is about something else.
    """
    if not 400 <= error.status < 500 or error.status in _OTHER_MEANING or isinstance(error, BulkExportsQuotaError):
        return None
    first = exportable_at(end_day)
    if (answered_at := _credible(error.answered_at, now)) and answered_at < first:
        return (first - answered_at).total_seconds() + CLOCK_MARGIN
    is_about_the_day = error.twilio_message is None or _ABOUT_THE_DAY.search(error.twilio_message) is not None
    if is_about_the_day and (answered_at or now) - first < _AROUND_MIDNIGHT:
        return _RETRY_AFTER
    return None


def next_quota_at(refusal: BulkExportsAPIError, *, identity: str, now: datetime) -> datetime:
    """
    When a submission that was refused for the quota is worth another try, by our clock.

    :param now: In UTC, by our clock.
    """
    if answered_at := _credible(refusal.answered_at, now):
        return now + (quota_renewed_at(answered_at, identity=identity) - answered_at)
    midnight = datetime.combine(now.date(), time(), timezone.utc)
    if now - midnight < _AROUND_MIDNIGHT / 2:
        # It may be the day before at Twilio: one more try costs nothing, and waiting until tomorrow a day.
        return quota_renewed_at(midnight - timedelta(seconds=1), identity=identity) + _AROUND_MIDNIGHT / 2
    return quota_renewed_at(now, identity=identity)


def twilio_time(answer: BulkExportsAPIError, *, now: datetime) -> datetime:
    """
    The present by Twilio's clock, as an answer's ``Date`` header tells it; our own if it does not, or is not credible.

    :param now: In UTC, by our clock.
    """
    return _credible(answer.answered_at, now) or now


def _credible(answered_at: datetime | None, now: datetime) -> datetime | None:
    return answered_at if answered_at and abs(now - answered_at) <= _CREDIBLE else None
