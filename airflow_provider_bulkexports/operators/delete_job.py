"""DeleteExportJobOperator deletes export jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_provider_bulkexports.compat import BaseOperator, Context, XComArg
from airflow_provider_bulkexports.exceptions import BulkExportsNotFoundError
from airflow_provider_bulkexports.model.resources import parse_job_sids
from airflow_provider_bulkexports.tasks.arguments import is_literal
from airflow_provider_bulkexports.tasks.constructors import checks_arguments
from airflow_provider_bulkexports.tasks.defaults import DEFAULT_CONN_ID
from airflow_provider_bulkexports.tasks.failures import as_task_failures
from airflow_provider_bulkexports.tasks.missing_arguments import remember_given, require_given
from airflow_provider_bulkexports.tasks.mixin import BulkExportsTask
from airflow_provider_bulkexports.tasks.names import set_default_name

__all__ = ["DeleteExportJobOperator"]


@checks_arguments
class DeleteExportJobOperator(BulkExportsTask, BaseOperator):
    """
    Deletes a job, with its unfinished days; a job that is already gone counts as success.

    Finished day files stay until they expire, and the quota is not refunded. Returns (XCom) nothing.

    :param job_sid: The job, as ``CreateExportCustomJobOperator`` returns it, or a list of jobs. (templated)
    :param twilio_conn_id: Airflow connection of type ``twilio_bulkexports``. (templated)
    """

    template_fields: Sequence[str] = ("job_sid", "twilio_conn_id")
    operator_extra_links = ()  # the job is gone

    def __init__(
        self,
        *,
        job_sid: str | list[str] | XComArg,
        twilio_conn_id: str = DEFAULT_CONN_ID,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.job_sid = job_sid
        self.twilio_conn_id = twilio_conn_id
        if is_literal(job_sid):
            parse_job_sids(job_sid)
        remember_given(self)
        set_default_name(self)

    def execute(self, context: Context) -> None:
        """Delete every job."""
        with as_task_failures(self):
            require_given(self)
            client = self.hook.get_conn()
            for job_sid in parse_job_sids(self.job_sid):
                try:
                    client.delete_job(job_sid)
                    self.log.info("Deleted job %s", job_sid)
                except BulkExportsNotFoundError:
                    self.log.info("Job %s is already gone", job_sid)
