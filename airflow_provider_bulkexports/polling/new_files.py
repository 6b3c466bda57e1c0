"""What is new in Twilio's list of day files, look after look."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Mapping
from datetime import date

from airflow_provider_bulkexports.compat import Log
from airflow_provider_bulkexports.model.days import FILE_LIFETIME
from airflow_provider_bulkexports.model.plain import plain_text
from airflow_provider_bulkexports.model.resources import ExportDay, ResourceType
from airflow_provider_bulkexports.planning.pacing import CompletionEstimate, PollSchedule
from airflow_provider_bulkexports.polling.wait_poller import ConsecutiveFailures, as_poll_error
from airflow_provider_bulkexports.polling.waits import ExportsReader, StaleCredentialsError

__all__ = ["NewFiles", "file_key"]

#: How long a file is remembered after it was made: well beyond the time for which Twilio lists it.
_MEMORY = 2 * FILE_LIFETIME


def file_key(entry: ExportDay) -> str:
    """
    What tells a file from others, beginning with the date on which it was made.

    A day that is exported anew has a new file, which may be of the same date: Twilio says no time.
    """
    # A name may be cut in the middle of a character: half an emoji has no UTF-8.
    told = f"{entry.size}/{entry.friendly_name}".encode(errors="surrogatepass")
    rest = hashlib.blake2s(told, digest_size=4).hexdigest()
    return f"{entry.create_date or '-'}/{entry.day}/{rest}"


class NewFiles:
    """
    Looks for day files that were not there before.

    It never gives up: whoever schedules by it cannot be told otherwise than by its log.

    :param seen: Keys of the files that were announced before; ``None``: what the first look shows counts as such.
    """

    wait = None

    def __init__(
        self, resource_type: ResourceType, log: Log, schedule: PollSchedule, seen: Iterable[str] | None
    ) -> None:
        self.resource_type = resource_type
        self.has_looked = False
        self._seen = None if seen is None else set(seen)
        self._log = log
        self._schedule = schedule
        self._failures = ConsecutiveFailures()

    @property
    def seen(self) -> list[str]:
        """Keys of the files that were announced, or there at first."""
        return sorted(self._seen or ())

    @property
    def is_failing(self) -> bool:
        """Whether the last look failed."""
        return self._failures.length > 0

    @property
    def days_of(self) -> ResourceType:
        """Whose list of day files is all that is asked for."""
        return self.resource_type

    def look(self, source: ExportsReader) -> list[ExportDay] | None:
        """
        Look once; blocks.

        :return: The new files in order of generation, which may be none at the first look; ``None``: nothing new.
        """
        try:
            entries = {file_key(entry): entry for entry in source.list_days(self.resource_type)}
        except StaleCredentialsError:
            raise
        except Exception as error:  # noqa: BLE001  # counted; see fail()
            self.fail(error)
            return None
        self.has_looked = True
        self._failures.end()
        if self._seen is None:
            self._seen = set(entries)
            self._log.info("%d files of %s are there already; new ones are announced", len(entries), self.resource_type)
            return []
        self._forget(entries)
        return [entry for key, entry in entries.items() if key not in self._seen] or None

    def announced(self, keys: Iterable[str]) -> None:
        """Remember that files were announced."""
        self._seen = {*(self._seen or ()), *keys}

    def pause(self) -> float:
        """Seconds until the next look."""
        if self.is_failing:
            return self._failures.pause(self._schedule)
        return self._schedule.pause(CompletionEstimate(), jitter=random.random())

    def timed_out(self) -> list[ExportDay]:
        """A feed has no end."""
        return []

    def fail(self, error: Exception) -> None:
        """Count a failed poll; no number of them ends a feed."""
        failure = as_poll_error(error)
        self._failures.add(failure)
        self._log.warning(
            "Look at the files of %s failed (%d in a row): %s",
            self.resource_type,
            self._failures.length,
            plain_text(failure),
        )

    def _forget(self, listed: Mapping[str, ExportDay]) -> None:
        """Drop what Twilio has long removed, judged by its own dates."""
        newest = max((entry.create_date for entry in listed.values() if entry.create_date), default=date.min)
        if newest - date.min > _MEMORY and self._seen is not None:
            oldest = (newest - _MEMORY).isoformat()
            self._seen = {key for key in self._seen if key in listed or key >= oldest or key.startswith("-")}
