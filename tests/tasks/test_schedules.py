"""Schedules whose runs do not cover one UTC day each get advice, at parse time and once a run."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from importlib import import_module
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from support.airflow import DAG

from airflow_provider_bulkexports.compat import AIRFLOW_VERSION
from airflow_provider_bulkexports.operators.bulkexports import CreateExportCustomJobOperator
from airflow_provider_bulkexports.tasks.schedules import BulkExportsScheduleWarning, advice_on_run, advice_on_schedule
from airflow_provider_bulkexports.transfers.bulkexports import BulkExportsToObjectStorageOperator

UTC, BERLIN = timezone.utc, ZoneInfo("Europe/Berlin")
IS_OLD = AIRFLOW_VERSION.startswith("2.")

FINER, COARSER, UNALIGNED = "several runs a day", "less than once a day", "do not begin and end at 00:00 UTC"


def timetable(name: str, *args: Any, **kwargs: Any) -> Any:
    """One of Airflow's timetables, as a DAG file imports it."""
    for module in ("airflow.sdk", "airflow.timetables.trigger", "airflow.timetables.interval"):
        try:
            return getattr(import_module(module), name)(*args, **kwargs)
        except (ImportError, AttributeError):
            continue
    pytest.skip(f"this Airflow has no {name}")


def dag_of(schedule: Any, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> Any:
    return DAG("exports", schedule=schedule, start_date=start)


def intervals(cron: str, zone: str = "UTC") -> Callable[[], Any]:
    return lambda: timetable("CronDataIntervalTimetable", cron, timezone=zone)


def triggers(cron: str, zone: str = "UTC") -> Callable[[], Any]:
    return lambda: timetable("CronTriggerTimetable", cron, timezone=zone)


SCHEDULES: dict[str, tuple[Any, str | None]] = {
    "none": (None, None),
    "once": ("@once", None),
    "daily": ("@daily", None),
    "midnight": ("0 0 * * *", None),
    "every 24 hours": (timedelta(days=1), None),
    "hourly": ("@hourly", FINER),
    "every six hours": ("0 */6 * * *", FINER),
    "every minute": ("* * * * *", FINER),
    "every hour": (timedelta(hours=1), FINER),
    "weekly": ("@weekly", None if IS_OLD else COARSER),
    "monthly": ("@monthly", None if IS_OLD else COARSER),
    "on weekdays": ("0 0 * * 1-5", None if IS_OLD else COARSER),
    "every week": (timedelta(days=7), None if IS_OLD else COARSER),
    "daily at six": ("0 6 * * *", UNALIGNED if IS_OLD else None),
    "weekly intervals": (intervals("0 0 * * 1"), None),
    "monthly intervals": (intervals("0 0 1 * *"), None),
    "hourly intervals": (intervals("0 * * * *"), FINER),
    "intervals at six": (intervals("0 6 * * *"), UNALIGNED),
    "intervals in Berlin": (intervals("0 0 * * *", "Europe/Berlin"), UNALIGNED),
    "UTC days written in Kolkata": (intervals("30 5 * * *", "Asia/Kolkata"), None),
    "at six": (triggers("0 6 * * *"), None),
    "in Berlin": (triggers("0 0 * * *", "Europe/Berlin"), None),
    "weekly runs": (triggers("0 0 * * 1"), COARSER),
    "day-wide intervals at six": (
        lambda: timetable("CronTriggerTimetable", "0 6 * * *", timezone="UTC", interval=timedelta(days=1)),
        UNALIGNED,
    ),
    "partitions": (lambda: timetable("CronPartitionTimetable", "0 * * * *", timezone="UTC"), None),
}

schedules = pytest.mark.parametrize(("schedule", "warned"), SCHEDULES.values(), ids=SCHEDULES)


@schedules
def test_schedule_without_one_day_per_run_gets_advice(schedule: Any, warned: str | None) -> None:
    advice = advice_on_schedule(dag_of(schedule() if callable(schedule) else schedule))

    assert (warned in (advice or "")) if warned else advice is None
    if warned:
        assert "start_day" in str(advice)


@schedules
@pytest.mark.parametrize("kind", [CreateExportCustomJobOperator, BulkExportsToObjectStorageOperator])
def test_schedule_is_checked_when_the_dag_is_parsed(kind: Any, schedule: Any, warned: str | None) -> None:
    needed = {"destination": "file:///tmp/never"} if kind is BulkExportsToObjectStorageOperator else {}

    with warnings.catch_warnings(record=True) as seen, dag_of(schedule() if callable(schedule) else schedule):
        warnings.simplefilter("always")
        kind(task_id="own_days", resource_type="Messages", **needed)
        kind(task_id="given", resource_type="Messages", start_day="{{ ds }}", end_day="{{ ds }}", **needed)

    ours = [str(warning.message) for warning in seen if warning.category is BulkExportsScheduleWarning]
    assert len(ours) == (1 if warned else 0)
    assert all(warned and warned in words and "own_days" in words for words in ours)


def test_repeated_parsing_warns_once() -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("default")
        for _ in range(20):
            with dag_of("@hourly"):
                CreateExportCustomJobOperator(task_id="create", resource_type="Messages")

    assert len([warning for warning in seen if warning.category is BulkExportsScheduleWarning]) == 1


def interval(start: datetime, end: datetime) -> dict[str, Any]:
    return {"data_interval_start": start, "data_interval_end": end, "logical_date": start}


def day(number: int, zone: Any = UTC, hour: int = 0) -> datetime:
    return datetime(2026, 1, number, hour, tzinfo=zone)


RUNS: dict[str, tuple[dict[str, Any], str | None]] = {
    "a day": (interval(day(5), day(6)), None),
    "a week": (interval(day(5), day(12)), None),
    "an hour": (interval(day(5, hour=6), day(5, hour=7)), FINER),
    "from six to six": (interval(day(5, hour=6), day(6, hour=6)), UNALIGNED),
    "a day in Berlin": (interval(day(5, BERLIN), day(6, BERLIN)), UNALIGNED),
    "a partition": ({**interval(day(5, hour=6), day(6, hour=6)), "partition_key": "2026-01-05"}, None),
    "a logical date alone": ({"logical_date": day(5)}, None),
    "nothing": ({}, None),
}


@pytest.mark.parametrize(("context", "warned"), RUNS.values(), ids=RUNS)
def test_run_with_partial_days_gets_advice(context: dict[str, Any], warned: str | None) -> None:
    advice = advice_on_run(context)

    assert (warned in (advice or "")) if warned else advice is None


@pytest.mark.parametrize(("run_type", "warned"), [("scheduled", True), ("backfill", True), ("manual", False)])
def test_run_without_interval_is_checked_by_its_schedule(run_type: str, warned: bool) -> None:
    context = {"logical_date": day(5), "dag": dag_of("@hourly"), "dag_run": SimpleNamespace(run_type=run_type)}

    assert bool(advice_on_run(context)) is warned
