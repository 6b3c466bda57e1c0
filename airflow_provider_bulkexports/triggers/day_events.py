"""ExportDayEventTrigger: new day files start DAGs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from airflow_provider_bulkexports.compat import BaseEventTrigger, TriggerEvent, asset_state_stores, watched_assets
from airflow_provider_bulkexports.hooks.bulkexports import BulkExportsHook
from airflow_provider_bulkexports.model.plain import listed, plain
from airflow_provider_bulkexports.model.resources import ExportDay, ResourceType
from airflow_provider_bulkexports.planning.expiry import earliest_expiry
from airflow_provider_bulkexports.planning.pacing import PollSchedule
from airflow_provider_bulkexports.polling.new_files import NewFiles, file_key
from airflow_provider_bulkexports.polling.shared_poller import poll_until_done
from airflow_provider_bulkexports.polling.wait_poller import as_poll_error
from airflow_provider_bulkexports.triggers.announced_files import AnnouncedFiles
from airflow_provider_bulkexports.triggers.base import serialized

__all__ = ["ExportDayEventTrigger"]

#: Name under which an asset's state store keeps the files that were announced, for each of its watchers.
_ANNOUNCED = "bulkexports_announced_files/{twilio_conn_id}/{resource_type}"


class ExportDayEventTrigger(BaseEventTrigger):
    """
    Fires for new day files, whoever had them made; for an ``AssetWatcher``, so that a DAG starts (Airflow >= 3.0).

    One event for all files that a look finds: Airflow leaves an event that comes a moment after another to the next
    run, which here may be a day away. Its payload: ``resource_type``, ``days``, and ``files``, each with ``day``,
    ``bytes``, ``create_date``, ``friendly_name`` and ``expires_at``, when Twilio removes the file. A day that is
    exported anew has a new file.

    What was announced is remembered in the asset's state store (Airflow >= 3.3), so that a restart neither repeats nor
    misses a file; only a triggerer killed within a second of an event repeats that event. Earlier Airflows have no
    such store: there, files count as new that appear after the triggerer started.
    Faults never end it; they are logged, and it looks again after growing pauses. All triggers of a process and
    connection share one poll.

    :param resource_type: ``Messages``, ``Calls``, ``Conferences`` or ``Participants``.
    :param twilio_conn_id: The connection; it is looked up in the triggerer.
    :param poll_interval: Seconds between looks.
    :param announce_existing: Also fire for the files that are there at the very first look.
    """

    def __init__(
        self,
        resource_type: str = "",
        twilio_conn_id: str = BulkExportsHook.default_conn_name,
        poll_interval: float = 300.0,
        announce_existing: bool = False,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # untyped in Airflow
        self.resource_type = resource_type
        self.twilio_conn_id = twilio_conn_id
        self.poll_interval = poll_interval
        self.announce_existing = announce_existing
        ResourceType.parse(resource_type)
        PollSchedule(poll_interval)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Name the class and its arguments, all plain JSON."""
        return serialized(self)

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Fire whenever there are new files, for ever."""
        kind = ResourceType.parse(self.resource_type)
        key = _ANNOUNCED.format(twilio_conn_id=self.twilio_conn_id, resource_type=kind)
        memory = AnnouncedFiles(asset_state_stores(self), key, self.log)
        self._say_what_it_serves(kind)
        announced = await memory.load()
        if announced is None and self.announce_existing:
            announced = []
        new_files = NewFiles(kind, self.log, PollSchedule(self.poll_interval, 0), announced)
        while True:
            entries = await self._new_files(new_files)
            if not entries:  # the very first look, which found what is there already
                await memory.save(new_files.seen)
            # Another triggerer may have announced them while this one was frozen.
            elif new := await self._not_announced(entries, new_files, memory):
                yield TriggerEvent(plain(_payload(kind, new)))
                new_files.announced(map(file_key, new))
                await memory.save_after_event(new_files.seen)

    def _say_what_it_serves(self, kind: ResourceType) -> None:
        assets = [f"asset {name!r}" for name in watched_assets(self)] or ["an asset that Airflow does not name"]
        self.log.info(
            "Watching for new %s files of connection %r for %s (trigger %s), every %g seconds",
            *(kind, self.twilio_conn_id, listed(assets), getattr(self, "trigger_id", None), self.poll_interval),
        )

    async def _not_announced(
        self, entries: Sequence[ExportDay], new_files: NewFiles, memory: AnnouncedFiles
    ) -> list[ExportDay]:
        known = set(await memory.load() or ())
        new_files.announced(known)
        new = [entry for entry in entries if file_key(entry) not in known]
        if len(new) < len(entries):
            self.log.info("Another triggerer has announced %d of the new files", len(entries) - len(new))
        return new

    async def _new_files(self, new_files: NewFiles) -> list[ExportDay]:
        failures = 0
        while True:
            try:
                return await poll_until_done(
                    self.twilio_conn_id,
                    lambda: new_files,
                    interval=self.poll_interval,
                    first_pause=new_files.pause() if new_files.has_looked else 0.0,
                )
            except Exception as error:  # noqa: BLE001  # a connection that cannot be right, or a fault of ours
                failures += 1
                self.log.warning(
                    "Cannot look at %s (%d times in a row): %s", new_files.resource_type, failures, as_poll_error(error)
                )
            await asyncio.sleep(PollSchedule(self.poll_interval).pause_after(failures))


def _payload(resource_type: ResourceType, entries: Sequence[ExportDay]) -> dict[str, Any]:
    return {
        "resource_type": resource_type.value,
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
