"""The files that a watcher announced, stored across restarts of the triggerer by Airflow 3.3 and later."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from airflow_provider_bulkexports.compat import Log
from airflow_provider_bulkexports.model.plain import counted, plain_text
from airflow_provider_bulkexports.planning.pacing import PollSchedule

__all__ = ["AnnouncedFiles"]

T = TypeVar("T")

#: Seconds until Airflow has stored an event: its triggerer forwards events once a second. A triggerer that is killed
#: within this time repeats an event that was stored, so it is not longer than needed.
_SECONDS_TO_STORE = 1.25


class AnnouncedFiles:
    """
    The state stores of the assets that a trigger watches, combined.

    Losing an entry repeats an event, which costs a run that finds nothing new. Recording one too early would lose a
    file, so write only after Airflow has stored the event. A store that fails is called again until it works.

    :param stores: One for each watched asset (``compat.asset_state_stores``); none before Airflow 3.3.
    :param key: Name of the list in each store; several triggers may watch the same asset.
    :param name: What the log calls the watcher.
    """

    def __init__(self, stores: Sequence[Any], key: str, log: Log, *, name: str) -> None:
        self._stores = stores
        self._key = key
        self._log = log
        self._name = name

    async def load(self) -> list[str] | None:
        """
        Return the keys of the announced files; ``None`` if nothing is stored yet.

        An event is for all assets, and is recorded only after Airflow stored it: an entry of one store holds for all.
        """
        known = [await self._call(store.aget, self._key) for store in self._stores]
        lists = [{key for key in each if isinstance(key, str)} for each in known if isinstance(each, list)]
        return sorted(set.union(*lists)) if lists else None

    async def save(self, announced: list[str]) -> None:
        """Record the keys of files that were announced, or need not be."""
        for store in self._stores:
            await self._call(store.aset, self._key, announced)

    async def save_after_event(self, announced: list[str]) -> None:
        """
        Record once Airflow has stored the event that was fired just now.

        Airflow gives no acknowledgement; a read goes through the same queue, so start counting when it returns.
        """
        if self._stores:
            await self._call(self._stores[0].aget, self._key)
            await asyncio.sleep(_SECONDS_TO_STORE)
        await self.save(announced)

    async def _call(self, store: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        failures = 0
        while True:
            try:
                return await store(*arguments)
            except Exception as error:  # noqa: BLE001  # any error of a store: giving up would lose or repeat events
                failures += 1
                self._log.warning(
                    "%s: Airflow's state store failed (%s): %s",
                    *(self._name, counted(failures, "consecutive failure"), plain_text(error)),
                )
            await asyncio.sleep(PollSchedule(0).pause_after(failures))
