"""The days that a run covers, and its id."""

from __future__ import annotations

import logging
from datetime import date, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from support.airflow import DAG

from airflow_provider_bulkexports.compat import AIRFLOW_VERSION
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.days import DayRange, utc_today
from airflow_provider_bulkexports.tasks.attempts import run_id_of
from airflow_provider_bulkexports.tasks.days import days_to_export, warn_if_not_ready

UTC = timezone.utc
BERLIN = ZoneInfo("Europe/Berlin")
KOLKATA = ZoneInfo("Asia/Kolkata")


def interval(start: datetime, end: datetime) -> dict[str, datetime]:
    return {"data_interval_start": start, "data_interval_end": end}


@pytest.mark.parametrize(
    ("context", "days"),
    [
        pytest.param(
            interval(datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 6, tzinfo=UTC)),
            ("2026-01-05", "2026-01-05"),
            id="daily schedule",
        ),
        pytest.param(
            interval(datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 12, tzinfo=UTC)),
            ("2026-01-05", "2026-01-11"),
            id="weekly schedule",
        ),
        pytest.param(
            interval(datetime(2026, 1, 5, 6, tzinfo=UTC), datetime(2026, 1, 5, 7, tzinfo=UTC)),
            ("2026-01-05", "2026-01-05"),
            id="hourly schedule",
        ),
        pytest.param(
            interval(datetime(2026, 1, 5, 6, tzinfo=UTC), datetime(2026, 1, 6, 6, tzinfo=UTC)),
            ("2026-01-05", "2026-01-06"),
            id="daily at six touches two days",
        ),
        pytest.param(
            interval(datetime(2026, 1, 6, tzinfo=BERLIN), datetime(2026, 1, 7, tzinfo=BERLIN)),
            ("2026-01-05", "2026-01-06"),
            id="a day in Berlin begins at 23:00 UTC",
        ),
        pytest.param(
            interval(datetime(2026, 1, 6, 5, 30, tzinfo=KOLKATA), datetime(2026, 1, 7, 5, 30, tzinfo=KOLKATA)),
            ("2026-01-06", "2026-01-06"),
            id="a UTC day written in Kolkata",
        ),
        pytest.param(
            {
                **interval(datetime(2026, 1, 6, tzinfo=UTC), datetime(2026, 1, 6, tzinfo=UTC)),
                "logical_date": datetime(2026, 1, 6, tzinfo=UTC),
            },
            ("2026-01-06", "2026-01-06"),
            id="cron on Airflow 3: an interval of no length",
        ),
        pytest.param(
            {"logical_date": datetime(2026, 1, 6, 0, 30, tzinfo=BERLIN)},
            ("2026-01-05", "2026-01-05"),
            id="logical date only, in Berlin",
        ),
        pytest.param(
            {"data_interval_start": None, "data_interval_end": None, "logical_date": datetime(2026, 1, 6, tzinfo=UTC)},
            ("2026-01-06", "2026-01-06"),
            id="logical date beside an empty interval",
        ),
        pytest.param(
            {
                **interval(datetime(2026, 11, 25, tzinfo=UTC), datetime(2026, 11, 26, tzinfo=UTC)),
                "logical_date": datetime(2026, 11, 20, tzinfo=UTC),
            },
            ("2026-11-20", "2026-11-20"),
            id="command of Airflow 3: the interval of the present day",
        ),
        pytest.param(
            {
                **interval(datetime(2026, 11, 19, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC)),
                "logical_date": datetime(2026, 11, 20, 7, tzinfo=UTC),
            },
            ("2026-11-19", "2026-11-19"),
            id="form of Airflow 3: the interval before the date",
        ),
        pytest.param({"partition_key": "2026-01-07"}, ("2026-01-07", "2026-01-07"), id="partition key"),
        pytest.param(
            {"dag_run": SimpleNamespace(partition_key="2026-01-07")},
            ("2026-01-07", "2026-01-07"),
            id="partition key of the run",
        ),
        pytest.param(
            {
                **interval(datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 6, tzinfo=UTC)),
                "logical_date": datetime(2026, 1, 6, tzinfo=UTC),
                "partition_key": "2026-01-07",
            },
            ("2026-01-07", "2026-01-07"),
            id="partition key before everything else",
        ),
    ],
)
def test_run_covers_days(context: dict[str, Any], days: tuple[str, str]) -> None:
    wanted = days_to_export(context)

    assert (str(wanted.start), str(wanted.end)) == days


@pytest.mark.parametrize(
    "context", [{}, {"dag_run": SimpleNamespace(partition_key=None)}, {"logical_date": None, "dag_run": None}]
)
def test_run_without_a_date_asks_for_days(context: dict[str, Any]) -> None:
    with pytest.raises(BulkExportsInputError, match=r"Cannot tell which days .* Pass start_day and end_day"):
        days_to_export(context)


def started(run_type: str, **context: Any) -> dict[str, Any]:
    return {"dag_run": SimpleNamespace(run_type=run_type, dag_id="exports", partition_key=None), **context}


@time_machine.travel(datetime(2026, 11, 26, 23, 59, tzinfo=UTC), tick=False)
def test_manual_run_without_a_date_names_commands_that_work_at_once() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    with DAG("exports", schedule="@daily", start_date=start) as daily, pytest.raises(BulkExportsInputError) as refusal:
        days_to_export(started("manual", dag=daily))

    option, backfill = "--logical-date", "backfill create --dag-id exports --from-date 2026-11-18 --to-date 2026-11-24"
    if AIRFLOW_VERSION.startswith("2."):
        option, backfill = "--exec-date", "dags backfill --start-date 2026-11-18 --end-date 2026-11-24 exports"
    assert str(refusal.value) == (
        "Cannot tell which days to export: this run has no logical date, data interval or partition key. Trigger a run "
        f"for a day: `airflow dags trigger {option} 2026-11-24 exports`. For a week: `airflow {backfill}`. "
        'Or pass start_day and end_day, such as start_day="{{ params.day }}".'
    )


def test_dag_without_a_schedule_is_not_backfilled() -> None:
    with DAG("exports", schedule=None) as dag, pytest.raises(BulkExportsInputError) as refusal:
        days_to_export(started("manual", dag=dag))

    assert "airflow dags trigger" in str(refusal.value)
    assert "backfill" not in str(refusal.value)


def test_run_that_assets_started_needs_days() -> None:
    with pytest.raises(BulkExportsInputError, match=r"partition key\. Pass start_day and end_day, such as"):
        days_to_export(started("asset_triggered"))


@pytest.mark.parametrize(
    ("run_type", "day", "warns"),
    [("manual", "2026-11-26", True), ("manual", "2026-11-24", False), ("scheduled", "2026-11-26", False)],
    ids=["today, by hand", "a day that is ready", "today, by the scheduler"],
)
@time_machine.travel(datetime(2026, 11, 26, 12, tzinfo=UTC), tick=False)
def test_run_by_hand_of_a_day_that_is_not_ready_says_what_works_at_once(
    caplog: pytest.LogCaptureFixture, run_type: str, day: str, warns: bool
) -> None:
    warn_if_not_ready(started(run_type), DayRange.parse(day, day), log=logging.getLogger("task"))

    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2 * warns
    assert all("for 2026-11-26, which Twilio exports from 2026-11-28 00:00 UTC on" in line for line in said[:1])
    assert all(line.endswith(" 2026-11-24 exports") for line in said[1:])
    assert all(len(line) <= 85 for line in said)


def test_partition_key_without_a_day_is_rejected() -> None:
    with pytest.raises(BulkExportsInputError, match="partition_key 'eu-west' is not a day"):
        days_to_export({"partition_key": "eu-west"})


def test_explicit_days_override_those_of_the_run() -> None:
    days = days_to_export({"partition_key": "2026-01-07"}, start_day="2026-02-01", end_day=date(2026, 2, 3))

    assert (days.start, days.end) == (date(2026, 2, 1), date(2026, 2, 3))


@pytest.mark.parametrize(
    ("given", "missing"), [({"start_day": "2026-02-01"}, "end_day"), ({"end_day": "2026-02-01"}, "start_day")]
)
def test_one_day_alone_is_rejected(given: dict[str, str], missing: str) -> None:
    with pytest.raises(BulkExportsInputError, match=f"{missing} is missing: pass both days"):
        days_to_export({"partition_key": "2026-01-07"}, **given)


@pytest.mark.parametrize(
    "context",
    [
        {"dag_run": SimpleNamespace(run_id="r1"), "ti": SimpleNamespace(run_id="r2"), "run_id": "r3"},
        {"dag_run": None, "ti": SimpleNamespace(run_id="r1"), "run_id": "r3"},
        {"run_id": "r1"},
    ],
)
def test_run_id_is_found_anywhere_in_the_context(context: dict[str, Any]) -> None:
    assert run_id_of(context) == "r1"


def test_run_id_is_empty_outside_a_run() -> None:
    assert run_id_of({}) == ""


def test_today_is_the_utc_day() -> None:
    before = datetime.now(UTC)

    assert utc_today() in (before.date(), (before + timedelta(seconds=5)).date())
