"""What an event trigger announced, remembered across restarts of the triggerer where Airflow can (3.3 and later)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from airflow_provider_bulkexports.compat import Log
from airflow_provider_bulkexports.model.plain import plain_text
from airflow_provider_bulkexports.planning.pacing import PollSchedule

__all__ = ["AnnouncedFiles"]

T = TypeVar("T")

#: Seconds in which Airflow has taken over an event: its triggerer hands events on once a second, and stores them then.
#: As long a triggerer that is killed repeats an event that was stored, so not longer than needed.
_TAKEN_OVER = 1.25


class AnnouncedFiles:
    """
    The state stores of the assets that a trigger watches for, as one.

    It may forget, and never remembers what Airflow does not have: an event that is repeated costs a run that finds
    everything there, one that is lost costs a file. A store that fails is asked again until it answers.

    :param stores: One a watched asset (``compat.asset_state_stores``); none before Airflow 3.3.
    :param key: Names the list; several triggers may watch for the same asset.
    """

    def __init__(self, stores: Sequence[Any], key: str, log: Log) -> None:
        self._stores = stores
        self._key = key
        self._log = log

    async def load(self) -> list[str] | None:
        """
        Return what was announced; ``None`` if there is no memory yet.

        An event is for all assets alike, and remembered only when Airflow has it: what one store knows, all may know.
        """
        known = [await self._ask(store.aget, self._key) for store in self._stores]
        lists = [{key for key in each if isinstance(key, str)} for each in known if isinstance(each, list)]
        return sorted(set.union(*lists)) if lists else None

    async def save(self, announced: list[str]) -> None:
        """Remember what was announced, or need not be."""
        for store in self._stores:
            await self._ask(store.aset, self._key, announced)

    async def save_after_event(self, announced: list[str]) -> None:
        """
        Remember once Airflow has stored the event that was fired just now.

        Airflow does not tell when; what is asked here waits in the same queue, so time counts from an answer.
        """
        if self._stores:
            await self._ask(self._stores[0].aget, self._key)
            await asyncio.sleep(_TAKEN_OVER)
        await self.save(announced)

    async def _ask(self, store: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        failures = 0
        while True:
            try:
                return await store(*arguments)
            except Exception as error:  # noqa: BLE001  # whatever a store raises: giving up would lose or repeat events
                failures += 1
                self._log.warning("Airflow's state store failed (%d times in a row): %s", failures, plain_text(error))
            await asyncio.sleep(PollSchedule(0).pause_after(failures))
