"""What every task of this package has: the hook, the link, asset events, and the end of a wait."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from airflow_provider_bulkexports.assets.events import add_result_events, require_asset_outlet
from airflow_provider_bulkexports.compat import BaseOperatorLink, Context
from airflow_provider_bulkexports.links import BulkExportsLink, push_link
from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.model.results import WaitResult
from airflow_provider_bulkexports.tasks.expiry import warn_if_expiring
from airflow_provider_bulkexports.tasks.names import NamedTask
from airflow_provider_bulkexports.tasks.task_outputs import Returns

if TYPE_CHECKING:
    from airflow_provider_bulkexports.hooks.bulkexports import BulkExportsHook

__all__ = ["BulkExportsTask"]


class BulkExportsTask(NamedTask):
    """
    Mixin of operators, sensors and the transfer; it comes before Airflow's class.

    :param twilio_conn_id: Airflow connection of type ``twilio_bulkexports``.
    :param emit_partitions: Make one event a day for each asset among ``outlets``.
    """

    ui_color = "#f9e2e4"
    operator_extra_links: Collection[BaseOperatorLink] = (BulkExportsLink(),)

    #: What the task returns; see ``tasks/task_outputs.py``.
    returns: ClassVar[Returns] = "nothing"

    twilio_conn_id: str
    emit_partitions: bool

    @cached_property
    def hook(self) -> BulkExportsHook:
        """The hook, built at first use; DAG files are parsed without it and without HTTP."""
        from airflow_provider_bulkexports.hooks.bulkexports import BulkExportsHook

        return BulkExportsHook(self.twilio_conn_id)

    def _require_asset_outlet(self) -> None:
        require_asset_outlet(self, emit_partitions=self.emit_partitions)

    def _push_link(
        self, context: Context, *, resource_type: ResourceType | None = None, job_sids: Sequence[str] | None = None
    ) -> None:
        push_link(context, self.hook.get_conn(), resource_type=resource_type, job_sids=job_sids)

    def _publish(self, context: Context, result: WaitResult) -> WaitResult:
        """Return a wait's result after warning of files that expire soon, and adding the days to asset events."""
        warn_if_expiring(result, log=self.log)
        add_result_events(self, context, result, emit_partitions=self.emit_partitions, log=self.log)
        return result
