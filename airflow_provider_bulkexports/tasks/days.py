"""The days that a run covers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.days import DayRange, explicit_days
from airflow_provider_bulkexports.planning.partition_keys import days_of_key

__all__ = ["days_covered_by_run", "days_to_export"]


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

    On Airflow 3 the data interval of a cron schedule is empty by default; then the logical date counts. Manual,
    asset-triggered and partitioned runs may have neither.

    :raises BulkExportsInputError: if the run has none of them.
    """
    run = context.get("dag_run")
    if key := context.get("partition_key") or getattr(run, "partition_key", None):
        return days_of_key(key)
    start, end = context.get("data_interval_start"), context.get("data_interval_end")
    if isinstance(start, datetime) and isinstance(end, datetime) and start < end:
        return DayRange(_utc(start).date(), (_utc(end) - timedelta(microseconds=1)).date())
    if isinstance(logical_date := context.get("logical_date"), datetime):
        day = _utc(logical_date).date()
        return DayRange(day, day)
    raise BulkExportsInputError(
        "Cannot tell which days to export: this run has no partition key, data interval or logical date. Pass "
        "start_day and end_day, for example from the run's configuration: start_day=\"{{ dag_run.conf['day'] }}\""
    )


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(timezone.utc)
