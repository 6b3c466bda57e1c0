"""What a watcher announces: the new files in Twilio's list of day files, poll after poll."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Mapping
from datetime import date

from airflow_provider_bulkexports.compat import Log
from airflow_provider_bulkexports.model.days import FILE_LIFETIME
from airflow_provider_bulkexports.model.plain import counted, plain_text
from airflow_provider_bulkexports.model.resources import ExportDay, ResourceType
from airflow_provider_bulkexports.planning.pacing import CompletionEstimate, PollSchedule
from airflow_provider_bulkexports.polling.wait_poller import ConsecutiveFailures, as_poll_error
from airflow_provider_bulkexports.polling.waits import ExportsReader, Needs, StaleCredentialsError

__all__ = ["NewFiles", "file_key"]

#: How long a key is kept after its file was made: well beyond the time for which Twilio lists the file.
_KEPT = 2 * FILE_LIFETIME


def file_key(entry: ExportDay) -> str:
    """
    Identify a file. The key begins with the date on which it was made.

    A day that is exported again has a new file, possibly of the same date: Twilio gives no time.
    """
    # A name may be cut in the middle of a character: half an emoji has no UTF-8.
    name = f"{entry.size}/{entry.friendly_name}".encode(errors="surrogatepass")
    digest = hashlib.blake2s(name, digest_size=4).hexdigest()
    return f"{entry.create_date or '-'}/{entry.day}/{digest}"


class NewFiles:
    """
    Polls for day files that were not there before. It never gives up; failures are logged.

    :param seen: Keys of the files that were announced before; ``None``: the files of the first poll count as announced.
    :param watcher: What the log calls the watcher.
    """

    def __init__(
        self, resource_type: ResourceType, log: Log, schedule: PollSchedule, seen: Iterable[str] | None, *, watcher: str
    ) -> None:
        self.resource_type = resource_type
        #: Account whose files were listed, if known.
        self.account_sid: str | None = None
        self._watcher = watcher
        self.has_polled = False
        self._seen = None if seen is None else set(seen)
        self._log = log
        self._schedule = schedule
        self._failures = ConsecutiveFailures()

    @property
    def seen(self) -> list[str]:
        """Keys of the files that were announced, or existed at first."""
        return sorted(self._seen or ())

    @property
    def is_failing(self) -> bool:
        """Whether the last poll failed."""
        return self._failures.length > 0

    @property
    def needs(self) -> Needs:
        """The list of files."""
        return Needs(day_lists=(self.resource_type,))

    def poll(self, reader: ExportsReader) -> list[ExportDay] | None:
        """
        Poll once; blocks.

        :return: The new files in order of generation, possibly none at the first poll; ``None``: nothing new.
        """
        try:
            entries = {file_key(entry): entry for entry in reader.list_days(self.resource_type)}
        except StaleCredentialsError:
            raise
        except Exception as error:  # noqa: BLE001  # counted; see fail()
            self.fail(error)
            return None
        self.has_polled = True
        self.account_sid = reader.account_sid
        self._failures.reset()
        if self._seen is None:
            self._seen = set(entries)
            self._log.info(
                "%s: found %s; waiting for new ones",
                *(self._watcher, counted(len(entries), f"existing {self.resource_type} file")),
            )
            return []
        self._forget_old(entries)
        return [entry for key, entry in entries.items() if key not in self._seen] or None

    def mark_announced(self, keys: Iterable[str]) -> None:
        """Remember that files were announced."""
        self._seen = {*(self._seen or ()), *keys}

    def next_delay(self) -> float:
        """Seconds until the next poll."""
        if self.is_failing:
            return self._failures.delay(self._schedule)
        return self._schedule.pause(CompletionEstimate(), jitter=random.random())

    def log_status(self, *, began: float, next_poll: float, end: float | None) -> None:
        """Say nothing: a watcher waits for nothing in particular, and has no end."""

    def fail(self, error: Exception) -> None:
        """Count a failed poll. No number of failures ends the polling."""
        failure = as_poll_error(error)
        self._failures.add(failure)
        self._log.warning(
            "%s: cannot list %s files (%s): %s",
            self._watcher,
            self.resource_type,
            counted(self._failures.length, "consecutive failure"),
            plain_text(failure),
        )

    def _forget_old(self, listed: Mapping[str, ExportDay]) -> None:
        """Drop the keys of files that Twilio removed long ago, by its own dates."""
        newest = max((entry.create_date for entry in listed.values() if entry.create_date), default=date.min)
        if newest - date.min > _KEPT and self._seen is not None:
            oldest = (newest - _KEPT).isoformat()
            self._seen = {key for key in self._seen if key in listed or key >= oldest or key.startswith("-")}
