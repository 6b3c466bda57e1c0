"""
The only module that depends on the version of Airflow.

Everything else imports Airflow's names from here, so that one wheel serves Airflow 2.11 and 3.x. Newer places are tried
first: the older ones still work on 3.x, but warn.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Collection, Sequence
from datetime import date
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

import airflow
from airflow.configuration import conf
from jinja2 import pass_context
from packaging.version import Version

if TYPE_CHECKING:
    from airflow.sdk import (
        Asset,
        BaseHook,
        BaseOperator,
        BaseOperatorLink,
        BaseSensorOperator,
        Connection,
        Context,
        PokeReturnValue,
        XComArg,
    )
    from airflow.sdk.definitions.asset import AssetRef
    from airflow.sdk.exceptions import (
        AirflowException,
        AirflowFailException,
        AirflowNotFoundException,
        AirflowRescheduleException,
        AirflowSensorTimeout,
        AirflowSkipException,
        TaskDeferred,
    )
    from airflow.sdk.execution_time.xcom import XCom
    from airflow.sdk.io.path import ObjectStoragePath
    from airflow.sdk.log import mask_secret
    from airflow.triggers.base import BaseEventTrigger, BaseTrigger, TriggerEvent
else:
    Context = dict
    try:
        from airflow.sdk import (
            Asset,
            BaseOperator,
            BaseOperatorLink,
            BaseSensorOperator,
            PokeReturnValue,
            XComArg,
        )
        from airflow.sdk.definitions.asset import AssetRef
        from airflow.sdk.execution_time.xcom import XCom
    except ImportError:  # Airflow 2.11
        from airflow.datasets import Dataset as Asset
        from airflow.models import BaseOperator
        from airflow.models.baseoperatorlink import BaseOperatorLink
        from airflow.models.xcom import XCom
        from airflow.models.xcom_arg import XComArg
        from airflow.sensors.base import BaseSensorOperator, PokeReturnValue

        AssetRef = Asset
    try:
        from airflow.sdk.exceptions import (
            AirflowException,
            AirflowFailException,
            AirflowNotFoundException,
            AirflowRescheduleException,
            AirflowSensorTimeout,
            AirflowSkipException,
            TaskDeferred,
        )
    except ImportError:  # before Airflow 3.2
        from airflow.exceptions import (
            AirflowException,
            AirflowFailException,
            AirflowNotFoundException,
            AirflowRescheduleException,
            AirflowSensorTimeout,
            AirflowSkipException,
            TaskDeferred,
        )

__all__ = [
    "AIRFLOW_VERSION",
    "CAN_RESCHEDULE_OPERATORS",
    "AirflowException",
    "AirflowFailException",
    "AirflowNotFoundException",
    "AirflowRescheduleException",
    "AirflowSensorTimeout",
    "AirflowSkipException",
    "Asset",
    "AssetRef",
    "BaseEventTrigger",
    "BaseHook",
    "BaseOperator",
    "BaseOperatorLink",
    "BaseSensorOperator",
    "BaseTrigger",
    "Connection",
    "Context",
    "Log",
    "PokeReturnValue",
    "TaskDeferred",
    "TriggerEvent",
    "XCom",
    "XComArg",
    "asset_state_stores",
    "attached_stores",
    "backfill_command",
    "collect_lineage",
    "conf",
    "file_system_registry",
    "has_ended",
    "is_recorded_as_ended",
    "make_asset",
    "mask_secret",
    "name_task",
    "object_storage_path",
    "operator_lineage",
    "pass_context",
    "task_group",
    "trigger_command",
    "watched_assets",
]

#: Names that parsing a DAG file does not need, imported at first use; for each the places to try, the newest first.
_IMPORTED_LATER = {
    "BaseEventTrigger": ("airflow.triggers.base:BaseEventTrigger", "airflow.triggers.base:BaseTrigger"),  # none in 2.11
    "BaseHook": ("airflow.sdk:BaseHook", "airflow.hooks.base:BaseHook"),  # before Airflow 3.1
    "BaseTrigger": ("airflow.triggers.base:BaseTrigger",),
    "Connection": ("airflow.sdk:Connection", "airflow.models:Connection"),  # Airflow 2.11
    "TriggerEvent": ("airflow.triggers.base:TriggerEvent",),
    "mask_secret": (
        "airflow.sdk.log:mask_secret",
        "airflow.sdk.execution_time.secrets_masker:mask_secret",  # Airflow 3.0
        "airflow.utils.log.secrets_masker:mask_secret",  # Airflow 2.11
    ),
}


def __getattr__(name: str) -> Any:
    reason: Exception | None = None
    for place in _IMPORTED_LATER.get(name, ()):
        module, _, attribute = place.partition(":")
        try:
            found = globals()[name] = getattr(import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            reason = error
        else:
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from reason


AIRFLOW_VERSION = airflow.__version__
_IS_AIRFLOW_2 = Version(AIRFLOW_VERSION) < Version("3.0")

#: Whether a task other than a sensor can be rescheduled: before 3.1 the scheduler starts it again at once.
CAN_RESCHEDULE_OPERATORS = Version(AIRFLOW_VERSION) >= Version("3.1")

#: States of a task that does not run again by itself.
_ENDED = ("success", "failed", "skipped", "upstream_failed", "removed")


def backfill_command(dag_id: str, first: date, last: date) -> str:
    """Return the command that starts the runs of a scheduled DAG for days."""
    if _IS_AIRFLOW_2:
        return f"airflow dags backfill --start-date {first} --end-date {last} {dag_id}"
    return f"airflow backfill create --dag-id {dag_id} --from-date {first} --to-date {last}"


def trigger_command(dag_id: str, day: date) -> str:
    """Return the command that starts a run of a DAG for a day."""
    option = "--exec-date" if _IS_AIRFLOW_2 else "--logical-date"
    return f"airflow dags trigger {option} {day} {dag_id}"


def asset_state_stores(trigger: BaseEventTrigger) -> Sequence[Any]:
    """
    State stores of the assets that a trigger watches (``await store.aget(key)``, ``store.aset(key, value)``).

    One per watched asset; none before Airflow 3.3.
    """
    stores = getattr(trigger, "asset_state_store", None)
    if stores is None:
        return ()
    try:
        return (*stores._by_name.values(), *stores._by_uri.values())  # noqa: SLF001  # its public methods are for one asset
    except AttributeError:
        return (stores,)


def make_asset(uri: str, *, name: str, group: str, extra: dict[str, Any] | None = None) -> Asset:
    """Make an asset; on Airflow 2.11 a dataset, which has neither name nor group."""
    if "name" not in inspect.signature(Asset).parameters:  # Airflow 2.11
        return Asset(uri, extra=extra)
    return Asset(name=name, uri=uri, group=group, extra=extra)


def watched_assets(trigger: BaseEventTrigger) -> Sequence[str]:
    """Names or URIs of the assets that a trigger watches; none before Airflow 3.3, which does not say."""
    stores = getattr(trigger, "asset_state_store", None)
    return [str(name) for kind in ("_by_name", "_by_uri") for name in getattr(stores, kind, ())]


def collect_lineage(context: Any, *, inputs: Sequence[str] = (), outputs: Sequence[str] = ()) -> None:
    """
    Report a hook's inputs and outputs to Airflow's lineage collector.

    :param context: The hook.
    :param inputs: URIs of the assets it read.
    :param outputs: URIs of the assets it wrote.
    """
    try:
        module = import_module("airflow.sdk.lineage")
    except ImportError:  # before Airflow 3.2
        module = import_module("airflow.lineage.hook")
    collector = module.get_hook_lineage_collector()
    noun = "asset" if hasattr(collector, "add_input_asset") else "dataset"  # Airflow 2.11
    for direction, uris in (("input", inputs), ("output", outputs)):
        for uri in uris:
            getattr(collector, f"add_{direction}_{noun}")(context, uri=uri)


def operator_lineage(**parts: Any) -> Any:
    """Build the return value of an operator's OpenLineage methods, which only the OpenLineage provider calls."""
    return import_module("airflow.providers.openlineage.extractors").OperatorLineage(**parts)


class Log(Protocol):
    """The logger of a task or trigger (``self.log``): standard logging on Airflow 2, a similar one on 3."""

    def info(self, message: str, /, *args: Any) -> Any:
        """Log what happened."""

    def warning(self, message: str, /, *args: Any) -> Any:
        """Log what needs attention."""

    def error(self, message: str, /, *args: Any) -> Any:
        """Log what failed."""


async def has_ended(task_instance: Any) -> bool:
    """
    Whether a deferred task has ended, by Airflow's records; for triggers.

    ``False`` if the state cannot be read.
    """
    return await asyncio.to_thread(is_recorded_as_ended, task_instance)


def is_recorded_as_ended(task_instance: Any) -> bool:
    """
    Whether a task has ended, by Airflow's records, so that no other attempt runs or will run by itself.

    Blocks. ``False`` if the state cannot be read, so that nothing is cancelled.
    """
    try:
        return _recorded_state(task_instance) in _ENDED
    except Exception:  # Airflow's API or database may fail in any way
        logging.getLogger(__name__).warning(
            "Could not get the task's state from Airflow; its jobs are left running", exc_info=True
        )
        return False


def _recorded_state(task_instance: Any) -> str | None:
    try:
        states = import_module("airflow.sdk.execution_time.task_runner").RuntimeTaskInstance.get_task_states
    except ImportError:  # Airflow 2.11
        return _state_in_database(task_instance)
    found = states(
        dag_id=task_instance.dag_id,
        task_ids=[task_instance.task_id],
        run_ids=[task_instance.run_id],
        map_index=task_instance.map_index,
    )
    of_run = found.get(task_instance.run_id) or {}
    mapped = f"{task_instance.task_id}_{task_instance.map_index}"
    state: str | None = of_run.get(task_instance.task_id if task_instance.map_index < 0 else mapped)
    return state


def _state_in_database(task_instance: Any) -> str | None:
    record = import_module("airflow.models.taskinstance").TaskInstance
    key = {name: getattr(task_instance, name) for name in ("dag_id", "task_id", "run_id", "map_index")}
    with import_module("airflow.utils.session").create_session() as session:
        state: str | None = session.query(record.state).filter_by(**key).scalar()
        return state


def name_task(task_instance: Any, name: str) -> None:
    """
    Give a task instance its name in the UI (Airflow's rendered map index) while it runs.

    Airflow stores it when the task ends. If the task defers, Airflow 3.2 and later store it only if it is sent now.
    """
    task_instance.rendered_map_index = name
    try:
        message = import_module("airflow.sdk.execution_time.comms").SetRenderedMapIndex(rendered_map_index=name)
        import_module("airflow.sdk.execution_time.task_runner").SUPERVISOR_COMMS.send(message)
    except Exception as error:  # noqa: BLE001  # an older Airflow, no supervisor, or no response: a name must not fail a task
        logging.getLogger(__name__).debug("The name %r of the task is stored when it ends: %r", name, error)


def task_group(**arguments: Any) -> Callable[[Callable[..., Any]], Any]:
    """Airflow's decorator, imported on first use because it loads every other decorator too."""
    try:
        decorator = import_module("airflow.sdk").task_group
    except ImportError:  # Airflow 2.11
        decorator = import_module("airflow.decorators").task_group
    decorated: Callable[[Callable[..., Any]], Any] = decorator(**arguments)
    return decorated


def object_storage_path(url: str, conn_id: str | None = None) -> ObjectStoragePath:
    """Airflow's path of a file or folder in a store; imported here, because it loads the file systems."""
    path: ObjectStoragePath = _object_storage_module("path").ObjectStoragePath(url, conn_id=conn_id)
    return path


def attached_stores() -> Collection[Any]:
    """Stores that a DAG author attached to Airflow; each names its scheme as ``protocol``."""
    stores: dict[str, Any] = getattr(_object_storage_module("store"), "_STORE_CACHE", {})
    return stores.values()


def file_system_registry() -> Any:
    """The module that knows which schemes have a file system: ``has_fs(scheme)``."""
    try:
        return import_module("airflow.sdk.io.fs")
    except ImportError:  # before Airflow 3.1
        return import_module("airflow.io")


def _object_storage_module(name: str) -> Any:
    try:
        return import_module(f"airflow.sdk.io.{name}")
    except ImportError:  # Airflow 2.11
        return import_module(f"airflow.io.{name}")
