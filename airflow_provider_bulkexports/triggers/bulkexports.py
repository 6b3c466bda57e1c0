"""
The triggers: ExportCustomJobTrigger, ExportDayTrigger, and ExportDayEventTrigger for watchers of assets.

Those of waits are imported when they are first used, by a task or by the triggerer: they load the client, which a DAG
file does not need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_bulkexports.triggers.day_events import ExportDayEventTrigger

if TYPE_CHECKING:
    from airflow_provider_bulkexports.triggers.waits import ExportCustomJobTrigger, ExportDayTrigger, defer_wait

__all__ = ["ExportCustomJobTrigger", "ExportDayEventTrigger", "ExportDayTrigger", "defer_wait"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from airflow_provider_bulkexports.triggers import waits

        return getattr(waits, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
