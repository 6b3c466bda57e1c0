"""
A task's log page in Airflow, 1280 pixels wide, as it opens: cause and cure are on it, without scrolling.

Airflow's log view neither wraps nor shortens a line, so what is beyond its right edge is not seen.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import pytest
from support.harness import Airflow
from support.harness.browser import Page, open_page, take_picture
from support.harness.deadlines import wait_until

from airflow_provider_bulkexports.provider_info import CONNECTION_TYPE
from airflow_provider_bulkexports.simulator import SimulatedClock, Simulator

FIRST_DAY, LAST_DAY = "2026-01-01", "2026-01-03"
HEIGHT = 900


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with open_page() as page:
        page.set_viewport_size({"width": 1280, "height": HEIGHT})
        yield page


@pytest.fixture
def twilio(airflow: Airflow, twilio_ports: dict[str, int]) -> Iterator[Simulator]:
    """A simulator whose clock stands still, nine days ago; :func:`now` moves it to the present."""
    nine_days_ago = datetime.now(timezone.utc) - timedelta(days=9)
    with Simulator(clock=SimulatedClock(start=nine_days_ago, speed=0), **twilio_ports) as simulator:
        yield simulator
        airflow.settle()


def now(twilio: Simulator) -> None:
    twilio.clock.advance_to(datetime.now(timezone.utc))


def with_wrong_token(airflow: Airflow, twilio: Simulator) -> None:
    now(twilio)
    fields = {"conn_type": CONNECTION_TYPE, "host": twilio.base_url, "login": twilio.account_sid, "password": "0" * 32}
    airflow.rest("POST", "/connections", json={"connection_id": "twilio_refused_token", **fields})


def with_failed_day(airflow: Airflow, twilio: Simulator) -> None:
    now(twilio)
    twilio.state.fail_day("Messages", "2026-01-02")
    twilio.knobs.queue_seconds = twilio.knobs.seconds_per_day_run = twilio.knobs.error_pause_seconds = 0


def with_spent_quota(airflow: Airflow, twilio: Simulator) -> None:
    now(twilio)
    twilio.state.spend_quota(366)


def without_logical_date(airflow: Airflow, twilio: Simulator) -> None:
    now(twilio)


def without_extra(airflow: Airflow, twilio: Simulator) -> None:
    now(twilio)
    if importlib.util.find_spec("airflow.providers.google"):
        pytest.skip("the extra gcs is installed")


def with_expired_file(airflow: Airflow, twilio: Simulator) -> None:
    twilio.knobs.job_retention_days = 100
    twilio.create_job("Messages", FIRST_DAY, LAST_DAY)
    twilio.finish_jobs()
    now(twilio)


def with_unfinished_job(airflow: Airflow, twilio: Simulator) -> None:
    now(twilio)


@dataclass(frozen=True)
class Failure:
    """
    One way to fail.

    :param prepare: Makes it happen in the next run.
    :param cause: What the page must show, as a regular expression; each may be in a line of its own.
    :param cure: What to do.
    """

    name: str
    dag_id: str
    task_id: str
    prepare: Callable[[Airflow, Simulator], None]
    cause: tuple[str, ...]
    cure: tuple[str, ...]
    state: str = "failed"
    is_paused: bool = False


FAILURES = [
    Failure(
        "wrong token",
        "fails_for_its_token",
        "submit",
        with_wrong_token,
        cause=(r"HTTP 401", r"twilio_refused_token"),
        cure=(r"(check|copy|correct)\b.{0,60}\b(login|password)",),
    ),
    Failure(
        "failed day",
        "fails_for_a_day",
        "wait",
        with_failed_day,
        cause=(r"failed.{0,80}2026-01-02|2026-01-02.{0,80}failed", r"JS[0-9a-f]{32}"),
        cure=(r"\bclear\b|submit(s|ted)? again",),
    ),
    Failure(
        "quota wait",
        "waits_for_quota",
        "submit",
        with_spent_quota,
        cause=(r"waiting until \d{4}-\d\d-\d\d \d\d:\d\d UTC.{0,80}quota",),
        cure=(r"then the task .{0,80}submits",),
        state="deferred",
    ),
    Failure(
        "no logical date",
        "fails_without_a_date",
        "submit",
        without_logical_date,
        cause=(r"no logical date",),
        cure=(r"--logical-date|start_day",),
        is_paused=True,
    ),
    Failure(
        "missing extra",
        "fails_without_its_extra",
        "submit",
        without_extra,
        cause=(r"gs://|Google",),
        cure=(r"pip install '?airflow-provider-bulkexports\[gcs\]",),
    ),
    Failure(
        "expired file",
        "fails_for_an_expired_file",
        "store",
        with_expired_file,
        cause=(r"2026-01-01.{0,40}expired|expired.{0,40}2026-01-01",),
        cure=(r"clear the task that submitted|\b(export|submit)\b.{0,60}\bagain\b",),
    ),
    Failure(
        "time-out",
        "fails_after_its_timeout",
        "wait",
        with_unfinished_job,
        cause=(r"timed out|not (done|final|finished)", r"JS[0-9a-f]{32}"),
        cure=(r"\b(clear|raise|retry|run the task again)\b",),
    ),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.name)
def test_cause_and_cure_are_on_the_page(airflow: Airflow, twilio: Simulator, page: Page, failure: Failure) -> None:
    failure.prepare(airflow, twilio)
    with airflow.unpaused(failure.dag_id) if failure.is_paused else nullcontext():
        run_id = airflow.trigger(failure.dag_id)
        airflow.wait_for_state(
            failure.dag_id, run_id, failure.task_id, {failure.state, "failed", "success"}, timeout=120
        )
        assert airflow.task_instance(failure.dag_id, run_id, failure.task_id)["state"] == failure.state

        page.goto(f"{airflow.url}/dags/{failure.dag_id}/runs/{run_id}/tasks/{failure.task_id}")
        wanted = [re.compile(what, re.IGNORECASE) for what in (*failure.cause, *failure.cure)]
        try:
            wait_until(
                lambda: is_at_rest(page) and all(what.search(text_seen(page)) for what in wanted),
                timeout=30,
                otherwise=lambda: f"{failure.cause} and {failure.cure} among {lines_seen(page)}",
            )
        finally:
            take_picture(page, f"failure {failure.name}")


def text_seen(page: Page) -> str:
    """The messages that can be read on the page without scrolling."""
    return " ".join(map(message_of, lines_seen(page)))


def is_at_rest(page: Page) -> bool:
    """Whether the page neither loads nor scrolls any more."""
    before = lines_seen(page)
    page.wait_for_timeout(1000)
    return lines_seen(page) == before


def lines_seen(page: Page) -> list[str]:
    """The lines of the log that are wholly visible."""
    lines: list[str] = page.evaluate(_LINES_SEEN)
    return lines


def message_of(line: str) -> str:
    """A line of the log without its number, time and level; a long message is several such lines."""
    return re.sub(r"^.*?\b(DEBUG|INFO|WARNING|ERROR|CRITICAL) - ", "", line).strip()


#: Returns the lines of the log that are wholly inside the window, and inside whatever part of the page clips them.
_LINES_SEEN = """
() => {
    const clipped = (element) => {
        const box = {left: 0, top: 0, right: innerWidth, bottom: innerHeight};
        for (let parent = element; parent; parent = parent.parentElement) {
            if (getComputedStyle(parent).overflow === "visible") continue;
            const rect = parent.getBoundingClientRect();
            box.left = Math.max(box.left, rect.left);
            box.top = Math.max(box.top, rect.top);
            box.right = Math.min(box.right, rect.left + parent.clientWidth);
            box.bottom = Math.min(box.bottom, rect.top + parent.clientHeight);
        }
        return box;
    };
    const isSeen = (line) => {
        const range = document.createRange();
        range.selectNodeContents(line);
        const box = clipped(line);
        return [...range.getClientRects()].filter((rect) => rect.width).every((rect) =>
            rect.left >= box.left - 1 && rect.right <= box.right + 1
            && rect.top >= box.top - 1 && rect.bottom <= box.bottom + 1);
    };
    return [...document.querySelectorAll("[data-testid^='virtualized-item-']")].filter(isSeen)
        .map((line) => line.textContent);
}
"""
