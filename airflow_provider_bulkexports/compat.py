"""
The only file that asks which Airflow this is.

Everything else imports Airflow's names from here, so that one wheel serves Airflow 2.11 and 3.x. Newer places are tried
first: the older ones still work on 3.x, but warn.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

import airflow
from airflow.configuration import conf
from packaging.version import Version

if TYPE_CHECKING:
    from airflow.providers.standard.triggers.temporal import DateTimeTrigger
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
    "DateTimeTrigger",
    "Log",
    "PokeReturnValue",
    "TaskDeferred",
    "TriggerEvent",
    "XCom",
    "XComArg",
    "asset_state_stores",
    "collect_lineage",
    "conf",
    "has_ended",
    "is_recorded_as_ended",
    "operator_lineage",
    "task_group",
    "watched_assets",
]

#: Names that parsing a DAG file does not need, imported at first use; for each the places to try, the newest first.
_IMPORTED_LATER = {
    "BaseEventTrigger": ("airflow.triggers.base:BaseEventTrigger", "airflow.triggers.base:BaseTrigger"),  # none in 2.11
    "BaseHook": ("airflow.sdk:BaseHook", "airflow.hooks.base:BaseHook"),  # before Airflow 3.1
    "BaseTrigger": ("airflow.triggers.base:BaseTrigger",),
    "Connection": ("airflow.sdk:Connection", "airflow.models:Connection"),  # Airflow 2.11
    "DateTimeTrigger": (
        "airflow.providers.standard.triggers.temporal:DateTimeTrigger",
        "airflow.triggers.temporal:DateTimeTrigger",  # Airflow 2.11 without the standard provider
    ),
    "TriggerEvent": ("airflow.triggers.base:TriggerEvent",),
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

#: Whether a task that is no sensor may ask to be started again later: before 3.1 the scheduler ignores the moment.
CAN_RESCHEDULE_OPERATORS = Version(AIRFLOW_VERSION) >= Version("3.1")


#: States of a task that does not run again by itself.
_ENDED = ("success", "failed", "skipped", "upstream_failed", "removed")


def asset_state_stores(trigger: BaseEventTrigger) -> Sequence[Any]:
    """
    What remembers for the assets that a trigger watches for (``await store.aget(key)``, ``store.aset(key, value)``).

    One a watched asset; none before Airflow 3.3.
    """
    stores = getattr(trigger, "asset_state_store", None)
    if stores is None:
        return ()
    try:
        return (*stores._by_name.values(), *stores._by_uri.values())  # noqa: SLF001  # its own short cut is for one asset
    except AttributeError:
        return (stores,)


def watched_assets(trigger: BaseEventTrigger) -> Sequence[str]:
    """Names or URIs of the assets that a trigger watches for; none where Airflow does not tell, before 3.3."""
    stores = getattr(trigger, "asset_state_store", None)
    return [str(name) for kind in ("_by_name", "_by_uri") for name in getattr(stores, kind, ())]


def collect_lineage(context: Any, *, inputs: Sequence[str] = (), outputs: Sequence[str] = ()) -> None:
    """
    Tell Airflow's collector of lineage what a hook read and wrote.

    :param context: The hook.
    :param inputs: URIs of assets.
    :param outputs: URIs of assets.
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
    """Make what an operator's OpenLineage methods return; only Airflow's OpenLineage provider calls those."""
    return import_module("airflow.providers.openlineage.extractors").OperatorLineage(**parts)


class Log(Protocol):
    """What a task's or trigger's ``self.log`` offers: standard logging on Airflow 2, a look-alike on 3."""

    def info(self, message: str, /, *args: Any) -> Any:
        """Say what happened."""

    def warning(self, message: str, /, *args: Any) -> Any:
        """Say what needs attention."""

    def error(self, message: str, /, *args: Any) -> Any:
        """Say what failed."""


async def has_ended(task_instance: Any) -> bool:
    """
    Whether Airflow's records say that a deferred task has ended, asked by a trigger.

    ``False`` if Airflow cannot be asked.
    """
    return await asyncio.to_thread(is_recorded_as_ended, task_instance)


def is_recorded_as_ended(task_instance: Any) -> bool:
    """
    Whether Airflow's records say that a task has ended, so that no other try of it runs or will run by itself.

    Blocks. ``False`` if Airflow cannot be asked: without knowing, nothing is cancelled.
    """
    try:
        return _recorded_state(task_instance) in _ENDED
    except Exception:  # whatever it is
        logging.getLogger(__name__).warning(
            "Cannot ask Airflow for the state of the task, so its jobs are left alone", exc_info=True
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


def task_group(**arguments: Any) -> Callable[[Callable[..., Any]], Any]:
    """Airflow's decorator; imported here, since it brings all decorators and what they need along."""
    try:
        decorator = import_module("airflow.sdk").task_group
    except ImportError:  # Airflow 2.11
        decorator = import_module("airflow.decorators").task_group
    decorated: Callable[[Callable[..., Any]], Any] = decorator(**arguments)
    return decorated
