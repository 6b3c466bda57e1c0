"""
BulkExportsClient: one method per operation of Twilio's OpenAPI document.

    client = BulkExportsClient("AC…", "token")
    job = client.create_job("Messages", start_day="2026-01-01", end_day="2026-01-07", friendly_name="first week")
    client.get_job(job.job_sid).details
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import date
from functools import partial
from itertools import chain
from os import PathLike
from pathlib import Path
from typing import Any, NoReturn

from airflow_provider_bulkexports.api.credentials import Credentials
from airflow_provider_bulkexports.api.download import DownloadedDay, download
from airflow_provider_bulkexports.api.json_body import ElementReader, ListCache
from airflow_provider_bulkexports.api.paging import address_of, iterate_pages, require_page
from airflow_provider_bulkexports.api.request_check import check_settings, check_submission, check_webhook
from airflow_provider_bulkexports.api.response_check import (
    configuration_about,
    created_job,
    export_about,
    listed_days,
    listed_jobs,
    the_job,
)
from airflow_provider_bulkexports.api.retry import RetryPolicy
from airflow_provider_bulkexports.api.settings import BASE_URL, checked_seconds
from airflow_provider_bulkexports.api.signed_link import SignedLink
from airflow_provider_bulkexports.api.storage_host import Storage
from airflow_provider_bulkexports.api.transport import Transport
from airflow_provider_bulkexports.model.days import DayRange, check_exportable, check_job_length, parse_day, utc_today
from airflow_provider_bulkexports.model.resources import (
    Export,
    ExportConfiguration,
    ExportDay,
    Job,
    ResourceType,
    parse_job_sid,
)

__all__ = ["BulkExportsClient", "check_webhook"]

#: Largest pages Twilio documents (OpenAPI document, ``PageSize``); what it does above them is undocumented.
JOBS_PAGE_SIZE = 1000
DAYS_PAGE_SIZE = 400


class BulkExportsClient:
    """
    Twilio's BulkExports for the account of its credentials: no path names it.

    :param login: Account SID (``AC…``) or API key SID (``SK…``).
    :param password: The account's Auth Token, or the key's secret.
    :param base_url: Origin of the API; plain ``http`` is accepted for loopback hosts only.
    :param account_sid: The account, when ``login`` is an API key; for display, Twilio does not need it.
    :param connect_timeout: Seconds to wait for a connection.
    :param read_timeout: Seconds to wait for the next bytes of a response.
    :param stall_timeout: Seconds to wait for the first byte of a file, and over which its transfer must not stall.
    :param retry: Retries within one call; see :mod:`airflow_provider_bulkexports.api.retry`.
    :param user_agent: Added to the package's own User-Agent.
    :param connection: Name of the Airflow connection; errors name it and its account.
    :param today: Current UTC day; decides which days can be exported.
    :raises BulkExportsInputError: if a value cannot be right.
    """

    def __init__(
        self,
        login: str,
        password: str,
        *,
        base_url: str = BASE_URL,
        account_sid: str | None = None,
        connect_timeout: float = 10.0,
        read_timeout: float = 30.0,
        stall_timeout: float = 60.0,
        retry: RetryPolicy | None = None,
        user_agent: str = "",
        connection: str = "",
        today: Callable[[], date] = utc_today,
    ) -> None:
        credentials = Credentials(login, password)
        del password  # so that a traceback with local variables does not show it
        self._retry = retry or RetryPolicy()
        self._transport = Transport(
            credentials,
            base_url=base_url,
            account_sid=account_sid,
            timeouts=(connect_timeout, read_timeout),
            retry=self._retry,
            user_agent=user_agent,
            connection=connection,
        )
        self._storage = Storage(
            (connect_timeout, read_timeout), stall_timeout=checked_seconds("stall_timeout", stall_timeout)
        )
        self._today = today

    def __repr__(self) -> str:
        transport: Transport | None = getattr(self, "_transport", None)  # missing while the client is being made
        shown = f"{transport.login!r}, base_url={transport.base_url!r}" if transport else ""
        return f"{type(self).__name__}({shown})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a client cannot be pickled, because it holds credentials: make a new one instead")

    @property
    def base_url(self) -> str:
        """Origin of the API, without a trailing slash."""
        return self._transport.base_url

    @property
    def account_sid(self) -> str | None:
        """Account that the credentials act on; ``None`` for an API key without ``account_sid``."""
        return self._transport.account_sid

    def create_job(
        self,
        resource_type: str,
        *,
        start_day: str | date,
        end_day: str | date,
        friendly_name: str,
        webhook_url: str | None = None,
        webhook_method: str | None = None,
        email: str | None = None,
    ) -> Job:
        """
        Submit an export job (``CreateExportCustomJob``). It costs quota at once: a day of it for each day.

        Not idempotent: after a :exc:`BulkExportsConnectionError` or :exc:`BulkExportsServerError` the job may exist.
        Look for the friendly name in :meth:`list_jobs` before you call this again.

        :param start_day: First UTC day, inclusive.
        :param end_day: Last UTC day, inclusive; at the latest the day before yesterday.
        :raises BulkExportsInputError: before anything is sent, if Twilio would refuse a value.
        :raises BulkExportsQuotaError: if Twilio's message says that the quota of this UTC day is used up.
        """
        kind = ResourceType.parse(resource_type)
        days = DayRange.parse(start_day, end_day)
        check_job_length(days)
        check_exportable(days.end, today=self._today())
        check_submission(friendly_name, webhook_url, webhook_method, email)
        form = {
            "StartDay": days.start.isoformat(),
            "EndDay": days.end.isoformat(),
            "FriendlyName": friendly_name,
            "WebhookUrl": webhook_url or None,
            "WebhookMethod": webhook_method or None,
            "Email": email or None,
        }
        check = partial(created_job, resource_type=kind, days=days, friendly_name=friendly_name)
        return self._transport.send_json("POST", f"/v1/Exports/{kind}/Jobs", form=form, check=check)

    def list_jobs(self, resource_type: str) -> Iterator[Job]:
        """
        List each job of a resource type once: unfinished ones, and those of the last seven days.

        Sends ``ListExportCustomJob``. The order is Twilio's, which is undocumented.
        """
        return chain.from_iterable(self.list_job_pages(resource_type))

    def list_job_pages(self, resource_type: str, *, recollection: ListCache | None = None) -> Iterator[list[Job]]:
        """
        List jobs like :meth:`list_jobs`, one page for each request, for callers that may stop early.

        :param recollection: Cache of the same list, for callers that read it repeatedly.
        """
        kind = ResourceType.parse(resource_type)
        path, read = f"/v1/Exports/{kind}/Jobs", recollection or Job.from_json
        seen: set[str] = set()
        if recollection:
            recollection.begin()
        for page in self._pages(path, page_size=JOBS_PAGE_SIZE, key="jobs", read=read):
            jobs = []
            for job in listed_jobs(page, kind):
                # A job that is created or ages out while pages are read shifts the others: one can come twice.
                if job.job_sid not in seen:
                    seen.add(job.job_sid)
                    jobs.append(job)
            yield jobs

    def get_job(self, job_sid: str) -> Job:
        """Fetch one job of any resource type (``FetchJob``)."""
        sid = parse_job_sid(job_sid)
        return self._transport.send_json("GET", f"/v1/Exports/Jobs/{sid}", check=partial(the_job, job_sid=sid))

    def delete_job(self, job_sid: str) -> None:
        """
        Remove a job's unfinished days from the queue (``DeleteJob``). Finished files stay; the quota is not refunded.

        :raises BulkExportsNotFoundError: if Twilio does not know the job, or no longer.
        """
        self._transport.send("DELETE", f"/v1/Exports/Jobs/{parse_job_sid(job_sid)}")

    def list_days(self, resource_type: str) -> Iterator[ExportDay]:
        """
        List the day files that can be downloaded now, made by anyone, in order of creation (``ListDay``).

        A day that was exported twice may be listed twice; the later entry is the newer file.
        """
        kind = ResourceType.parse(resource_type)
        path = f"/v1/Exports/{kind}/Days"
        for page in self._pages(path, page_size=DAYS_PAGE_SIZE, key="days", read=ExportDay.from_json):
            yield from listed_days(page, kind)

    def get_day_link(self, resource_type: str, day: str | date) -> SignedLink:
        """
        Request the link to a day's file (``FetchDay``). It works once, within about four minutes.

        :raises BulkExportsNotFoundError: if the day is not exported, or was exported more than seven days ago.
        """
        kind = ResourceType.parse(resource_type)
        path = f"/v1/Exports/{kind}/Days/{parse_day(day).isoformat()}"
        return self._transport.request("GET", path, read=SignedLink.from_response, redirect_is_expected=True)

    def download_day(
        self,
        resource_type: str,
        day: str | date,
        target: str | PathLike[str],
        *,
        expected_size: int | None = None,
        expected_sizes: Collection[int] = (),
        may_be_empty: bool | Callable[[], bool] = False,
    ) -> DownloadedDay:
        """
        Download a day's file to a local path, complete and verified. An interrupted transfer resumes with a fresh link.

        :param target: File to write; its folder must exist. It is replaced in one step, after verification.
        :param expected_size: Bytes that :meth:`list_days` gives for the day, to check; 0 means unknown.
        :param expected_sizes: The sizes of a day that is listed several times; any of them is accepted.
        :param may_be_empty: Whether the day's job says ``CompletedEmptyRecords``, or a function that finds out. Only
            then are zero bytes a file, stored as a valid gzip file without records; else they are a failed transfer.
        :return: The verified file; its ``size`` says which of the ``expected_sizes`` it has.
        :raises BulkExportsNotFoundError: if Twilio has no file of the day, or no longer.
        :raises BulkExportsDownloadError: if repeated attempts failed.
        """
        kind, wanted = ResourceType.parse(resource_type), parse_day(day)
        return download(
            wanted,
            Path(target),
            request_link=lambda: self.get_day_link(kind, wanted),
            storage=self._storage,
            expected_sizes=(*expected_sizes, expected_size or 0),
            may_be_empty=may_be_empty,
            backoff=self._retry.backoff,
        )

    def get_export(self, resource_type: str) -> Export:
        """Fetch the entry point of a resource type (``FetchExport``): cheap, and without quota."""
        kind = ResourceType.parse(resource_type)
        return self._transport.send_json("GET", f"/v1/Exports/{kind}", check=partial(export_about, resource_type=kind))

    def probe(self, resource_type: str) -> str:
        """
        Check that this client works, by fetching one job of a resource type: quick, and without quota.

        :return: URL of the list as the response names it; empty if it names none.
        """
        path = f"/v1/Exports/{ResourceType.parse(resource_type)}/Jobs?PageSize=1"
        return self._transport.send_json("GET", path, check=partial(address_of, key="jobs", url=self.base_url + path))

    def get_configuration(self, resource_type: str) -> ExportConfiguration:
        """Fetch the settings of the automatic daily export (``FetchExportConfiguration``)."""
        kind = ResourceType.parse(resource_type)
        return self._transport.send_json(
            "GET", f"/v1/Exports/{kind}/Configuration", check=partial(configuration_about, resource_type=kind)
        )

    def update_configuration(
        self,
        resource_type: str,
        *,
        enabled: bool | None = None,
        webhook_url: str | None = None,
        webhook_method: str | None = None,
    ) -> ExportConfiguration:
        """
        Change settings of the automatic daily export (``UpdateExportConfiguration``); ``None`` keeps a setting.

        :param enabled: Whether Twilio exports every day automatically; for Twilio Editions accounts.
        :param webhook_method: ``GET`` or ``POST``.
        """
        kind = ResourceType.parse(resource_type)
        check_settings(webhook_url, webhook_method)
        form = {
            "Enabled": None if enabled is None else str(enabled).lower(),
            "WebhookUrl": webhook_url,
            "WebhookMethod": webhook_method,
        }
        check = partial(configuration_about, resource_type=kind)
        return self._transport.send_json("POST", f"/v1/Exports/{kind}/Configuration", form=form, check=check)

    def close(self) -> None:
        """Close the pooled connections."""
        self._transport.close()
        self._storage.close()

    def _pages(self, path: str, *, page_size: int, key: str, read: ElementReader) -> Iterator[list[Any]]:
        first_url = f"{self.base_url}{path}?PageSize={page_size}"
        send = partial(self._transport.send_json, "GET", read=read)
        return iterate_pages(lambda url: send(url, check=partial(require_page, key=key, url=url)), first_url, key=key)
