"""
Apache Airflow provider for Twilio BulkExports.

The public names are imported on first use, because Airflow imports this package before its configuration exists.
"""

from __future__ import annotations

#: Type checkers treat it as true. ``typing`` takes longer to import than all that the command needs to handle Ctrl-C.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any

    from airflow_provider_bulkexports.assets.bulkexports import asset_for
    from airflow_provider_bulkexports.hooks.bulkexports import BulkExportsHook
    from airflow_provider_bulkexports.object_storage.refresh import days_to_refresh
    from airflow_provider_bulkexports.operators.bulkexports import (
        CreateExportCustomJobOperator,
        DeleteExportJobOperator,
    )
    from airflow_provider_bulkexports.planning.backfill import join_days, plan_quota, split_days, split_months
    from airflow_provider_bulkexports.sensors.bulkexports import ExportCustomJobSensor, ExportDaySensor
    from airflow_provider_bulkexports.tables.definitions import table_definition
    from airflow_provider_bulkexports.task_groups import export_to_object_storage
    from airflow_provider_bulkexports.transfers.bulkexports import BulkExportsToObjectStorageOperator
    from airflow_provider_bulkexports.transfers.stored_days import convert_days
    from airflow_provider_bulkexports.triggers.bulkexports import (
        ExportCustomJobTrigger,
        ExportDayEventTrigger,
        ExportDayTrigger,
    )

__version__ = "0.1.0"

__all__ = [
    "BulkExportsHook",
    "BulkExportsToObjectStorageOperator",
    "CreateExportCustomJobOperator",
    "DeleteExportJobOperator",
    "ExportCustomJobSensor",
    "ExportCustomJobTrigger",
    "ExportDayEventTrigger",
    "ExportDaySensor",
    "ExportDayTrigger",
    "asset_for",
    "convert_days",
    "days_to_refresh",
    "export_to_object_storage",
    "join_days",
    "plan_quota",
    "split_days",
    "split_months",
    "table_definition",
]

_MODULES = {
    "BulkExportsHook": "hooks.bulkexports",
    "BulkExportsToObjectStorageOperator": "transfers.bulkexports",
    "CreateExportCustomJobOperator": "operators.bulkexports",
    "DeleteExportJobOperator": "operators.bulkexports",
    "ExportCustomJobSensor": "sensors.bulkexports",
    "ExportCustomJobTrigger": "triggers.bulkexports",
    "ExportDayEventTrigger": "triggers.bulkexports",
    "ExportDaySensor": "sensors.bulkexports",
    "ExportDayTrigger": "triggers.bulkexports",
    "asset_for": "assets.bulkexports",
    "convert_days": "transfers.stored_days",
    "days_to_refresh": "object_storage.refresh",
    "export_to_object_storage": "task_groups",
    "join_days": "planning.backfill",
    "plan_quota": "planning.backfill",
    "split_days": "planning.backfill",
    "split_months": "planning.backfill",
    "table_definition": "tables.definitions",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
