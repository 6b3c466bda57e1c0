"""
Which requests are retried, and after how long.

| Failure | GET, DELETE | POST |
|---|---|---|
| 429 (Twilio: "the request was not processed") | retry | retry |
| could not connect | retry | retry |
| sent, but no complete response in time | retry | never: the job may exist |
| 408, 421, 425, 500, 502, 503, 504, 507, 520 to 529 | retry | never |
| a redirect, HTML or broken JSON, an unexpected shape, a response about something else | retry | never |
| an untrusted certificate, an invalid address | never | never |
| any other status | never | never |

One rule for every operation: a failure counts the same before and after the headers of a response. An error that
remains is transient, so that waits and tasks continue, except in the last two rows (where 5xx is transient, too).
408, 421 and 425 mean that the request was not processed. But a proxy says so, not Twilio, so a POST is not repeated
after them: its job is looked up.

Waits grow exponentially with jitter, follow ``Retry-After`` in both its forms up to a limit, and end with a budget.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from urllib3.exceptions import HTTPError, InvalidHeader
from urllib3.response import BaseHTTPResponse
from urllib3.util.retry import Retry

__all__ = ["BudgetedRetry", "RetryPolicy", "requested_wait"]

_RETRY_IF_IDEMPOTENT = frozenset({408, 421, 425, 500, 502, 503, 504, 507, *range(520, 530)})
_RETRY_ALWAYS = 429
_IDEMPOTENT = frozenset({"GET", "DELETE"})

#: More than any sensible wait needs, and far below where a float overflows.
_MAX_DOUBLINGS = 60


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """
    Retry settings of one API call.

    :param max_retries: Retries after the first attempt; ``0`` disables them.
    :param backoff_factor: Seconds that the exponential wait starts with, and the width of its jitter.
    :param max_wait: Longest single wait in seconds, also if ``Retry-After`` asks for more.
    :param budget: Seconds after the first failure in which another retry may start.
    """

    max_retries: int = 5
    backoff_factor: float = 0.5
    max_wait: float = 30.0
    budget: float = 120.0

    def backoff(self, failures: int) -> float:
        """Seconds to wait before the next attempt, after this many consecutive failures."""
        return _backoff(failures, self.backoff_factor, self.max_wait)

    def as_urllib3(self) -> BudgetedRetry:
        """Make the counter of one call's failures."""
        return BudgetedRetry(
            total=self.max_retries,
            redirect=False,
            allowed_methods=_IDEMPOTENT,
            status_forcelist=_RETRY_IF_IDEMPOTENT,
            backoff_factor=self.backoff_factor,
            raise_on_status=False,
            max_wait=self.max_wait,
            budget=self.budget,
        )


def _backoff(failures: int, factor: float, max_wait: float) -> float:
    """Seconds before the next attempt: doubled by every failure after the first, with jitter up to ``factor``."""
    grown = factor * 2.0 ** min(max(failures - 1, 0), _MAX_DOUBLINGS)
    return min(grown + random.uniform(0, factor), max_wait)


def requested_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait that a response asks for (``Retry-After``); ``None`` if it has none that can be read."""
    value = headers.get("Retry-After")
    try:
        return None if value is None else Retry().parse_retry_after(value)
    except (InvalidHeader, OverflowError, ValueError):  # a date in the year 99999 is a ValueError
        return None


class BudgetedRetry(Retry):
    """
    urllib3's retry with a limit on ``Retry-After`` and a budget in seconds.

    :param max_wait: Longest single wait in seconds.
    :param budget: Seconds after the first failure in which another retry may start.
    :param deadline: Monotonic time at which the budget ends; set by the first failure.
    """

    def __init__(
        self, *args: Any, max_wait: float, budget: float, deadline: float | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.max_wait = max_wait
        self.budget = budget
        self.deadline = deadline

    def new(self, **kwargs: Any) -> BudgetedRetry:
        """Copy, as urllib3 does after every failure, without losing the budget."""
        kwargs = {"max_wait": self.max_wait, "budget": self.budget, "deadline": self.deadline} | kwargs
        return super().new(**kwargs)

    def after(
        self,
        method: str,
        *,
        response: BaseHTTPResponse | None = None,
        error: HTTPError | None = None,
        announce: Callable[[float, int], None] = lambda seconds, number: None,
    ) -> BudgetedRetry | None:
        """
        Count a failure, and sleep until the next attempt is due; ``None`` if there is none.

        :param response: Response with an error status.
        :param error: What happened, without a usable response.
        :param announce: Called before the sleep, with its seconds and the number of the retry.
        """
        if response is not None and not self.is_retry(method, response.status, "Retry-After" in response.headers):
            return None
        try:
            counted = self.increment(method, "", response, error)
        except HTTPError:  # urllib3's way to say that no retries are left, or that this verb has none
            return None
        seconds = (response is not None and self.get_retry_after(response)) or counted.get_backoff_time()
        announce(seconds, len(counted.history))
        if seconds > 0:
            time.sleep(seconds)
        return counted

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> BudgetedRetry:
        """Count a failure. The first one starts the budget; one after the end of the budget is the last."""
        if self.total and (self._is_spent() or (error is not None and self._may_have_been_processed(method, error))):
            return self.new(total=0).increment(method, url, response, error, *args, **kwargs)
        counted = super().increment(method, url, response, error, *args, **kwargs)
        if counted.deadline is None:
            counted.deadline = time.monotonic() + self.budget
        return counted

    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:
        """Decide by status: 429 for every verb, server errors only where a retry is harmless."""
        if not self.total or self._is_spent():
            return False
        if status_code == _RETRY_ALWAYS:
            return True
        return status_code in _RETRY_IF_IDEMPOTENT and super().is_retry(method, status_code, has_retry_after)

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        """Seconds that the response asks for, at most ``max_wait``; ``None`` for an unreadable header."""
        seconds = requested_wait(response.headers)
        return None if seconds is None else min(seconds, self.max_wait)

    def get_backoff_time(self) -> float:
        """Seconds before the next attempt; urllib3 would not wait before the first retry."""
        return _backoff(len(self.history), self.backoff_factor, self.max_wait)

    def _may_have_been_processed(self, method: str | None, error: Exception) -> bool:
        """Whether a retry could act twice. urllib3 retries every verb after a TLS error, sent or not."""
        return not self._is_connection_error(error) and not self._is_method_retryable(method or "")

    def _is_spent(self) -> bool:
        return self.deadline is not None and time.monotonic() >= self.deadline
