"""The link on a task's page to its export, in Twilio's console or at the connection's own host."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_bulkexports.compat import BaseOperatorLink, Context, XCom
from airflow_provider_bulkexports.model.resources import ResourceType

if TYPE_CHECKING:
    from airflow_provider_bulkexports.api.client import BulkExportsClient

__all__ = ["BulkExportsLink", "push_link"]

_XCOM_KEY = "twilio_bulkexports_link"

#: Twilio's documentation ("Bulk Export API overview", 2026) gives the address of *Voice > Settings > Log archives*,
#: which lists jobs and files; its ``__account__`` stands for the account of the logged-in user. For messages it only
#: mentions the equivalent page under *Messaging*: that address is inferred. No page of a single job is documented.
_CONSOLE = "https://1console.twilio.com/go?to=/account/__account__/us1/{product}/settings/log-archives-settings"


class BulkExportsLink(BaseOperatorLink):
    """
    Link to the export; it exists as soon as the task knows its job or resource type.

    The task stores the address as an XCom: Airflow 2 reads it in its web server, where nothing else of the task is
    known, and Airflow 3 shows that XCom while the task runs or is deferred.
    """

    name = "Twilio export"

    @property
    def xcom_key(self) -> str:
        """Key under which Airflow 3 looks for the address."""
        return _XCOM_KEY

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the address; empty while there is none."""
        return XCom.get_value(ti_key=ti_key, key=_XCOM_KEY) or ""


def push_link(
    context: Context,
    client: BulkExportsClient,
    *,
    resource_type: ResourceType | None = None,
    job_sids: Sequence[str] | None = None,
) -> None:
    """
    Store the address of the task's link.

    :param job_sids: Link to these jobs; to the list of jobs if the task has none yet; ``None``: to the list of files.
    """
    if task_instance := context.get("ti"):  # absent when the operator is run outside Airflow
        task_instance.xcom_push(key=_XCOM_KEY, value=_address(client, resource_type, job_sids))


def _address(client: BulkExportsClient, resource_type: ResourceType | None, job_sids: Sequence[str] | None) -> str:
    from airflow_provider_bulkexports.api.urls import is_twilio

    if is_twilio(client.base_url):
        product = "messaging" if resource_type is ResourceType.MESSAGES else "voice"
        return _CONSOLE.format(product=product)
    exports = f"{client.base_url}/v1/Exports"
    if resource_type is not None and (job_sids is None or len(job_sids) != 1):
        return f"{exports}/{resource_type.value}/{'Days' if job_sids is None else 'Jobs'}"
    return f"{exports}/Jobs/{job_sids[0]}" if job_sids else exports
