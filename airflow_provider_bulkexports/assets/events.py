"""Tell Airflow which days a task has made available: with the events of its outlets, which start other DAGs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from airflow_provider_bulkexports.compat import Asset, AssetRef, BaseOperator, Context, Log
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.results import WaitResult

__all__ = ["add_day_events", "add_result_events", "require_asset_outlet"]


def require_asset_outlet(task: BaseOperator, *, emit_partitions: bool) -> None:
    """
    Refuse partitions of nothing.

    :raises BulkExportsInputError: if ``emit_partitions`` is set and the task has no asset among its outlets.
    """
    if emit_partitions and not _assets_of(task):
        raise BulkExportsInputError(
            "emit_partitions=True without an asset among the outlets: add outlets=[asset_for('Messages', 'AC…')], or "
            "the asset of the folder that the task fills; an asset alias has no partitions"
        )


def add_day_events(
    task: BaseOperator,
    context: Context,
    days: Iterable[str],
    *,
    emit_partitions: bool,
    log: Log,
    **extra: Any,
) -> None:
    """
    Let the event of every asset among the task's outlets say which days are there.

    With ``emit_partitions`` there is one event a day, whose partition key is the day. An Airflow without them (before
    3.3) makes its plain event, with all days in ``extra``, so that the same DAG file starts something everywhere.

    :param days: The days, ``YYYY-MM-DD``.
    :param extra: What else the events say.
    """
    events: Any = context.get("outlet_events")
    assets = _assets_of(task)
    if events is None or not assets:
        return
    keys = sorted(set(days))
    outlet_events = [events[asset] for asset in assets]
    for event in outlet_events:
        event.extra.update(extra, days=keys)
    if not emit_partitions:
        return
    if not all(hasattr(event, "add_partitions") for event in outlet_events):
        log.warning("emit_partitions needs Airflow 3.3: this one makes a plain event, with the days in its extra")
        return
    if not keys:
        log.warning("No day is there, so the outlets' event has no partition")
        return
    for event in outlet_events:
        event.add_partitions(keys)
    log.info("Announced %d days as partitions of %s", len(keys), ", ".join(map(_name_of, assets)))


def add_result_events(
    task: BaseOperator, context: Context, result: WaitResult, *, emit_partitions: bool, log: Log
) -> None:
    """Announce the exported days of a wait: those with records and those without."""
    add_day_events(
        task,
        context,
        [*result["completed"], *result["empty"]],
        emit_partitions=emit_partitions,
        log=log,
        resource_type=result["resource_type"],
        expires_at=result["expires_at"],
    )


def _assets_of(task: BaseOperator) -> list[Any]:
    return [outlet for outlet in task.outlets or [] if isinstance(outlet, (Asset, AssetRef))]


def _name_of(asset: Any) -> str:
    return str(getattr(asset, "uri", None) or getattr(asset, "name", asset))
