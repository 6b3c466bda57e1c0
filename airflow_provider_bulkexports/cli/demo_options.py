"""What the demo's options mean. All of them are checked here, before anything is started."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from errno import ENOTDIR
from pathlib import Path

from airflow_provider_bulkexports.cli.option_values import refuse_both, shown, whole_number
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.days import MAX_DAYS_PER_JOB, DayRange, newest_exportable_day
from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.planning.clock_skew import is_surely_exportable

__all__ = ["DemoOptions"]


@dataclass(frozen=True)
class DemoOptions:
    """
    What to show.

    :param days: The days to export.
    :param failing: Those that fail.
    :param empty: Those without records.
    :param output: Folder for the days' files; a temporary one by default.
    :param show_log: Print Airflow's log at the end.
    """

    resource_type: ResourceType
    days: DayRange
    failing: frozenset[date] = frozenset()
    empty: frozenset[date] = frozenset()
    output: Path | None = None
    show_log: bool = False

    @classmethod
    def parse(cls, options: argparse.Namespace) -> DemoOptions:
        """
        Parse the options of the command line.

        :param options: ``resource_type``, ``days``, ``fail_day``, ``empty_day``, ``output`` and ``log``.
        :raises BulkExportsInputError: for an unknown resource type, a number of days that no job can have, a day that
            the demo does not export, or a folder that cannot be written to.
        """
        resource_type = ResourceType.parse(options.resource_type, name="--resource-type")
        days = _newest_days(whole_number("--days", options.days, 1, MAX_DAYS_PER_JOB), now=datetime.now(timezone.utc))
        failing = _days_among(days, options.fail_day, "--fail-day")
        empty = _days_among(days, options.empty_day, "--empty-day")
        refuse_both("--empty-day", empty, failing)
        output = None if options.output is None else _writable_folder(options.output)
        return cls(resource_type, days, failing, empty, output, options.log)


def _newest_days(number: int, *, now: datetime) -> DayRange:
    """The newest days that a task exports at once: in the first seconds of a UTC day it waits for the newest of all."""
    end = newest_exportable_day(now.date())
    if not is_surely_exportable(end, now=now):
        end -= timedelta(days=1)
    return DayRange(end - timedelta(days=number - 1), end)


def _days_among(days: DayRange, words: Iterable[str], option: str) -> frozenset[date]:
    return frozenset(_day_among(days, word, option) for word in words)


def _day_among(days: DayRange, word: str, option: str) -> date:
    for number, day in enumerate(days, 1):
        if word in (str(day), str(number)):
            return day
    raise BulkExportsInputError(
        f"{option} {shown(word)}: the demo exports {days}; name one of them, or 1 to {len(days)}"
    )


def _writable_folder(word: str) -> Path:
    """The folder, after a file was written to it. A folder that does not exist is made, tried and removed again."""
    if not word.strip() or "://" in word:
        raise BulkExportsInputError(f"--output {word!r} is not a folder: the demo writes to a folder of this machine")
    try:
        folder = Path(word).expanduser().resolve()
        if folder.exists() and not folder.is_dir():
            raise NotADirectoryError(ENOTDIR, os.strerror(ENOTDIR))
        made = [path for path in (folder, *folder.parents) if not path.exists()]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        finally:
            for path in made:
                with suppress(OSError):
                    path.rmdir()
    except (OSError, RuntimeError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise BulkExportsInputError(f"--output {word}: {why}; name a folder that can be written to") from error
    return folder
