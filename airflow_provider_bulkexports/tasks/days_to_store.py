"""The days that a transfer without days stores: those of its run, or of the asset events that started it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from airflow_provider_bulkexports.assets.triggering_events import AnnouncedDays, announced_days
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.plain import listed
from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.planning.requested_days import RequestedDays
from airflow_provider_bulkexports.tasks.days import days_covered_by_run

__all__ = ["days_of_run"]

_BY_EVENTS_ONLY = {"AssetTriggeredTimetable", "DatasetTriggeredTimetable"}
_BY_TIME_TOO = {"AssetOrTimeSchedule", "DatasetOrTimeSchedule"}

_BY_HAND = (
    'Trigger it with the days as configuration, such as {"days": "2026-01-31"} or {"days": "2026-01-01, 2026-01-02"}'
)


def days_of_run(
    context: Mapping[str, Any],
    *,
    resource_type: ResourceType | None,
    account_sid: Callable[[], str | None],
) -> RequestedDays:
    """
    Return the days that a run means for a transfer.

    In this order: its partition key; the days of the asset events that started it; if it was triggered by hand although
    its DAG is scheduled on assets, ``days`` of its params or configuration; its data interval; its logical date.

    :param resource_type: Events of another type are left out.
    :param account_sid: Account of the connection, if known; events of another account are left out.
    :raises BulkExportsInputError: if none of them names a day; the message says what to do.
    """
    if context.get("partition_key") or getattr(context.get("dag_run"), "partition_key", None):
        return RequestedDays(tuple(days_covered_by_run(context)))
    events = announced_days(context)
    account = account_sid() if any(event.account_sid for event in events) else None
    if of_task := [event for event in events if event.days and event.is_for(resource_type, account)]:
        return _days_of(of_task)
    if not events and not _needs_events(context):
        return RequestedDays(tuple(days_covered_by_run(context)))
    if (given := _given_by_hand(context)) is not None:
        return RequestedDays.parse(given)
    raise BulkExportsInputError(_refusal(events, resource_type))


def _days_of(events: Sequence[AnnouncedDays]) -> RequestedDays:
    types = {event.resource_type for event in events if event.resource_type}
    if len(types) > 1:
        names = " and ".join(sorted(map(str, types)))
        raise BulkExportsInputError(
            f"The asset events that started this run are of {names}: set resource_type, one task for each type"
        )
    days = {day for event in events for day in event.days}
    return RequestedDays(tuple(sorted(days)), resource_type=next(iter(types), None))


def _needs_events(context: Mapping[str, Any]) -> bool:
    """Whether a run's DAG is scheduled on assets only, so that neither an interval nor a logical date means days."""
    names = {parent.__name__ for parent in type(getattr(context.get("dag"), "timetable", None)).__mro__}
    return bool(names & _BY_EVENTS_ONLY) and not names & _BY_TIME_TOO


def _given_by_hand(context: Mapping[str, Any]) -> Any:
    """Value of ``days`` in the run's params or configuration; ``None`` if it is empty."""
    for source in (context.get("params"), getattr(context.get("dag_run"), "conf", None)):
        if isinstance(source, Mapping) and source.get("days"):
            return source["days"]
    return None


def _refusal(events: Sequence[AnnouncedDays], resource_type: ResourceType | None) -> str:
    if not events:
        return (
            "Cannot tell which days to store: this run was triggered by hand, so no asset event names them. "
            f"{_BY_HAND}, or declare params={{'days': ''}} in the DAG to have a field for them in the form"
        )
    assets = listed(sorted({repr(event.asset) for event in events}))
    of_type = f" of {resource_type}" if resource_type else ""
    return (
        f"Cannot tell which days to store: the events of {assets} that started this run name no days{of_type} of this "
        f"account. {_BY_HAND}, or schedule the DAG on a watcher with ExportDayEventTrigger, or on asset_for(…)"
    )
