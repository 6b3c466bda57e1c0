"""BulkExportsToObjectStorageOperator: day files from Twilio into any object store."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_provider_bulkexports.assets.bulkexports import asset_uri_of
from airflow_provider_bulkexports.assets.events import add_day_events
from airflow_provider_bulkexports.assets.lineage import report_hook_lineage, store_lineage
from airflow_provider_bulkexports.compat import BaseOperator, Context, XComArg
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.days import explicit_days
from airflow_provider_bulkexports.model.plain import counted
from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.model.results import WaitResult
from airflow_provider_bulkexports.object_storage.layout import (
    DEFAULT_LAYOUT,
    EMPTY_DAYS,
    MANIFESTS,
    check_format,
    check_layout,
    layout_for,
)
from airflow_provider_bulkexports.object_storage.upload_options import check_upload_options
from airflow_provider_bulkexports.planning.requested_days import RequestedDays
from airflow_provider_bulkexports.tables.column_rules import ColumnRules
from airflow_provider_bulkexports.tables.conversion import FILE_FORMATS, Conversion, require_pyarrow
from airflow_provider_bulkexports.tasks.arguments import is_literal, literal_days, literal_or, require_choice
from airflow_provider_bulkexports.tasks.constructors import checks_arguments
from airflow_provider_bulkexports.tasks.days_to_store import days_of_run
from airflow_provider_bulkexports.tasks.defaults import DEFAULT_CONN_ID
from airflow_provider_bulkexports.tasks.destination_check import check_known_destination
from airflow_provider_bulkexports.tasks.failures import as_task_failures
from airflow_provider_bulkexports.tasks.missing_arguments import remember_given, require_given
from airflow_provider_bulkexports.tasks.mixin import BulkExportsTask
from airflow_provider_bulkexports.tasks.names import set_default_name
from airflow_provider_bulkexports.tasks.schedules import warn_at_parse_time, warn_in_run
from airflow_provider_bulkexports.transfers.failed_days import IF_EXISTS, require_all_exported, require_all_stored

if TYPE_CHECKING:
    from airflow_provider_bulkexports.object_storage.day_store import DayStore, StoredDay, StoreResult
    from airflow_provider_bulkexports.object_storage.destination import Destination

__all__ = ["BulkExportsToObjectStorageOperator"]

_MISSING_DAYS = ("fail", "ignore")
_TWICE = "days as well as start_day or end_day: pass one or the other"


@checks_arguments
class BulkExportsToObjectStorageOperator(BulkExportsTask, BaseOperator):
    """
    Stores the files of exported days, each whole and verified or not at all.

    A file is stored byte for byte as Twilio made it, or converted: to Parquet, or with columns dropped or hashed. It is
    spooled, checked (length, every gzip checksum, every line) and then published in one step. Its manifest,
    ``_<file>.manifest.json``, has its account, generation, size and SHA-256: running the task again fetches only what
    is missing or differs. A file of another account or resource type is neither replaced nor accepted as the day's
    file: the task fails. If a day fails, the others are still stored; then the task fails, naming the day.

    Returns (XCom) a list of :class:`~airflow_provider_bulkexports.object_storage.day_store.StoredDay`, one a day,
    ascending: ``day``, ``uri``, ``bytes``, ``records``, ``sha256``, ``create_date``, ``status``, ``resource_type``,
    ``account_sid``, ``listed_size``, ``friendly_name``, ``format``, ``columns``, ``source_bytes``, ``source_sha256``,
    ``rescued``, ``prices_due``, ``prices_missing``, ``price_total``, ``duplicate_sids``, ``changes``.

    :param resource_type: ``Messages``, ``Calls``, ``Conferences`` or ``Participants``. Optional if ``days`` is a
        sensor's result, with which it must agree. (templated)
    :param days: The days: one, a list, a text with commas between, or a sensor's whole result (or a list of results),
        of which the completed and the empty days are stored. If the sensor has ``failed_days="store"``, the
        task fails for the failed days after it has stored the others. (templated)
    :param start_day: Instead of ``days``: first UTC day, inclusive. Without any of them, those of the run's partition
        key, of the asset events that started it, of its data interval or of its logical date. (templated)
    :param end_day: Last UTC day, inclusive. (templated)
    :param destination: Folder: ``s3://bucket/folder``, ``gs://…``, ``abfs://…``, ``file:///folder``, or an absolute
        local path. (templated)
    :param object_storage_conn_id: Airflow connection of the store, such as ``aws_default``; by default the credentials
        of the worker's environment. (templated)
    :param layout: Path below the destination, with ``{day}`` and optionally ``{resource_type}``, ``{account_sid}``,
        ``{year}``, ``{month}``, ``{format}``. It ends in ``.parquet`` for Parquet.
    :param file_format: ``json``: JSON lines in gzip, as Twilio makes them; or ``parquet``: typed columns, and
        ``_rescued`` for what fits none (extra ``parquet``).
    :param pii: ``drop`` or ``hash`` the columns that Twilio labels as personal: bodies, numbers and names. Hashes are
        HMAC-SHA-256 with the connection's extra ``hash_key``.
    :param hash_columns: Columns to hash instead, or besides.
    :param drop_columns: Columns to leave out.
    :param new_fields: ``keep`` fields that are not columns (in ``_rescued``), ``drop`` them, or ``fail`` the day;
        ``drop`` by default if a column is dropped or hashed.
    :param if_exists: ``skip`` a day whose file is stored already, always ``overwrite``, or ``fail``. (templated)
    :param missing_days: ``fail`` if Twilio has no file of a day, or ``ignore`` it, with status ``missing``. (templated)
    :param missing_timeout: Seconds to wait for the file of a day that its job reports as completed.
    :param max_parallel_days: How many days are fetched at the same time.
    :param spool_dir: Local folder for files on their way to an object store; the system's temporary folder by default.
    :param write_manifest: Also write the result to ``_manifests/resource_type=…/<first day>_<last day>.json`` below
        the destination.
    :param upload_options: Arguments of the store for everything that is written, in the store's own names; for S3, for
        example, ``{"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "…", "StorageClass": "STANDARD_IA"}``. (templated)
    :param empty_days: ``store`` a day without records as an empty gzip file, or ``skip`` it, with status ``empty``,
        because some readers fail on such a file.
    :param manifests: Where the files' manifests go: ``beside`` them, ``aside`` (the same path below ``_manifests`` in
        the destination), or ``none``: then stored days are fetched and stored again.
    :param twilio_conn_id: Airflow connection of type ``twilio_bulkexports``. (templated)
    :param emit_partitions: Make one event a day for each asset among ``outlets``, with the day as its partition key
        (Airflow 3.3 and later), instead of one event with all ``days`` in its ``extra``.
    """

    template_fields: Sequence[str] = (
        "resource_type",
        "days",
        "start_day",
        "end_day",
        "destination",
        "object_storage_conn_id",
        "if_exists",
        "missing_days",
        "upload_options",
        "twilio_conn_id",
    )

    returns = "files"

    _outcome: StoreResult | None = None
    _resource_type: ResourceType | None = None

    def __init__(
        self,
        *,
        resource_type: str | None = None,
        destination: str,
        days: str | Sequence[str | date | WaitResult] | WaitResult | XComArg | None = None,
        start_day: str | date | None = None,
        end_day: str | date | None = None,
        object_storage_conn_id: str | None = None,
        layout: str = DEFAULT_LAYOUT,
        if_exists: str = "skip",
        missing_days: str = "fail",
        missing_timeout: float = 300,
        max_parallel_days: int = 4,
        spool_dir: str | None = None,
        write_manifest: bool = False,
        upload_options: Mapping[str, Any] | None = None,
        empty_days: str = "store",
        manifests: str = "beside",
        file_format: str = "json",
        pii: str | None = None,
        hash_columns: Sequence[str] | None = None,
        drop_columns: Sequence[str] | None = None,
        new_fields: str | None = None,
        twilio_conn_id: str = DEFAULT_CONN_ID,
        emit_partitions: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.emit_partitions = emit_partitions
        self._require_asset_outlet()
        self.resource_type = resource_type
        self.destination = destination
        self.days = days
        self.start_day = start_day
        self.end_day = end_day
        self.object_storage_conn_id = object_storage_conn_id
        self.file_format = file_format
        self.pii = pii
        self.hash_columns = hash_columns
        self.drop_columns = drop_columns
        self.new_fields = new_fields
        self.layout = layout_for(file_format, layout)
        self.if_exists = if_exists
        self.missing_days = missing_days
        self.missing_timeout = missing_timeout
        self.max_parallel_days = max_parallel_days
        self.spool_dir = spool_dir
        self.write_manifest = write_manifest
        self.upload_options = upload_options
        self.empty_days = empty_days
        self.manifests = manifests
        self.twilio_conn_id = twilio_conn_id
        self._check_literals()
        remember_given(self)
        set_default_name(self)
        if days is None and start_day is None and end_day is None:
            warn_at_parse_time(self)

    def execute(self, context: Context) -> list[StoredDay]:
        """Store the days; then fail if some could not be stored."""
        with as_task_failures(self):
            require_given(self)
            if self.days is None and self.start_day is None and self.end_day is None:
                warn_in_run(context, log=self.log)
            require_choice("if_exists", self.if_exists, IF_EXISTS)
            require_choice("missing_days", self.missing_days, _MISSING_DAYS)
            wanted = self._wanted(context)
            self._show_days(context, [*wanted.days, *wanted.failed], wanted.resource_type)
            store = self._day_store(wanted)
            self._push_link(context, resource_type=store.resource_type)
            self._outcome = outcome = store.store_all(wanted.days, at_a_time=self.max_parallel_days)
            require_all_stored(outcome, wanted, if_exists=self.if_exists, task=self)
            if self.write_manifest and wanted.days:
                path = f"_manifests/resource_type={store.resource_type}/{wanted.days[0]}_{wanted.days[-1]}.json"
                store.destination.write_json(path, outcome.entries)
                self.log.info(
                    "Wrote the manifest of %s to %s", counted(len(wanted.days), "day"), store.destination.uri(path)
                )
            require_all_exported(outcome, wanted, task=self)
        self._report(context, store, outcome)
        return outcome.entries

    def on_kill(self) -> None:
        """Start no further day; unfinished downloads end with the process and leave no file under its final name."""
        self._stop.set()

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """Report the exports as input and the folder as output; see ``assets/lineage.py``."""
        return store_lineage(
            asset_uri_of(self.hook.get_conn(), self._resource_type or self.resource_type),
            destination=self._destination.folder_uri,
            entries=self._outcome.stored if self._outcome else [],
        )

    def _day_store(self, wanted: RequestedDays) -> DayStore:
        from airflow_provider_bulkexports.object_storage.day_fetcher import DayFetcher
        from airflow_provider_bulkexports.object_storage.day_store import DayStore

        self._resource_type = wanted.type_for(self.resource_type)
        return DayStore(
            conversion=self._conversion(self._resource_type),
            source=DayFetcher(
                client=self.hook.get_conn(),
                resource_type=self._resource_type,
                missing_timeout=self.missing_timeout,
                log=self.log,
                known_empty=wanted.empty,
                stop=self._stop,
            ),
            resource_type=self._resource_type,
            destination=self._destination,
            layout=self.layout,
            if_exists=self.if_exists,
            ignore_missing=self.missing_days == "ignore",
            spool_dir=self.spool_dir,
            log=self.log,
            stop=self._stop,
            empty_days=self.empty_days,
            manifests=self.manifests,
        )

    def _report(self, context: Context, store: DayStore, outcome: StoreResult) -> None:
        """Report the stored days to lineage and to the outlets' events."""
        source = asset_uri_of(self.hook.get_conn(), store.resource_type)
        folder = store.destination.folder_uri
        report_hook_lineage(self.hook, inputs=[source] if source else [], outputs=[folder])
        add_day_events(
            self,
            context,
            [entry["day"] for entry in outcome.stored],
            emit_partitions=self.emit_partitions,
            log=self.log,
            resource_type=store.resource_type.value,
            destination=folder,
        )

    def _conversion(self, resource_type: ResourceType) -> Conversion:
        needs_key = self.pii == "hash" or self.hash_columns
        return Conversion(
            self.file_format, self._column_rules(resource_type, self.hook.get_hash_key() if needs_key else None)
        )

    def _column_rules(self, resource_type: ResourceType, hash_key: str | None) -> ColumnRules:
        return ColumnRules.parse(
            resource_type,
            pii=self.pii,
            hash_columns=self.hash_columns,
            drop_columns=self.drop_columns,
            new_fields=self.new_fields,
            hash_key=hash_key,
        )

    @property
    def _destination(self) -> Destination:
        from airflow_provider_bulkexports.object_storage.destination import Destination

        return Destination(self.destination, self.object_storage_conn_id, self.upload_options)

    @cached_property
    def _stop(self) -> threading.Event:
        return threading.Event()

    def _wanted(self, context: Context) -> RequestedDays:
        """The days to store."""
        if self.days is None:
            if days := explicit_days(self.start_day, self.end_day):
                return RequestedDays(tuple(days))
            kind = ResourceType.parse(self.resource_type) if self.resource_type else None
            return days_of_run(context, resource_type=kind, account_sid=lambda: self.hook.get_conn().account_sid)
        if self.start_day is not None or self.end_day is not None:
            raise BulkExportsInputError(_TWICE)
        return RequestedDays.parse(self.days)

    def _days_in(self, context: Context) -> list[date]:
        wanted = self._wanted(context)
        return [*wanted.days, *wanted.failed]

    def _check_literals(self) -> None:
        """Reject invalid literals at parse time."""
        ResourceType.parse(literal_or(self.resource_type) or ResourceType.MESSAGES)
        check_layout(self.layout)
        require_choice("file_format", self.file_format, FILE_FORMATS)
        check_format(self.layout, self.file_format)
        if self.file_format == "parquet":
            require_pyarrow()
        if literal_or(self.resource_type):
            self._column_rules(ResourceType.parse(self.resource_type), hash_key="from the connection, later")
        require_choice("if_exists", literal_or(self.if_exists, "skip"), IF_EXISTS)
        require_choice("missing_days", literal_or(self.missing_days, "fail"), _MISSING_DAYS)
        require_choice("empty_days", self.empty_days, EMPTY_DAYS)
        require_choice("manifests", self.manifests, MANIFESTS)
        check_upload_options(None if isinstance(self.upload_options, (str, XComArg)) else self.upload_options)
        if self.max_parallel_days < 1:
            raise BulkExportsInputError(f"max_parallel_days must be 1 or more, got {self.max_parallel_days}")
        check_known_destination(self.destination)
        if self.days is not None and (self.start_day is not None or self.end_day is not None):
            raise BulkExportsInputError(_TWICE)
        if self.days is None:
            literal_days(self.start_day, self.end_day)
            RequestedDays(()).type_for("Messages" if self.resource_type is not None else None)
        elif is_literal(self.days) or (isinstance(self.days, Mapping) and not self.days):
            RequestedDays.parse(self.days).type_for(literal_or(self.resource_type, "Messages"))
