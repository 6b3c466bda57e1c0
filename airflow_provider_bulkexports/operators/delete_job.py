"""DeleteExportJobOperator takes an export job back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from airflow_provider_bulkexports.compat import BaseOperator, Context, XComArg
from airflow_provider_bulkexports.exceptions import BulkExportsNotFoundError
from airflow_provider_bulkexports.hooks.bulkexports import BulkExportsHook
from airflow_provider_bulkexports.model.resources import parse_job_sids
from airflow_provider_bulkexports.tasks.arguments import is_literal
from airflow_provider_bulkexports.tasks.failures import as_task_failures
from airflow_provider_bulkexports.tasks.missing_arguments import remember_given, require_given

__all__ = ["DeleteExportJobOperator"]


class DeleteExportJobOperator(BaseOperator):
    """
    Takes the unfinished days of a job out of Twilio's queue; a job that is already gone is a success.

    Finished day files stay until they expire, and the quota is not given back. Returns (XCom) nothing.

    :param job_sid: The job, as ``CreateExportCustomJobOperator`` returns it, or a list of jobs. (templated)
    :param twilio_conn_id: Airflow connection of type ``twilio_bulkexports``. (templated)
    """

    template_fields: Sequence[str] = ("job_sid", "twilio_conn_id")
    ui_color = "#f9e2e4"

    def __init__(
        self,
        *,
        job_sid: str | list[str] | XComArg,
        twilio_conn_id: str = BulkExportsHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.job_sid = job_sid
        self.twilio_conn_id = twilio_conn_id
        if is_literal(job_sid):
            parse_job_sids(job_sid)
        remember_given(self)

    @cached_property
    def hook(self) -> BulkExportsHook:
        """The hook, built at first use."""
        return BulkExportsHook(self.twilio_conn_id)

    def execute(self, context: Context) -> None:
        """Delete every job."""
        with as_task_failures():
            require_given(self)
            client = self.hook.get_conn()
            for job_sid in parse_job_sids(self.job_sid):
                try:
                    client.delete_job(job_sid)
                    self.log.info("Deleted job %s", job_sid)
                except BulkExportsNotFoundError:
                    self.log.info("Job %s is already gone", job_sid)
