"""Where day files come from: Twilio, or a destination in which they are stored already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, Protocol

from airflow_provider_bulkexports.model.resources import ExportDay
from airflow_provider_bulkexports.object_storage.manifest import Manifest

__all__ = ["DaySource", "FetchedDay", "empty_day"]


class FetchedDay(NamedTuple):
    """
    A verified local file.

    :param size: Bytes of the file as Twilio made it.
    :param sha256: SHA-256 of the file as Twilio made it.
    :param account_sid: Account that its records name; ``None`` without records.
    :param generation: Its entry in Twilio's list, if it has one.
    """

    path: Path
    size: int
    records: int
    sha256: str
    account_sid: str | None
    generation: ExportDay | None


class DaySource(Protocol):
    """Day files of one resource type and one account."""

    @property
    def account_sid(self) -> str | None:
        """Account of the files, if it is known beforehand."""

    def list_days(self) -> Iterable[ExportDay]:
        """List the generations of the days, the oldest first."""

    def fetch(self, day: date, target: Path, listed: Sequence[ExportDay]) -> FetchedDay:
        """
        Write a day's verified file to ``target``.

        :param listed: The day's entries in the list, the newest last.
        :raises DayMissingError: if there is no file of it.
        """

    def account(self, day: date) -> str | None:
        """
        Account whose records the files hold.

        :param day: A day whose first record to read, if the account is still unknown.
        :return: ``None`` if it stays unknown.
        """

    def columns(self, day: date) -> str | None:
        """What was done to the columns of the day's file already, as manifests say it; ``None`` for nothing."""

    def is_newest(self, manifest: Manifest, day: date, listed: Sequence[ExportDay]) -> bool:
        """Whether a stored file was made from the file that :meth:`fetch` would return now, as far as is known."""


def empty_day(target: Path) -> FetchedDay:
    """Write the file of a day without records."""
    from airflow_provider_bulkexports.api.file_check import EMPTY_FILE

    target.write_bytes(EMPTY_FILE)
    return FetchedDay(target, len(EMPTY_FILE), 0, sha256(EMPTY_FILE).hexdigest(), None, None)
