"""Find schedules whose runs do not cover one UTC day each, and say what to write instead."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from airflow_provider_bulkexports.compat import BaseOperator, Log

__all__ = [
    "BulkExportsScheduleWarning",
    "advice_on_run",
    "advice_on_schedule",
    "is_scheduled",
    "warn_at_parse_time",
    "warn_in_run",
]

_DAY = timedelta(days=1)

#: Airflow's own names for cron expressions.
_PRESETS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 */3 *",
    "@yearly": "0 0 1 1 *",
}

_FINER = (
    "{schedule} starts several runs a day, and each exports and pays for the same UTC day. Run the export once a day "
    "(schedule='0 0 * * *', in UTC), or pass start_day and end_day"
)
_COARSER = (
    "{schedule} runs less than once a day, but each run exports a single UTC day. Pass "
    'start_day and end_day, such as "{{{{ macros.ds_add(ds, -7) }}}}" and "{{{{ macros.ds_add(ds, -1) }}}}" for a '
    "week, or schedule with CronDataIntervalTimetable(…, timezone='UTC'), whose runs cover all days since the last run"
)
_UNALIGNED = (
    "{schedule} has data intervals that do not begin and end at 00:00 UTC. A run exports each UTC day that it touches, "
    "so consecutive runs both export and pay for the day they share. Use schedule='0 0 * * *' in UTC, or pass the day: "
    'start_day and end_day = "{{{{ data_interval_start | ds }}}}"'
)


class BulkExportsScheduleWarning(UserWarning):
    """The runs of a DAG do not cover one UTC day each."""


@dataclass(frozen=True, slots=True)
class _Cron:
    """
    The days of a cron expression.

    :param minute_of_day: When it fires; ``None`` if it fires several times a day.
    :param is_daily: Whether it fires on every day.
    """

    minute_of_day: int | None
    is_daily: bool


def warn_at_parse_time(task: BaseOperator) -> None:
    """Warn of the schedule of a task's DAG; for tasks whose days come from the run."""
    if task.has_dag() and (advice := advice_on_schedule(task.dag)):
        warnings.warn(f"Task {task.task_id}: {advice}.", BulkExportsScheduleWarning, stacklevel=2)


def warn_in_run(context: Mapping[str, Any], *, log: Log) -> None:
    """Log, once a run, that its schedule misses days or pays for them twice."""
    if advice := advice_on_run(context):
        log.warning("%s.", advice)


def advice_on_run(context: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the days that a run covers; ``None`` if nothing is."""
    run, dag = context.get("dag_run"), context.get("dag")
    if context.get("partition_key") or getattr(run, "partition_key", None):
        return None
    start, end = context.get("data_interval_start"), context.get("data_interval_end")
    if isinstance(start, datetime) and isinstance(end, datetime) and start < end:
        name = _name(dag) or "The schedule"
        if end - start < _DAY:
            return _FINER.format(schedule=name)
        return None if _is_midnight(start) and _is_midnight(end) else _UNALIGNED.format(schedule=name)
    is_manual = str(getattr(getattr(run, "run_type", None), "value", getattr(run, "run_type", ""))) == "manual"
    return None if is_manual or dag is None else advice_on_schedule(dag)


def advice_on_schedule(dag: Any) -> str | None:
    """Return what is wrong with the days that a DAG's runs cover, judged by its schedule; ``None`` if nothing is."""
    timetable = getattr(dag, "timetable", None)
    name = _name(dag)
    if timetable is None or name is None or "Partition" in type(timetable).__name__:
        return None
    has_intervals = "DataInterval" in type(timetable).__name__ or bool(_field(timetable, "interval"))
    delta = _field(timetable, "delta")
    if isinstance(delta, timedelta):
        if delta < _DAY:
            return _FINER.format(schedule=name)
        return _COARSER.format(schedule=name) if delta > _DAY and not has_intervals else None
    cron = _read_cron(_field(timetable, "expression"))
    if cron is None:
        return None
    if cron.minute_of_day is None:
        return _FINER.format(schedule=name)
    if has_intervals:
        is_aligned = _is_midnight_in_utc(cron.minute_of_day, _field(timetable, "timezone"))
        return None if is_aligned else _UNALIGNED.format(schedule=name)
    return None if cron.is_daily else _COARSER.format(schedule=name)


def is_scheduled(dag: Any) -> bool:
    """Whether a DAG runs at regular times, so that it can be backfilled."""
    return _name(dag) is not None


def _name(dag: Any) -> str | None:
    timetable = getattr(dag, "timetable", None)
    if timetable is None:
        return None
    what = _field(timetable, "expression") or _field(timetable, "delta")
    if what is None:
        return None
    zone = _field(timetable, "timezone")
    where = f" in {getattr(zone, 'name', zone)}" if zone else ""
    return f"The schedule '{what}'{where}"


def _field(timetable: Any, name: str) -> Any:
    """Read a timetable's attribute: Airflow's core has it with an underscore, the Task SDK without."""
    return getattr(timetable, name, None) or getattr(timetable, f"_{name}", None)


def _read_cron(expression: Any) -> _Cron | None:
    fields = _PRESETS.get(str(expression), str(expression)).split()
    if len(fields) < 5:  # minute, hour, day of month, month, day of week
        return None
    minute, hour, *days = fields[:5]
    is_once = minute.isdigit() and hour.isdigit()
    is_daily = all(field in ("*", "?", "*/1") for field in days)
    return _Cron(60 * int(hour) + int(minute) if is_once else None, is_daily)


def _is_midnight(moment: datetime) -> bool:
    utc = moment.astimezone(timezone.utc)
    return (utc.hour, utc.minute, utc.second) == (0, 0, 0)


def _is_midnight_in_utc(minute_of_day: int, zone: Any) -> bool:
    """Whether a time of day is 00:00 UTC all year."""
    try:
        known = zone if hasattr(zone, "utcoffset") else ZoneInfo(str(zone or "UTC"))
    except (KeyError, ValueError, OSError):
        return True  # unknown, and a wrong warning is worse than none
    offsets = {known.utcoffset(datetime(2026, month, 1)) or timedelta() for month in (1, 7)}
    return all((timedelta(minutes=minute_of_day) - offset) % _DAY == timedelta() for offset in offsets)
