"""Names that DAG files import: none of them may go away."""

from __future__ import annotations

from importlib import import_module

import pytest

PUBLIC_NAMES = {
    "airflow_provider_bulkexports": [
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
        "days_to_refresh",
        "export_to_object_storage",
        "join_days",
        "plan_quota",
        "split_days",
        "split_months",
    ],
    "airflow_provider_bulkexports.hooks.bulkexports": ["BulkExportsHook"],
    "airflow_provider_bulkexports.operators.bulkexports": ["CreateExportCustomJobOperator", "DeleteExportJobOperator"],
    "airflow_provider_bulkexports.sensors.bulkexports": ["ExportCustomJobSensor", "ExportDaySensor"],
    "airflow_provider_bulkexports.transfers.bulkexports": ["BulkExportsToObjectStorageOperator"],
    "airflow_provider_bulkexports.triggers.bulkexports": [
        "ExportCustomJobTrigger",
        "ExportDayEventTrigger",
        "ExportDayTrigger",
        "defer_wait",
    ],
    "airflow_provider_bulkexports.exceptions": [
        "BulkExportsAPIError",
        "BulkExportsAuthError",
        "BulkExportsConnectionError",
        "BulkExportsDownloadError",
        "BulkExportsError",
        "BulkExportsInputError",
        "BulkExportsNotFoundError",
        "BulkExportsQuotaError",
        "BulkExportsRateLimitError",
        "BulkExportsResponseError",
        "BulkExportsServerError",
        "BulkExportsStorageError",
        "DayNotExportableError",
    ],
    "airflow_provider_bulkexports.simulator": [
        "Fault",
        "Knobs",
        "Rejection",
        "SimulatedClock",
        "Simulator",
        "problem_body",
    ],
}


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module, names in PUBLIC_NAMES.items() for name in names]
)
def test_released_name_is_still_importable(module: str, name: str) -> None:
    home = import_module(module)

    assert getattr(home, name).__name__ == name
    assert name in home.__all__
