"""Add the days that a task made available to the asset events of its outlets, which start other DAGs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from airflow_provider_bulkexports.compat import Asset, AssetRef, BaseOperator, Context, Log
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.plain import counted
from airflow_provider_bulkexports.model.results import WaitResult

__all__ = ["add_day_events", "add_result_events", "require_asset_outlet"]


def require_asset_outlet(task: BaseOperator, *, emit_partitions: bool) -> None:
    """
    Reject ``emit_partitions`` without an asset.

    :raises BulkExportsInputError: if ``emit_partitions`` is set and the task has no asset among its outlets.
    """
    if emit_partitions and not _assets_of(task):
        raise BulkExportsInputError(
            "emit_partitions=True without an asset among the outlets: add outlets=[asset_for('Messages', 'AC…')], or "
            "the asset of the folder that the task fills. An asset alias has no partitions"
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
    Add the available days to the event of every asset among the task's outlets.

    With ``emit_partitions`` there is one event a day, with the day as its partition key. Before Airflow 3.3 there is
    one plain event, with all days in ``extra``, so that the same DAG file works everywhere.

    :param days: The days, ``YYYY-MM-DD``.
    :param extra: Further keys of the events' ``extra``.
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
        log.warning("emit_partitions needs Airflow 3.3; adding a plain event instead, with the days in its extra")
        return
    if not keys:
        log.warning("No exported days, so no partitions were emitted")
        return
    for event in outlet_events:
        event.add_partitions(keys)
    log.info("Emitted %s as partitions of %s", counted(len(keys), "day"), ", ".join(map(_name_of, assets)))


def add_result_events(
    task: BaseOperator, context: Context, result: WaitResult, *, emit_partitions: bool, log: Log
) -> None:
    """Add the exported days of a wait, with and without records, to the outlets' events."""
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
