"""Check, before an export is paid for, that its files can be stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from airflow_provider_bulkexports.compat import Log
from airflow_provider_bulkexports.exceptions import BulkExportsStorageError
from airflow_provider_bulkexports.tasks.arguments import is_filled_in_later, is_literal

__all__ = ["check_known_destination", "check_writable"]


class HasDestination(Protocol):
    """
    A task that checks the storing task's destination.

    :param destination: Where that one stores; ``None`` if it is not known.
    """

    destination: str | None
    object_storage_conn_id: str | None
    upload_options: Mapping[str, Any] | None

    @property
    def log(self) -> Log:
        """The task's log."""


def check_writable(task: HasDestination) -> None:
    """
    Write a small object to the destination, and remove it.

    If the store is down for the moment, the export does not wait for it: it takes its time anyway.

    :raises BulkExportsError: if the destination is invalid or the store refuses, so that no retry helps.
    """
    if task.destination is None:
        return
    from airflow_provider_bulkexports.object_storage.destination import Destination

    try:
        destination = Destination(task.destination, task.object_storage_conn_id, task.upload_options)
        destination.check()
    except BulkExportsStorageError as error:
        if not error.is_transient:
            raise
        task.log.warning("Could not check the destination before submitting. %s", error)
    else:
        task.log.info("The destination %s is writable", destination.folder_uri)


def check_known_destination(destination: Any) -> None:
    """
    Reject an invalid destination at parse time; templates pass.

    :raises BulkExportsInputError: saying what to write instead.
    """
    if is_literal(destination) or not (isinstance(destination, str) or is_filled_in_later(destination)):
        from airflow_provider_bulkexports.object_storage.destination_url import check_scheme

        check_scheme(destination)
