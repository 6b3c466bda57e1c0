"""days_to_refresh: which stored days Twilio had no prices of when they were exported. For DAG authors."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_bulkexports.exceptions import BulkExportsInputError, BulkExportsStorageError
from airflow_provider_bulkexports.model.days import parse_day, utc_today
from airflow_provider_bulkexports.model.plain import listed
from airflow_provider_bulkexports.model.resources import ResourceType, is_account_sid
from airflow_provider_bulkexports.object_storage.layout import (
    DEFAULT_LAYOUT,
    check_format,
    check_layout,
    day_path,
    layout_for,
    sidecar_of,
)
from airflow_provider_bulkexports.object_storage.manifest import Manifest
from airflow_provider_bulkexports.planning.backfill import join_days
from airflow_provider_bulkexports.tables.columns import columns_of
from airflow_provider_bulkexports.tables.conversion import FILE_FORMATS
from airflow_provider_bulkexports.tables.statistics import have_price

if TYPE_CHECKING:
    from airflow_provider_bulkexports.object_storage.destination import Destination

__all__ = ["days_to_refresh"]

#: Manifests that are read at the same time.
_THREADS = 8

#: Largest age in days: a hundred years.
_MAX_AGE = 36_500

log = logging.getLogger(__name__)


def days_to_refresh(
    destination: str,
    resource_type: str,
    *,
    older_than: int = 3,
    younger_than: int = 14,
    prices_missing: float = 0.001,
    object_storage_conn_id: str | None = None,
    layout: str = DEFAULT_LAYOUT,
    file_format: str | None = None,
    account_sid: str | None = None,
    today: str | date | None = None,
) -> list[dict[str, str]]:
    """
    Find the stored days whose prices were missing, so that they can be exported again.

    Twilio fills in the price of a message or a call within a day or so, and a day that was exported before that lacks
    some. Call this within a task and pass the result as ``ranges`` to ``export_to_object_storage`` with
    ``if_exists="submit"``. Only the manifests of days between the two ages are read, no data. They count prices if the
    files are converted: to Parquet, or with columns dropped or hashed. Other days are left out, and logged.

    :param destination: The transfer's, such as ``s3://lake/twilio``.
    :param resource_type: ``Messages`` or ``Calls``; the others have no prices.
    :param older_than: Days up to this age are left out; a day's age is the days from it to the current UTC day.
    :param younger_than: Days from this age on are left out.
    :param prices_missing: Share of finished outbound records, from 0 to 1, up to which a day counts as complete.
    :param object_storage_conn_id: The transfer's connection of the store.
    :param layout: The transfer's, if it has one of its own.
    :param file_format: ``json`` or ``parquet``; needed only if the destination has a day in both.
    :param account_sid: Account whose days are meant; needed if the layout has ``{account_sid}``.
    :param today: Current UTC day, by default that of the clock.
    :return: ``[{"start_day": "2026-01-05", "end_day": "2026-01-06"}, …]``, ascending; empty if no day is late.
    :raises BulkExportsInputError: for an argument that cannot be right.
    :raises BulkExportsStorageError: if the store cannot be read.
    """
    kind = _priced_type(resource_type)
    _check_share(prices_missing)
    now = utc_today() if today is None else parse_day(today, name="today")
    days = _days_of_age(older_than, younger_than, today=now)
    formats = _formats(layout, file_format)
    _check_account(layout, account_sid)

    from airflow_provider_bulkexports.object_storage.destination import Destination

    manifests = _Manifests(Destination(destination, object_storage_conn_id), kind, layout, formats, account_sid)
    return join_days(_late_days(manifests.of_days(days), more_than=prices_missing))


def _priced_type(resource_type: str) -> ResourceType:
    kind = ResourceType.parse(resource_type)
    if not have_price(columns_of(kind)):
        priced = " and ".join(other.value for other in ResourceType if have_price(columns_of(other)))
        raise BulkExportsInputError(f"resource_type {kind.value!r}: its records have no prices; {priced} have them")
    return kind


def _check_share(prices_missing: Any) -> None:
    is_number = isinstance(prices_missing, (int, float)) and not isinstance(prices_missing, bool)
    if not is_number or not 0 <= prices_missing < 1:
        raise BulkExportsInputError(
            f"prices_missing must be a share of records from 0 to below 1, such as 0.001, got {prices_missing!r}"
        )


def _days_of_age(older_than: int, younger_than: int, *, today: date) -> list[date]:
    for name, age in (("older_than", older_than), ("younger_than", younger_than)):
        if isinstance(age, bool) or not isinstance(age, int) or not 0 <= age <= _MAX_AGE:
            raise BulkExportsInputError(f"{name} must be a whole number of days from 0 to {_MAX_AGE}, got {age!r}")
    if younger_than - older_than < 2:
        raise BulkExportsInputError(
            f"no day is older than {older_than} and younger than {younger_than} days: make younger_than at least "
            f"{older_than + 2}"
        )
    return [today - timedelta(days=age) for age in range(younger_than - 1, older_than, -1)]


def _formats(layout: str, file_format: str | None) -> tuple[str, ...]:
    """Formats whose files the destination may have."""
    check_layout(layout)
    if file_format is None:
        return ("parquet", "json")
    if file_format not in FILE_FORMATS:
        raise BulkExportsInputError(f"file_format must be {' or '.join(map(repr, FILE_FORMATS))}, got {file_format!r}")
    check_format(layout_for(file_format, layout), file_format)
    return (file_format,)


def _check_account(layout: str, account_sid: object) -> None:
    if account_sid is None:
        if "{account_sid}" in layout:
            raise BulkExportsInputError(f"layout {layout!r} uses {{account_sid}}: pass account_sid")
    elif not is_account_sid(account_sid):
        raise BulkExportsInputError(
            f"account_sid {account_sid!r} is not an Account SID: write 'AC' and 32 hexadecimal digits"
        )


@dataclass(frozen=True)
class _Manifests:
    """
    Manifests of one resource type in a destination.

    :param formats: Formats of their files, the most likely one first.
    :param account_sid: Their account; ``None``: any.
    """

    destination: Destination
    resource_type: ResourceType
    layout: str
    formats: Sequence[str]
    account_sid: str | None

    def of_days(self, days: Sequence[date]) -> list[Manifest]:
        """
        Read the manifests of days, as far as there are any.

        :raises BulkExportsStorageError: if the store cannot be read; but S3 also refuses what does not exist to a role
            that may not list, so not if another manifest can be read.
        """
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="bulkexports-refresh") as threads:
            results = list(threads.map(self._read, days))
        found = [result for result in results if isinstance(result, Manifest)]
        refusals = [result for result in results if isinstance(result, BulkExportsStorageError)]
        if refusals and not found:
            raise refusals[0]
        if not found:
            log.warning(
                "Found no manifest of %s from %s to %s in %s. If days are stored there, check layout and account_sid",
                self.resource_type.value,
                days[0],
                days[-1],
                self.destination.folder_uri,
            )
        return found

    def _read(self, day: date) -> Manifest | BulkExportsStorageError | None:
        refusal = None
        for path in self._paths(day):
            try:
                manifest = Manifest.from_json(self.destination.read_json(path, is_needed=True))
            except BulkExportsStorageError as error:
                if not error.is_forbidden:
                    raise
                refusal = refusal or error
            else:
                if manifest and self._is_wanted(manifest, day):
                    return manifest
        return refusal

    def _paths(self, day: date) -> list[str]:
        files = (
            day_path(
                layout_for(file_format, self.layout),
                resource_type=self.resource_type,
                day=day,
                account_sid=self.account_sid,
                file_format=file_format,
            )
            for file_format in self.formats
        )
        return [sidecar_of(file, where) for file in dict.fromkeys(files) for where in ("beside", "aside")]

    def _is_wanted(self, manifest: Manifest, day: date) -> bool:
        return (
            manifest.day == day.isoformat()
            and manifest.resource_type in (None, self.resource_type.value)
            and (self.account_sid is None or manifest.account_sid in (None, self.account_sid))
        )


def _late_days(manifests: Sequence[Manifest], *, more_than: float) -> list[str]:
    """Days of which a larger share of the prices is missing."""
    late, unknown = [], []
    for manifest in manifests:
        missing, due = manifest.figures["prices_missing"], manifest.figures["prices_due"]
        if missing is None:
            unknown.append(manifest.day)
            continue
        of = manifest.records if due is None else due
        if missing > more_than * of:
            late.append(manifest.day)
            log.info("%s: %d of %d prices are missing", manifest.day, missing, of)
    if unknown:
        log.warning(
            "Cannot tell whether prices are missing of %s: their files are as Twilio made them, and only converted "
            "files are counted. These days are left out",
            listed(unknown),
        )
    if manifests:
        log.info("Prices are late on %d of %d stored days", len(late), len(manifests))
    return late
