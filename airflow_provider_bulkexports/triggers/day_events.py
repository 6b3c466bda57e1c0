"""ExportDayEventTrigger, the watcher: starts DAGs for new day files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import cached_property
from typing import Any

from airflow_provider_bulkexports.compat import BaseEventTrigger, TriggerEvent, asset_state_stores, watched_assets
from airflow_provider_bulkexports.model.plain import counted, listed, plain
from airflow_provider_bulkexports.model.resources import ExportDay, ResourceType
from airflow_provider_bulkexports.planning.expiry import earliest_expiry
from airflow_provider_bulkexports.planning.pacing import PollSchedule
from airflow_provider_bulkexports.polling.new_files import NewFiles, file_key
from airflow_provider_bulkexports.polling.shared_poller import poll_until_done
from airflow_provider_bulkexports.polling.wait_poller import as_poll_error
from airflow_provider_bulkexports.provider_info import DEFAULT_CONN_ID
from airflow_provider_bulkexports.triggers.announced_files import AnnouncedFiles
from airflow_provider_bulkexports.triggers.base import serialized

__all__ = ["ExportDayEventTrigger"]

#: Key of the announced files in an asset's state store; one for each watcher of the asset.
_ANNOUNCED = "bulkexports_announced_files/{twilio_conn_id}/{resource_type}"


class ExportDayEventTrigger(BaseEventTrigger):
    """
    Fires for new day files, made by anyone; for an ``AssetWatcher``, to start a DAG (Airflow >= 3.0).

    One event has all files that a poll finds: Airflow leaves an event that comes shortly after another to the next
    run, which may be a day away. Its payload: ``resource_type``, ``account_sid`` (``None`` if unknown), ``days``, and
    ``files``, each with ``day``, ``bytes``, ``create_date``, ``friendly_name`` and ``expires_at``, when Twilio removes
    the file. A day that is exported again has a new file.

    Announced files are recorded in the asset's state store (Airflow >= 3.3), so that a restart neither repeats nor
    misses a file. Only a triggerer that is killed within a second of an event repeats that event. Earlier Airflows have
    no such store: there, files that appear after the start of the triggerer count as new.
    Failures never end it. The triggerer's log has them, with watcher, asset and connection, and the next poll comes
    after a growing delay. All triggers of a process and connection share one poll.

    :param resource_type: ``Messages``, ``Calls``, ``Conferences`` or ``Participants``.
    :param twilio_conn_id: The connection; it is looked up in the triggerer.
    :param poll_interval: Seconds between two polls.
    :param announce_existing: Also fire for the files that exist at the first poll.
    :param watcher: Name of the ``AssetWatcher``, for the log: Airflow does not pass it to a trigger.
    """

    def __init__(
        self,
        resource_type: str = "",
        twilio_conn_id: str = DEFAULT_CONN_ID,
        poll_interval: float = 300.0,
        announce_existing: bool = False,
        watcher: str = "",
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # untyped in Airflow
        self.resource_type = resource_type
        self.twilio_conn_id = twilio_conn_id
        self.poll_interval = poll_interval
        self.announce_existing = announce_existing
        self.watcher = watcher
        ResourceType.parse(resource_type)
        PollSchedule(poll_interval)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Name the class and its arguments, all plain JSON."""
        classpath, arguments = serialized(self)
        if not self.watcher:  # Airflow restarts a trigger when its arguments change
            del arguments["watcher"]
        return classpath, arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Fire whenever there are new files, without end."""
        kind = ResourceType.parse(self.resource_type)
        key = _ANNOUNCED.format(twilio_conn_id=self.twilio_conn_id, resource_type=kind)
        stored = AnnouncedFiles(asset_state_stores(self), key, self.log, name=self._name)
        self.log.info(
            "%s: watching for new %s files every %g seconds (trigger %s)",
            *(self._name, kind, self.poll_interval, getattr(self, "trigger_id", None)),
        )
        announced = await stored.load()
        if announced is None and self.announce_existing:
            announced = []
        schedule = PollSchedule(self.poll_interval, 0)
        new_files = NewFiles(kind, self.log, schedule, announced, watcher=self._name)
        while True:
            entries = await self._new_files(new_files)
            if not entries:  # the first poll, which found the existing files
                await stored.save(new_files.seen)
            # Another triggerer may have announced them while this one was frozen.
            elif new := await self._not_announced(entries, new_files, stored):
                yield TriggerEvent(plain(_payload(kind, new_files.account_sid, new)))
                new_files.mark_announced(map(file_key, new))
                await stored.save_after_event(new_files.seen)

    @cached_property
    def _name(self) -> str:
        """What the log calls this watcher. Before 3.3, Airflow does not say which assets it is for."""
        assets = [f"asset {name!r}" for name in watched_assets(self)] or ["an unknown asset"]
        watcher = f"Watcher {self.watcher!r}" if self.watcher else "Watcher"
        return f"{watcher} of {listed(assets)} (connection {self.twilio_conn_id!r})"

    async def _not_announced(
        self, entries: Sequence[ExportDay], new_files: NewFiles, stored: AnnouncedFiles
    ) -> list[ExportDay]:
        known = set(await stored.load() or ())
        new_files.mark_announced(known)
        new = [entry for entry in entries if file_key(entry) not in known]
        if len(new) < len(entries):
            self.log.info(
                "Another triggerer has already announced %d of these files; skipping them", len(entries) - len(new)
            )
        return new

    async def _new_files(self, new_files: NewFiles) -> list[ExportDay]:
        failures = 0
        while True:
            try:
                return await poll_until_done(
                    self.twilio_conn_id,
                    lambda: new_files,
                    interval=self.poll_interval,
                    first_delay=new_files.next_delay() if new_files.has_polled else 0.0,
                )
            except Exception as error:  # noqa: BLE001  # a wrong connection, or a bug
                failures += 1
                self.log.warning(
                    "%s: cannot poll for new %s files (%s): %s",
                    self._name,
                    new_files.resource_type,
                    counted(failures, "consecutive failure"),
                    as_poll_error(error),
                )
            await asyncio.sleep(PollSchedule(self.poll_interval).pause_after(failures))


def _payload(resource_type: ResourceType, account_sid: str | None, entries: Sequence[ExportDay]) -> dict[str, Any]:
    return {
        "resource_type": resource_type.value,
        "account_sid": account_sid,
        "days": sorted({entry.day.isoformat() for entry in entries}),
        "files": [_file(entry) for entry in entries],
    }


def _file(entry: ExportDay) -> dict[str, Any]:
    created, expiry = entry.create_date, earliest_expiry([entry.create_date])
    return {
        "day": entry.day.isoformat(),
        "bytes": entry.size,
        "create_date": created.isoformat() if created else None,
        "friendly_name": entry.friendly_name,
        "expires_at": expiry.isoformat() if expiry else None,
    }
