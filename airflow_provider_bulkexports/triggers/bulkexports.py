"""
The triggers: ExportCustomJobTrigger, ExportDayTrigger, and ExportDayEventTrigger for watchers of assets.

Airflow stores the name of this module with every trigger of the package, also with the internal SubmissionTimeTrigger.
Those of waits are imported when they are first used, by a task or by the triggerer: they load the client, which a DAG
file does not need.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow_provider_bulkexports.triggers.day_events import ExportDayEventTrigger

if TYPE_CHECKING:
    from airflow_provider_bulkexports.triggers.waits import ExportCustomJobTrigger, ExportDayTrigger, defer_wait

__all__ = ["ExportCustomJobTrigger", "ExportDayEventTrigger", "ExportDayTrigger", "defer_wait"]

#: Modules of the names that are imported later.
_HOME_OF = {
    "ExportCustomJobTrigger": "waits",
    "ExportDayTrigger": "waits",
    "SubmissionTimeTrigger": "submission_time",
    "defer_wait": "waits",
}


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        return getattr(import_module(f"{__package__}.{_HOME_OF[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
