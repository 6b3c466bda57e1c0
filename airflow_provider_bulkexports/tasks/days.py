"""The days that a run covers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from airflow_provider_bulkexports.compat import Log, backfill_command, trigger_command
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.days import (
    DayRange,
    explicit_days,
    exportable_at,
    newest_exportable_day,
    utc_today,
)
from airflow_provider_bulkexports.planning.partition_keys import days_of_key
from airflow_provider_bulkexports.tasks.schedules import is_scheduled

__all__ = ["days_covered_by_run", "days_to_export", "warn_if_not_ready"]


def days_to_export(context: Mapping[str, Any], *, start_day: object = None, end_day: object = None) -> DayRange:
    """
    Return the explicit days, or else those that the run covers.

    :param start_day: First UTC day, inclusive.
    :param end_day: Last UTC day, inclusive.
    :raises BulkExportsInputError: if only one is given, one is not a day, or the run covers none.
    """
    return explicit_days(start_day, end_day) or days_covered_by_run(context)


def days_covered_by_run(context: Mapping[str, Any]) -> DayRange:
    """
    Return the UTC days of a run: of its partition key; else its data interval, end exclusive; else its logical date.

    On Airflow 3 the data interval of a cron schedule is empty by default; then the logical date counts. It also does if
    the interval is after it. Manual, asset-triggered and partitioned runs may have neither.

    :raises BulkExportsInputError: if the run has none of them.
    """
    run = context.get("dag_run")
    if key := context.get("partition_key") or getattr(run, "partition_key", None):
        return days_of_key(key)
    start, end = context.get("data_interval_start"), context.get("data_interval_end")
    logical_date = context.get("logical_date")
    # On Airflow 3, `dags trigger --logical-date` takes the data interval from the present moment.
    is_earlier = isinstance(logical_date, datetime) and isinstance(start, datetime) and logical_date < start
    if isinstance(start, datetime) and isinstance(end, datetime) and start < end and not is_earlier:
        return DayRange(_utc(start).date(), (_utc(end) - timedelta(microseconds=1)).date())
    if isinstance(logical_date, datetime):
        day = _utc(logical_date).date()
        return DayRange(day, day)
    raise BulkExportsInputError(
        "Cannot tell which days to export: this run has no logical date, data interval or partition key",
        remedy=_how_to_say_days(context),
    )


def warn_if_not_ready(context: Mapping[str, Any], days: DayRange, *, log: Log) -> None:
    """Log what to do instead, if a run triggered by hand covers days that Twilio exports only later."""
    if _run_type(context) == "manual" and days.end > newest_exportable_day(today := utc_today()):
        log.warning(
            "Triggered by hand for %s, which Twilio exports from %s UTC on",
            days,
            f"{exportable_at(days.end):%Y-%m-%d %H:%M}",
        )
        log.warning("For a day that is ready now: %s", trigger_command(_dag_id(context), newest_exportable_day(today)))


def _how_to_say_days(context: Mapping[str, Any]) -> str:
    """Commands that work at once, as far as the DAG has a schedule, and arguments that do for every run."""
    arguments = 'start_day and end_day, such as start_day="{{ params.day }}"'
    if _run_type(context) != "manual":
        return f"Pass {arguments}."
    last, dag_id = newest_exportable_day(utc_today()), _dag_id(context)
    advice = f"Trigger a run for a day: `{trigger_command(dag_id, last)}`."
    if is_scheduled(context.get("dag")):
        advice += f" For a week: `{backfill_command(dag_id, last - timedelta(days=6), last)}`."
    return f"{advice} Or pass {arguments}."


def _run_type(context: Mapping[str, Any]) -> str:
    kind = getattr(context.get("dag_run"), "run_type", None)
    return str(getattr(kind, "value", kind))


def _dag_id(context: Mapping[str, Any]) -> str:
    """Id of the run's DAG; what to put in its place outside a run."""
    ids = (getattr(context.get(holder), "dag_id", None) for holder in ("dag_run", "ti", "dag"))
    return next((str(dag_id) for dag_id in ids if dag_id), "<dag id>")


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(timezone.utc)
