"""Pauses follow the interval, Twilio's estimate and the queue position, within their limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.planning.pacing import CompletionEstimate, PollSchedule

SECONDS = st.floats(0, 10**5)


@given(
    interval=SECONDS,
    max_interval=SECONDS,
    seconds_left=st.none() | st.floats(-(10**6), 10**6),
    position=st.none() | st.integers(0, 10**6),
    jitter=st.floats(0, 1),
)
def test_pause_is_between_interval_and_max_interval(
    interval: float, max_interval: float, seconds_left: float | None, position: int | None, jitter: float
) -> None:
    pause = PollSchedule(interval, max_interval).pause(CompletionEstimate(seconds_left, position), jitter=jitter)

    assert interval <= pause <= max(interval, max_interval)


@pytest.mark.parametrize(
    ("estimate", "pause"),
    [
        (CompletionEstimate(), 60),
        (CompletionEstimate(seconds_left=3600), 300),
        (CompletionEstimate(seconds_left=400), 200),
        (CompletionEstimate(seconds_left=90), 60),
        (CompletionEstimate(seconds_left=0), 60),
        (CompletionEstimate(seconds_left=-3600), 60),
        (CompletionEstimate(queue_position=1), 60),
        (CompletionEstimate(queue_position=3), 180),
        (CompletionEstimate(queue_position=1000), 300),
        (CompletionEstimate(seconds_left=10, queue_position=1000), 60),
    ],
    ids=str,
)
def test_pause_follows_estimate_and_queue_position(estimate: CompletionEstimate, pause: float) -> None:
    assert PollSchedule(60, 300).pause(estimate, jitter=0) == pause


def test_max_interval_at_the_interval_turns_estimates_off() -> None:
    assert PollSchedule(60, 60).pause(CompletionEstimate(seconds_left=3600), jitter=0.5) == 60
    assert PollSchedule(60, 0).pause(CompletionEstimate(queue_position=4), jitter=0.5) == 60


def test_pause_does_not_exceed_the_limit_by_rounding() -> None:
    interval, longest = 2690.850054692124, 43207.72337293317
    assert interval + (longest - interval) > longest

    assert PollSchedule(interval, longest).pause(CompletionEstimate(10**6), jitter=0) == longest


def test_jitter_shortens_only_the_stretched_part() -> None:
    assert PollSchedule(60, 300).pause(CompletionEstimate(seconds_left=3600), jitter=1) == pytest.approx(276)
    assert PollSchedule(60, 300).pause(CompletionEstimate(), jitter=1) == 60


def test_polls_come_closer_together_near_the_estimate() -> None:
    left, pauses = 3600.0, []
    while left > 0:
        pauses.append(PollSchedule(60, 300).pause(CompletionEstimate(seconds_left=left), jitter=0))
        left -= pauses[-1]

    assert pauses == sorted(pauses, reverse=True)
    assert pauses[-1] == 60
    assert len(pauses) < 20


def test_retry_after_counts_up_to_a_limit() -> None:
    assert PollSchedule(5).pause_after(1) == 5
    assert PollSchedule(5).pause_after(1, retry_after=90) == 90
    assert PollSchedule(5).pause_after(1, retry_after=10**6) == 300
    assert PollSchedule(600).pause_after(1, retry_after=90) == 600


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), "60", None, True], ids=repr)
def test_invalid_seconds_are_refused(seconds: object) -> None:
    with pytest.raises(BulkExportsInputError, match="poll_interval"):
        PollSchedule(seconds)  # type: ignore[arg-type]
    with pytest.raises(BulkExportsInputError, match="max_poll_interval"):
        PollSchedule(60, seconds)  # type: ignore[arg-type]
