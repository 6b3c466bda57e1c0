"""Convert days that are stored already, without Twilio."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_provider_bulkexports.exceptions import BulkExportsError, BulkExportsInputError, DaysNotConvertedError
from airflow_provider_bulkexports.model.days import name_days, parse_day
from airflow_provider_bulkexports.model.plain import counted
from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.object_storage.layout import (
    DEFAULT_LAYOUT,
    EMPTY_DAYS,
    MANIFESTS,
    check_format,
    check_layout,
    layout_for,
)
from airflow_provider_bulkexports.provider_info import DEFAULT_CONN_ID
from airflow_provider_bulkexports.tables.column_rules import ColumnRules
from airflow_provider_bulkexports.tables.conversion import FILE_FORMATS, Conversion, require_pyarrow
from airflow_provider_bulkexports.tasks.arguments import require_choice
from airflow_provider_bulkexports.transfers.failed_days import IF_EXISTS, joined, parts_of

if TYPE_CHECKING:
    from airflow_provider_bulkexports.object_storage.destination import Destination
    from airflow_provider_bulkexports.object_storage.manifest import StoredDay

__all__ = ["convert_days"]


log = logging.getLogger(__name__)


def convert_days(
    source: str,
    destination: str,
    resource_type: str,
    start_day: str | date | None = None,
    end_day: str | date | None = None,
    *,
    source_conn_id: str | None = None,
    object_storage_conn_id: str | None = None,
    account_sid: str | None = None,
    source_layout: str = DEFAULT_LAYOUT,
    layout: str = DEFAULT_LAYOUT,
    file_format: str = "parquet",
    pii: str | None = None,
    hash_columns: Sequence[str] | None = None,
    drop_columns: Sequence[str] | None = None,
    new_fields: str | None = None,
    if_exists: str = "skip",
    empty_days: str = "store",
    manifests: str = "beside",
    upload_options: Mapping[str, Any] | None = None,
    spool_dir: str | None = None,
    max_parallel_days: int = 1,
    twilio_conn_id: str = DEFAULT_CONN_ID,
) -> list[StoredDay]:
    """
    Convert day files that are stored as JSON, for example those of an earlier year, without asking Twilio.

    Each file is checked again (every gzip checksum, every line, and its manifest if it has one), converted, and
    published in one step with its own manifest. The source is left as it is. An interrupted conversion continues
    where it stopped: days whose result is stored already, from the same file and by the same rules, are skipped.

    :param source: Folder of the files, as ``destination`` of ``BulkExportsToObjectStorageOperator``.
    :param destination: Another folder, or the same with ``{format}`` in both layouts.
    :param resource_type: ``Messages``, ``Calls``, ``Conferences`` or ``Participants``.
    :param start_day: First UTC day, inclusive; by default the first that is stored.
    :param end_day: Last UTC day, inclusive; by default the last that is stored.
    :param source_conn_id: Airflow connection of the source's store; by default ``object_storage_conn_id``, if both
        folders are in the same kind of store.
    :param object_storage_conn_id: Airflow connection of the destination's store.
    :param account_sid: Only the days of this account, if ``source_layout`` has ``{account_sid}``; by default those of
        every account.
    :param source_layout: Layout of the source.
    :param layout: Layout of the destination; it ends in ``.parquet`` for Parquet.
    :param file_format: ``parquet``, or ``json`` to drop or hash columns only.
    :param pii: As for ``BulkExportsToObjectStorageOperator``, also ``hash_columns``, ``drop_columns``, ``new_fields``,
        ``empty_days``, ``manifests``, ``upload_options`` and ``spool_dir``.
    :param if_exists: ``skip`` a day that is converted already, always ``overwrite``, or ``fail``.
    :param max_parallel_days: How many days are converted at the same time; each takes some 200 MiB of memory.
    :param twilio_conn_id: Airflow connection with the key for hashing (extra ``hash_key``); read only to hash.
    :return: The days in the destination, ascending, those of each account together.
    :raises BulkExportsInputError: for arguments that cannot be right, and if no day is stored; before any is converted.
    :raises DaysNotConvertedError: after all others are converted, if some days could not be.
    """
    from airflow_provider_bulkexports.object_storage.day_store import DayStore
    from airflow_provider_bulkexports.object_storage.destination import Destination
    from airflow_provider_bulkexports.object_storage.stored_days import StoredDays

    kind = ResourceType.parse(resource_type)
    layout = layout_for(file_format, layout)
    _check_layouts(source_layout, layout, file_format=file_format)
    require_choice("if_exists", if_exists, IF_EXISTS)
    require_choice("empty_days", empty_days, EMPTY_DAYS)
    require_choice("manifests", manifests, MANIFESTS)
    if max_parallel_days < 1:
        raise BulkExportsInputError(f"max_parallel_days must be 1 or more, got {max_parallel_days}")
    conversion = _conversion(
        file_format,
        ColumnRules.parse(
            kind,
            pii=pii,
            hash_columns=hash_columns,
            drop_columns=drop_columns,
            new_fields=new_fields,
            hash_key=_hash_key(twilio_conn_id) if pii == "hash" or hash_columns else None,
        ),
    )
    if source_conn_id is None and urlsplit(source).scheme == urlsplit(destination).scheme:
        source_conn_id = object_storage_conn_id
    folder = Destination(source, source_conn_id)
    target = Destination(destination, object_storage_conn_id, upload_options)
    found = _days_by_account(folder, source_layout, kind, account_sid, start_day, end_day)
    if len(found) > 1 and "{account_sid}" not in layout:
        raise BulkExportsInputError(
            f"{folder.folder_uri} has days of {len(found)} accounts, whose files would have the same paths: put "
            "{account_sid} into the layout, or pass account_sid"
        )
    converted: list[StoredDay] = []
    failures: list[tuple[date, Exception]] = []
    for account, days in found.items():
        store = DayStore(
            source=StoredDays(folder, source_layout, kind, account),
            resource_type=kind,
            destination=target,
            layout=layout,
            if_exists=if_exists,
            ignore_missing=False,
            spool_dir=spool_dir,
            log=log,
            empty_days=empty_days,
            manifests=manifests,
            conversion=conversion,
        )
        outcome = store.store_all(days, at_a_time=max_parallel_days)
        converted += outcome.entries
        failures += outcome.failures.items()
    if failures:
        for day, reason in failures:
            log.error("%s was not converted: %s", day, reason)
        bug = next((error for _, error in failures if not isinstance(error, BulkExportsError)), None)
        raise _not_converted(failures, total=len(failures) + len(converted), if_exists=if_exists) from bug
    return converted


def _not_converted(failures: Sequence[tuple[date, Exception]], *, total: int, if_exists: str) -> DaysNotConvertedError:
    which, days = name_days("days not converted", (day for day, _ in failures))
    cause, cure, place = parts_of(failures[0][1])
    skip = "" if if_exists == "skip" else " with if_exists='skip'"
    return DaysNotConvertedError(
        f"{len(failures)} of {counted(total, 'day')} could not be converted{which}. "
        f"{'The first failure: ' if len(failures) > 1 else ''}{cause}",
        failures=failures,
        remedy=joined([cure, f"Then run it again{skip}: it converts these days, and skips the others."]),
        details={**days, **place},
    )


def _check_layouts(source: str, target: str, *, file_format: str) -> None:
    require_choice("file_format", file_format, FILE_FORMATS)
    for layout in (source, target):
        check_layout(layout)
    check_format(source, "json")
    check_format(target, file_format)
    if "{account_sid}" in target and "{account_sid}" not in source:
        raise BulkExportsInputError(
            f"layout {target!r} uses {{account_sid}}, which source_layout does not have: leave it out"
        )


def _conversion(file_format: str, rules: ColumnRules) -> Conversion:
    if file_format == "parquet":
        require_pyarrow()
    conversion = Conversion(file_format, rules)
    if not conversion.changes_files:
        raise BulkExportsInputError(
            "file_format 'json' without columns to drop or hash changes nothing: pass file_format='parquet', pii, "
            "drop_columns or hash_columns"
        )
    return conversion


def _hash_key(twilio_conn_id: str) -> str | None:
    from airflow_provider_bulkexports.hooks.bulkexports import BulkExportsHook

    return BulkExportsHook(twilio_conn_id).get_hash_key()


def _days_by_account(
    folder: Destination,
    layout: str,
    kind: ResourceType,
    account_sid: str | None,
    start_day: str | date | None,
    end_day: str | date | None,
) -> dict[str | None, list[date]]:
    """
    List the stored days in a range, by account.

    :raises BulkExportsInputError: if there are none.
    """
    from airflow_provider_bulkexports.object_storage.stored_days import find_stored_days

    first = date.min if start_day is None else parse_day(start_day, name="start_day")
    last = date.max if end_day is None else parse_day(end_day, name="end_day")
    if first > last:
        raise BulkExportsInputError(f"start_day {first} is after end_day {last}: exchange them")
    if account_sid is not None and "{account_sid}" not in layout:
        raise BulkExportsInputError(
            "account_sid chooses among the accounts of source_layout, which has no {account_sid}"
        )
    stored = find_stored_days(folder, layout, kind, account_sid=account_sid)
    in_range = {account: [day for day in days if first <= day <= last] for account, days in stored.items()}
    found = {account: days for account, days in in_range.items() if days}
    if not found:
        outside = f"; there are {sum(map(len, stored.values()))} on other days" if stored else ""
        raise BulkExportsInputError(
            f"{folder.folder_uri} has no files of {kind} with the layout {layout!r} in this range{outside}: correct "
            "source, source_layout or the days"
        )
    total = counted(sum(map(len, found.values())), "day")
    log.info("%s of %s to convert below %s", total, kind, folder.folder_uri)
    return found
