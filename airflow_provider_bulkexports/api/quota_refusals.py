"""
Recognise submissions that were refused because of the daily quota.

Twilio documents neither the status nor the code nor the text of this refusal. So the text decides, and an unclear one
does not count as quota: a task that fails at once with Twilio's text is better than one that waits for a midnight that
changes nothing.

| Response | Quota? | Why |
|---|---|---|
| 401, 404, 405, 5xx | never | these have documented meanings |
| text about a rate or concurrency | never | the documented meaning of 429, which passes within minutes |
| "quota", "daily limit" and the like | yes | Twilio counts nothing else in days |
| "exceeded", "too many", "per day", "366" | unless it names a date or a parameter | waiting corrects no EndDay |
| anything else | no | |
"""

from __future__ import annotations

import re

from airflow_provider_bulkexports.exceptions import BulkExportsAPIError, BulkExportsQuotaError
from airflow_provider_bulkexports.model.plain import with_full_stop

__all__ = ["QUOTA_REMEDY", "as_quota_error", "is_quota_refusal"]

#: What such a refusal means, and what to do.
QUOTA_REMEDY = (
    "Run the task after 00:00 UTC, or let it wait (wait_for_quota=True): "
    "the account and its subaccounts can request at most 366 days of data per UTC day."
)

_OTHER_MEANING = frozenset({401, 404, 405})

_RATE = re.compile(r"\brate\b|\bconcurren|\bper (?:second|minute|hour)\b|\btoo many requests\b", re.IGNORECASE)
_QUOTA = re.compile(
    r"\bquota\b|\b(?:daily|day) (?:export )?(?:limit|maximum|allowance)\b"
    r"|\b(?:days remaining|remaining (?:export )?days)\b",
    re.IGNORECASE,
)
_EXCESS = re.compile(
    r"\bexceed(?:s|ed|ing)?\b|\btoo many\b|\blimit\b.{0,40}\breached\b|\breached\b.{0,40}\blimit\b|\b366\b"
    r"|\b(?:per|each|every|in a|in one) (?:single )?(?:utc |calendar )?(?:day|24[ -]hour)",
    re.IGNORECASE | re.DOTALL,
)
_OTHER_SUBJECT = re.compile(
    r"start[ _]?day|end[ _]?day|\bdates?\b|\bfuture\b|\brecent\b|friendly[ _]?name|webhook|e-?mail|\bparameter\b"
    r"|\bcharacters?\b|\blength\b|\bpermission\b",
    re.IGNORECASE,
)


def is_quota_refusal(status: int, words: str | None) -> bool:
    """
    Whether the response to a submission says that the quota of this UTC day is used up.

    :param status: HTTP status.
    :param words: Twilio's message.
    """
    if not 400 <= status < 500 or status in _OTHER_MEANING or not words or _RATE.search(words):
        return False
    if _QUOTA.search(words):
        return True
    return _EXCESS.search(words) is not None and _OTHER_SUBJECT.search(words) is None


def as_quota_error(error: BulkExportsAPIError, *, why: str) -> BulkExportsQuotaError:
    """
    Turn another refusal into one of the quota.

    :param why: Sentence that says why it must be the quota.
    """
    return error.restated(f"{with_full_stop(error.what)} {why}", BulkExportsQuotaError, remedy=QUOTA_REMEDY)
