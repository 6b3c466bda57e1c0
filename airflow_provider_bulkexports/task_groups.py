"""export_to_object_storage: a task group that submits, waits and stores."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

from airflow_provider_bulkexports.compat import BaseOperator, BaseSensorOperator, task_group
from airflow_provider_bulkexports.exceptions import BulkExportsError, BulkExportsInputError
from airflow_provider_bulkexports.object_storage.layout import DEFAULT_LAYOUT
from airflow_provider_bulkexports.operators.bulkexports import IF_JOB_EXISTS, CreateExportCustomJobOperator
from airflow_provider_bulkexports.sensors.bulkexports import ExportCustomJobSensor
from airflow_provider_bulkexports.tasks.arguments import literal_ranges
from airflow_provider_bulkexports.tasks.constructors import argument_names, refuse_airflow_dates, unknown_argument
from airflow_provider_bulkexports.tasks.defaults import (
    DEFAULT_CONN_ID,
    DEFERRABLE,
    MAX_POLL_INTERVAL,
    POLL_INTERVAL,
    TIMEOUT,
)
from airflow_provider_bulkexports.transfers.bulkexports import BulkExportsToObjectStorageOperator

__all__ = ["export_to_object_storage"]

_NAME = "export_to_object_storage"

#: Airflow's arguments that are not for every task: what starts the group, and what is known at its end.
_FOR_SUBMIT = frozenset({"trigger_rule"})
_FOR_STORE = frozenset({"inlets", "on_success_callback", "outlets"})
#: Arguments of Airflow's task groups.
_FOR_GROUP = frozenset({"default_args", "parent_group", "prefix_group_id", "tooltip"})
_NOT_SHARED = frozenset({"multiple_outputs", "task_group", "task_id"})


def export_to_object_storage(
    *,
    resource_type: str,
    destination: str,
    start_day: str | date | None = None,
    end_day: str | date | None = None,
    ranges: Sequence[Mapping[str, str | date]] | Any = None,
    object_storage_conn_id: str | None = None,
    group_id: str = "export",
    failed_days: str = "store",
    check_destination: bool = True,
    upload_options: Mapping[str, Any] | None = None,
    twilio_conn_id: str = DEFAULT_CONN_ID,
    deferrable: bool = DEFERRABLE,
    friendly_name: str | None = None,
    webhook_url: str | None = None,
    webhook_method: str | None = None,
    email: str | None = None,
    wait_until_exportable: bool = True,
    wait_for_quota: bool = True,
    cancel_on_kill: bool = False,
    poll_interval: float = POLL_INTERVAL,
    max_poll_interval: float = MAX_POLL_INTERVAL,
    timeout: float = TIMEOUT,
    layout: str = DEFAULT_LAYOUT,
    if_exists: str | None = None,
    missing_days: str = "fail",
    missing_timeout: float = 300,
    max_parallel_days: int = 4,
    spool_dir: str | None = None,
    write_manifest: bool = False,
    empty_days: str = "store",
    manifests: str = "beside",
    file_format: str = "json",
    pii: str | None = None,
    hash_columns: Sequence[str] | None = None,
    drop_columns: Sequence[str] | None = None,
    new_fields: str | None = None,
    emit_partitions: bool = False,
    **task_arguments: Any,
) -> Any:
    """
    Make a task group of three tasks: ``submit`` an export job, ``wait`` for its days, ``store`` their files.

    An argument goes to the tasks that it belongs to; see their classes for those that are only named here.

    :param resource_type: ``Messages``, ``Calls``, ``Conferences`` or ``Participants``.
    :param destination: Folder: ``s3://bucket/folder``, ``gs://…``, ``abfs://…``, ``file:///folder``.
    :param start_day: First UTC day, inclusive. Without days or ranges, those that the run covers.
    :param end_day: Last UTC day, inclusive.
    :param ranges: Instead of days: a list of ``{"start_day": …, "end_day": …}``, or a task's output; the group is
        mapped over them, with one job each.
    :param object_storage_conn_id: Airflow connection of the store.
    :param group_id: Prefix of the three task ids. A second group in one DAG needs its own.
    :param failed_days: If days fail at Twilio: ``store`` the others and then fail, naming the failed days; ``fail`` the
        wait and store nothing; or ``ignore`` them and store the others.
    :param check_destination: Before it spends quota, ``submit`` writes a small object to the destination and removes
        it.
    :param upload_options: Arguments of the store for everything that is written, such as encryption.
    :param twilio_conn_id: Airflow connection of type ``twilio_bulkexports``.
    :param deferrable: Wait in the triggerer instead of on a worker.
    :param friendly_name: For ``submit``, as are the six that follow: text before the marker in the job's name.
    :param webhook_url: URL that Twilio calls when the job is done; needs ``webhook_method``.
    :param webhook_method: ``GET`` or ``POST``.
    :param email: Address that Twilio notifies when the job is done. Airflow's own alerts: ``default_args``.
    :param wait_until_exportable: Wait until Twilio can export yesterday and today, instead of failing.
    :param wait_for_quota: Wait for the next 00:00 UTC if the quota is used up, instead of failing.
    :param cancel_on_kill: Delete the unfinished jobs of a killed task.
    :param poll_interval: For ``wait``, as are the two that follow: seconds between polls of the job.
    :param max_poll_interval: Longest pause in seconds when Twilio estimates a later completion.
    :param timeout: Seconds after which the wait fails; the job keeps running at Twilio.
    :param layout: For ``store``, as are those that follow: path of a day's file below the destination.
    :param if_exists: ``submit``: export the days again, whatever jobs and files exist, and replace the files.
        Otherwise ``submit`` adopts its earlier job (the same as ``adopt``), and ``store`` does this with a day that
        is stored already: ``skip`` it if the file is the same (default), ``overwrite`` it, or ``fail``.
    :param missing_days: ``fail`` if Twilio has no file of a day, or ``ignore`` it.
    :param missing_timeout: Seconds to wait for the file of a completed day.
    :param max_parallel_days: How many days are fetched at the same time.
    :param spool_dir: Local folder for files on their way to an object store.
    :param write_manifest: Also write the result below the destination.
    :param empty_days: ``store`` a day without records as an empty file, or ``skip`` it.
    :param manifests: Where the files' manifests go: ``beside``, ``aside`` or ``none``.
    :param file_format: ``json`` or ``parquet``.
    :param pii: ``drop`` or ``hash`` personal data.
    :param hash_columns: Columns to hash.
    :param drop_columns: Columns to leave out.
    :param new_fields: ``keep``, ``drop`` or ``fail`` on fields that are not columns.
    :param emit_partitions: Make one event a day for each asset among ``outlets``.
    :param task_arguments: Airflow's own. ``trigger_rule`` is for ``submit``; ``outlets``, ``inlets`` and
        ``on_success_callback`` for ``store``; those that only sensors have, such as ``mode``, for ``wait``;
        ``default_args``, ``tooltip``, ``prefix_group_id`` and ``parent_group`` for the group; all others, such as
        ``retries``, ``pool`` and ``execution_timeout``, for all three tasks.
    :return: What ``store`` returns, for the tasks downstream.
    :raises TypeError: for an argument that none of the tasks has.
    """
    with _naming_the_group():
        refuse_airflow_dates({"start_day": start_day, "end_day": end_day, **task_arguments})
        mapped_over = literal_ranges(ranges, start_day=start_day, end_day=end_day)
        of_group, of_all, of_submit, of_wait, of_store = _by_task(task_arguments)
    of_all |= {"resource_type": resource_type, "twilio_conn_id": twilio_conn_id}
    place = {
        "destination": destination,
        "object_storage_conn_id": object_storage_conn_id,
        "upload_options": upload_options,
    }
    of_submit |= place if check_destination else {}
    of_submit |= _given(
        friendly_name=friendly_name,
        webhook_url=webhook_url,
        webhook_method=webhook_method,
        email=email,
        wait_until_exportable=wait_until_exportable,
        wait_for_quota=wait_for_quota,
        cancel_on_kill=cancel_on_kill,
        deferrable=deferrable,
    )
    of_wait |= _given(max_poll_interval=max_poll_interval, timeout=timeout, deferrable=deferrable)
    of_wait |= {"poke_interval": poll_interval} if _given(poll_interval=poll_interval) else {}
    of_store |= place
    of_store |= _given(
        layout=layout,
        missing_days=missing_days,
        missing_timeout=missing_timeout,
        max_parallel_days=max_parallel_days,
        spool_dir=spool_dir,
        write_manifest=write_manifest,
        empty_days=empty_days,
        manifests=manifests,
        file_format=file_format,
        pii=pii,
        hash_columns=hash_columns,
        drop_columns=drop_columns,
        new_fields=new_fields,
        emit_partitions=emit_partitions,
    )
    if if_exists in IF_JOB_EXISTS:
        of_submit["if_exists"] = if_exists
    if if_exists == "submit":
        of_store["if_exists"] = "overwrite"
    elif if_exists not in (None, *IF_JOB_EXISTS):
        of_store["if_exists"] = if_exists

    @task_group(group_id=group_id, **of_group)
    def export(start_day: Any, end_day: Any) -> Any:
        submit = CreateExportCustomJobOperator(
            task_id="submit", start_day=start_day, end_day=end_day, **of_all, **of_submit
        )
        _require_own_id(submit, group_id, resource_type)
        wait = ExportCustomJobSensor(
            task_id="wait",
            job_sid=submit.output,
            start_day=start_day,  # so that a mapped task has its name before the job is polled
            end_day=end_day,
            failed_days=failed_days,
            **of_all,
            **of_wait,
        )
        return BulkExportsToObjectStorageOperator(task_id="store", days=wait.output, **of_all, **of_store).output

    with _naming_the_group():
        if mapped_over is not None:
            return export.expand_kwargs(mapped_over)
        return export(start_day, end_day)


def _given(**arguments: Any) -> dict[str, Any]:
    """Leave out what has its default, so that the DAG's ``default_args`` may set it."""
    defaults = export_to_object_storage.__kwdefaults__ or {}
    return {name: value for name, value in arguments.items() if value != defaults[name]}


def _by_task(arguments: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """
    Divide Airflow's arguments: those of the group, of all tasks, of ``submit``, of ``wait`` and of ``store``.

    :raises TypeError: for one that none of them has.
    """
    of_tasks = argument_names(BaseOperator) - _NOT_SHARED
    of_sensors = argument_names(BaseSensorOperator) - of_tasks - _NOT_SHARED - {"poke_interval"}
    known = _FOR_GROUP | of_tasks | of_sensors
    divided: tuple[dict[str, Any], ...] = ({}, {}, {}, {}, {})
    group, of_all, of_submit, of_wait, of_store = divided
    for name, value in arguments.items():
        if name not in known:
            raise TypeError(_unknown(name, known))
        if name in _FOR_GROUP:
            group[name] = value
        elif name in _FOR_SUBMIT:
            of_submit[name] = value
        elif name in of_sensors:
            of_wait[name] = value
        elif name in _FOR_STORE:
            of_store[name] = value
        else:
            of_all[name] = value
    if "dag" in of_all:
        group["dag"] = of_all["dag"]
    return divided


def _unknown(name: str, known: frozenset[str]) -> str:
    if name == "task_id":
        return "pass group_id instead of task_id: it is the prefix of the three task ids"
    own = inspect.signature(export_to_object_storage).parameters.keys() - {"task_arguments"}
    return unknown_argument(_NAME, name, known | own)


def _require_own_id(task: BaseOperator, group_id: str, resource_type: str) -> None:
    """
    Refuse a group id that the DAG has already.

    Airflow would number the groups in the order of the file, and other task ids mean other jobs.

    :raises BulkExportsInputError: with an id to write.
    """
    label = task.task_group.label if task.task_group else group_id
    if label != group_id:
        raise BulkExportsInputError(
            f"the DAG already has a group {group_id!r}: give this one its own id, such as "
            f"group_id='{group_id}_{str(resource_type).lower()}'"
        )


@contextmanager
def _naming_the_group() -> Iterator[None]:
    """Name this function in the errors that it and its tasks raise."""
    try:
        yield
    except BulkExportsError as error:
        error.name(_NAME)
        raise
    except TypeError as error:
        text = str(error)
        error.args = (text if text.startswith(_NAME) else f"{_NAME}: {text}",)
        raise
