"""export_to_object_storage: a task group that submits, waits and stores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from airflow_provider_bulkexports.compat import task_group
from airflow_provider_bulkexports.operators.bulkexports import CreateExportCustomJobOperator
from airflow_provider_bulkexports.sensors.bulkexports import ExportCustomJobSensor
from airflow_provider_bulkexports.tasks.defaults import DEFAULT_CONN_ID, DEFERRABLE
from airflow_provider_bulkexports.transfers.bulkexports import BulkExportsToObjectStorageOperator

__all__ = ["export_to_object_storage"]


def export_to_object_storage(
    *,
    resource_type: str,
    destination: str,
    start_day: str | date | None = None,
    end_day: str | date | None = None,
    ranges: Sequence[dict[str, str]] | Any = None,
    object_storage_conn_id: str | None = None,
    group_id: str = "export_to_object_storage",
    failed_days: str = "store",
    check_destination: bool = True,
    upload_options: Mapping[str, Any] | None = None,
    twilio_conn_id: str = DEFAULT_CONN_ID,
    deferrable: bool = DEFERRABLE,
    **store_arguments: Any,
) -> Any:
    """
    Make a task group of three tasks: ``submit`` an export job, ``wait`` for its days, ``store`` their files.

    :param resource_type: ``Messages``, ``Calls``, ``Conferences`` or ``Participants``.
    :param destination: Folder: ``s3://bucket/folder``, ``gs://…``, ``abfs://…``, ``file:///folder``.
    :param start_day: First UTC day, inclusive. Without days or ranges, those that the run covers.
    :param end_day: Last UTC day, inclusive.
    :param ranges: Instead of days: a list of ``{"start_day": …, "end_day": …}``, or a task's output; the group is
        mapped over them, with one job each.
    :param object_storage_conn_id: Airflow connection of the store.
    :param group_id: Prefix of the three task ids.
    :param failed_days: If days fail at Twilio: ``store`` the others and then fail, naming the failed days; ``fail`` the
        wait and store nothing; or ``ignore`` them and store the others.
    :param check_destination: Before it spends quota, ``submit`` writes a small object to the destination and removes
        it.
    :param upload_options: Arguments of the store for everything that is written, such as encryption.
    :param twilio_conn_id: Airflow connection of type ``twilio_bulkexports``.
    :param deferrable: Wait in the triggerer instead of on a worker.
    :param store_arguments: Further arguments of ``BulkExportsToObjectStorageOperator``, such as ``layout``,
        ``file_format`` or ``drop_columns``.
    :return: What ``store`` returns, for the tasks downstream.
    """
    store: dict[str, Any] = {
        "destination": destination,
        "object_storage_conn_id": object_storage_conn_id,
        "upload_options": upload_options,
    }
    twilio: dict[str, Any] = {"resource_type": resource_type, "twilio_conn_id": twilio_conn_id}

    @task_group(group_id=group_id)
    def export(start_day: Any, end_day: Any) -> Any:
        submit = CreateExportCustomJobOperator(
            task_id="submit",
            start_day=start_day,
            end_day=end_day,
            deferrable=deferrable,
            **twilio,
            **(store if check_destination else {}),
        )
        wait = ExportCustomJobSensor(
            task_id="wait",
            job_sid=submit.output,
            start_day=start_day,  # so that a mapped task has its name before the job is polled
            end_day=end_day,
            failed_days=failed_days,
            deferrable=deferrable,
            **twilio,
        )
        return BulkExportsToObjectStorageOperator(
            task_id="store",
            days=wait.output,
            **store,
            **twilio,
            **store_arguments,
        ).output

    if ranges is not None:
        return export.expand_kwargs(ranges)
    return export(start_day, end_day)
