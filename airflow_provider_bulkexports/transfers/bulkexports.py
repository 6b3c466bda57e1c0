"""BulkExportsToObjectStorageOperator: day files from Twilio into any object store."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import Any

from airflow_provider_bulkexports.announcing import announce_days, require_outlets
from airflow_provider_bulkexports.api.models import ResourceType, parse_day
from airflow_provider_bulkexports.compat import BaseOperator, Context, XComArg
from airflow_provider_bulkexports.exceptions import BulkExportsError, BulkExportsInputError
from airflow_provider_bulkexports.failures import BulkExportsTaskError, BulkExportsTaskFailure, as_task_failures
from airflow_provider_bulkexports.given import remember_given, require_given
from airflow_provider_bulkexports.hooks.bulkexports import BulkExportsHook
from airflow_provider_bulkexports.lineage import asset_uri_of, store_lineage, tell_collector
from airflow_provider_bulkexports.links import BulkExportsLink, remember_link
from airflow_provider_bulkexports.literals import is_literal, known, known_days, require_choice
from airflow_provider_bulkexports.outcomes import WaitResult
from airflow_provider_bulkexports.planning.layout import DEFAULT_LAYOUT, check_layout
from airflow_provider_bulkexports.publishing import Destination
from airflow_provider_bulkexports.runs import wanted_days
from airflow_provider_bulkexports.storing import DayStore, Outcome, StoredDay

__all__ = ["BulkExportsToObjectStorageOperator"]

#: What to say of the other days when some could not be stored.
_NEXT_TRY = {
    "skip": "What is stored stays, and the next try skips it.",
    "overwrite": "What is stored stays until the next try stores it again.",
    "fail": "What is stored stays, and the next try refuses it: pass if_exists='skip' to go on.",
}
_IF_EXISTS = tuple(_NEXT_TRY)
_MISSING_DAYS = ("fail", "ignore")


class BulkExportsToObjectStorageOperator(BaseOperator):
    """
    Stores the files of exported days, byte for byte as Twilio made them, each whole and verified or not at all.

    A file is spooled, checked (length, every gzip checksum, every line) and then published in one step. A note beside
    it, ``_<file>.manifest.json``, has its size and SHA-256: running the task again fetches only what is missing or
    differs. A day that fails does not lose the others; the task then fails, naming it.

    Returns (XCom) a list of :class:`~airflow_provider_bulkexports.storing.StoredDay`, one a day, ascending: ``day``,
    ``uri``, ``bytes``, ``records``, ``sha256``, ``create_date``, ``status``.

    :param resource_type: ``Messages``, ``Calls``, ``Conferences`` or ``Participants``. (templated)
    :param days: The days: one, a list, a text of several with commas between, or a sensor's whole result, of which the
        completed and the empty days are stored. (templated)
    :param start_day: Instead of ``days``: first UTC day, inclusive. Without any of them, the days that the run means.
        (templated)
    :param end_day: Last UTC day, inclusive. (templated)
    :param destination: Folder: ``s3://bucket/folder``, ``gs://…``, ``abfs://…``, ``file:///folder``. (templated)
    :param object_storage_conn_id: Airflow connection of the store, such as ``aws_default``; without it the credentials
        of the worker's environment. (templated)
    :param layout: Path below the destination, with ``{day}`` and optionally ``{resource_type}``, ``{account_sid}``,
        ``{year}``, ``{month}``.
    :param if_exists: ``skip`` a file that is there and the same, ``overwrite`` it in any case, or ``fail``.
    :param missing_days: ``fail`` if Twilio has no file of a day, or ``ignore`` it: its status is then ``missing``.
    :param missing_timeout: Seconds to wait for the file of a day that its job calls completed.
    :param max_parallel_days: Days fetched at the same time.
    :param spool_dir: Local folder for files on their way to an object store; the system's temporary folder by default.
    :param write_manifest: Also write the result to ``_manifests/resource_type=…/<first day>_<last day>.json`` below
        the destination.
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
        "twilio_conn_id",
    )
    ui_color = "#f9e2e4"
    operator_extra_links = (BulkExportsLink(),)

    _outcome: Outcome | None = None

    def __init__(
        self,
        *,
        resource_type: str,
        destination: str,
        days: str | Sequence[str | date] | WaitResult | XComArg | None = None,
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
        twilio_conn_id: str = BulkExportsHook.default_conn_name,
        emit_partitions: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        require_outlets(self, emit_partitions=emit_partitions)
        self.emit_partitions = emit_partitions
        self.resource_type = resource_type
        self.destination = destination
        self.days = days
        self.start_day = start_day
        self.end_day = end_day
        self.object_storage_conn_id = object_storage_conn_id
        self.layout = layout
        self.if_exists = if_exists
        self.missing_days = missing_days
        self.missing_timeout = missing_timeout
        self.max_parallel_days = max_parallel_days
        self.spool_dir = spool_dir
        self.write_manifest = write_manifest
        self.twilio_conn_id = twilio_conn_id
        self._check_literals()
        remember_given(self)

    @cached_property
    def hook(self) -> BulkExportsHook:
        """The hook, built at first use."""
        return BulkExportsHook(self.twilio_conn_id)

    def execute(self, context: Context) -> list[StoredDay]:
        """Store the days; fail, after all of them were tried, if some could not be stored."""
        with as_task_failures():
            require_given(self)
            require_choice("if_exists", self.if_exists, _IF_EXISTS)
            require_choice("missing_days", self.missing_days, _MISSING_DAYS)
            days, known_empty = self._wanted(context)
            store = self._day_store(known_empty)
            remember_link(context, store.client, resource_type=store.resource_type)
            self._outcome = outcome = store.store_all(days, at_a_time=self.max_parallel_days)
        self._require_all(outcome)
        if self.write_manifest and days:
            path = f"_manifests/resource_type={store.resource_type}/{days[0]}_{days[-1]}.json"
            store.destination.write_json(path, outcome.entries)
            self.log.info("Manifest of %d days at %s", len(days), store.destination.uri(path))
        self._announce(context, store, outcome)
        return outcome.entries

    def on_kill(self) -> None:
        """Begin no further day; what is on its way ends with the process, and leaves nothing under a final name."""
        self._stop.set()

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """Name the exports as the task's input and the folder as its output; see ``lineage.py``."""
        return store_lineage(
            asset_uri_of(self.hook.get_conn(), self.resource_type),
            destination=Destination(self.destination, self.object_storage_conn_id).folder_uri,
            entries=self._outcome.there if self._outcome else [],
        )

    def _day_store(self, known_empty: set[date]) -> DayStore:
        return DayStore(
            client=self.hook.get_conn(),
            resource_type=ResourceType.parse(self.resource_type),
            destination=Destination(self.destination, self.object_storage_conn_id),
            layout=self.layout,
            if_exists=self.if_exists,
            ignore_missing=self.missing_days == "ignore",
            missing_timeout=self.missing_timeout,
            spool_dir=self.spool_dir,
            log=self.log,
            known_empty=known_empty,
            stop=self._stop,
        )

    def _announce(self, context: Context, store: DayStore, outcome: Outcome) -> None:
        """Say what is there now to lineage and to the DAGs that wait for it."""
        source = asset_uri_of(store.client, self.resource_type)
        folder = store.destination.folder_uri
        tell_collector(self.hook, inputs=[source] if source else [], outputs=[folder])
        announce_days(
            self,
            context,
            [entry["day"] for entry in outcome.there],
            emit_partitions=self.emit_partitions,
            log=self.log,
            resource_type=self.resource_type,
            destination=folder,
        )

    @cached_property
    def _stop(self) -> threading.Event:
        return threading.Event()

    def _wanted(self, context: Context) -> tuple[list[date], set[date]]:
        """The days to store, ascending, and those of them that are known to be empty."""
        if self.days is None:
            return list(wanted_days(context, start_day=self.start_day, end_day=self.end_day)), set()
        if self.start_day is not None or self.end_day is not None:
            raise BulkExportsInputError("days as well as start_day or end_day: pass one or the other")
        days, empty = _read_days(self.days)
        return sorted(days | empty), empty

    def _require_all(self, outcome: Outcome) -> None:
        if not outcome.failures:
            return
        for day, error in outcome.failures.items():
            self.log.error("%s was not stored: %s", day, error)
        first = next(iter(outcome.failures.values()))
        message = _what_failed(outcome, if_exists=self.if_exists)
        final = all(
            isinstance(error, BulkExportsError) and not error.is_transient for error in outcome.failures.values()
        )
        raise (BulkExportsTaskFailure if final else BulkExportsTaskError)(message) from first

    def _check_literals(self) -> None:
        """Refuse at parse time what is known by then to be wrong."""
        ResourceType.parse(known(self.resource_type, otherwise=ResourceType.MESSAGES))
        check_layout(self.layout)
        require_choice("if_exists", known(self.if_exists, otherwise="skip"), _IF_EXISTS)
        require_choice("missing_days", known(self.missing_days, otherwise="fail"), _MISSING_DAYS)
        if self.max_parallel_days < 1:
            raise BulkExportsInputError(f"max_parallel_days {self.max_parallel_days}: write 1 or more")
        if not known(self.destination, otherwise="-"):
            raise BulkExportsInputError("destination is empty: write a folder, such as 's3://bucket/twilio'")
        if is_literal(self.days) and self.days is not None:
            _read_days(self.days)
        else:
            known_days(self.start_day, self.end_day)


def _what_failed(outcome: Outcome, *, if_exists: str) -> str:
    days, errors = list(outcome.failures), list(outcome.failures.values())
    total = len(outcome.entries) + len(days)
    if total == 1:
        which = f"{days[0]} could not be stored."
    else:
        count = f"{len(days)} of {total}" if outcome.entries else f"None of the {total}"
        which = f"{count} days could not be stored: {', '.join(map(str, days))}."
    kept = f" {_NEXT_TRY[if_exists]}" if outcome.there else ""
    return f"{which}{kept} {outcome.deadline}{'The first' if len(days) > 1 else 'The'} failure: {errors[0]}"


def _read_days(value: Any) -> tuple[set[date], set[date]]:
    """Days as a user wrote them, or a sensor's result; the second set is known to be empty."""
    if isinstance(value, Mapping):
        return {parse_day(day) for day in value["completed"]}, {parse_day(day) for day in value["empty"]}
    if isinstance(value, str):
        listed: Any = [day.strip() for day in value.split(",")]  # as a template makes them
    else:
        listed = [value] if isinstance(value, date) else value
    return {parse_day(day) for day in listed}, set()
