"""Name the days that a job's ``details`` only counted, by the day files that exist."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date

from airflow_provider_bulkexports.api.models import DayStatus
from airflow_provider_bulkexports.planning.progress import Progress

__all__ = ["name_days"]


def name_days(progress: Progress, files: Collection[date] | None) -> Progress:
    """
    Give every day of a finished wait a status; real answers had ``days: null`` beside several statuses in 2020.

    A day with a file is completed, or empty where the counts leave no other choice. A day without one failed if any day
    did (so that no failure is overlooked), and is empty otherwise: empty days had no file then.

    :param progress: Progress whose verdict is final.
    :param files: Days of which Twilio lists a file. ``None``: the list cannot be had. Then a day counts as completed
        rather than empty, if any day is: whoever stores the days asks for its file, and takes nothing for empty unseen.
    """
    open_days = progress.unnamed_days
    if not open_days:
        return progress
    counted = progress.unnamed
    with_file = DayStatus.COMPLETED
    if DayStatus.COMPLETED not in counted and DayStatus.COMPLETED_EMPTY_RECORDS in counted:
        with_file = DayStatus.COMPLETED_EMPTY_RECORDS
    without_file = DayStatus.COMPLETED_EMPTY_RECORDS
    if DayStatus.FAILED in counted:
        without_file = DayStatus.FAILED
    elif DayStatus.COMPLETED_EMPTY_RECORDS not in counted or (files is None and DayStatus.COMPLETED in counted):
        without_file = DayStatus.COMPLETED
    named = {day: with_file if day in (files or ()) else without_file for day in open_days}
    return replace(progress, states={**progress.states, **named}, unnamed={})
