"""A calendar of days and their statuses, each with a colour and a letter."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from datetime import date

from airflow_provider_bulkexports.model.details import DayStatus
from airflow_provider_bulkexports.simulator.http.elements import Html, element

__all__ = ["day_calendar"]

_LETTERS = {
    DayStatus.SUBMITTED: ("S", "Submitted, not started"),
    DayStatus.RUNNING: ("R", "Running"),
    DayStatus.ERROR_DURING_RUN: ("!", "ErrorDuringRun, runs again"),
    DayStatus.COMPLETED: ("C", "Completed"),
    DayStatus.COMPLETED_EMPTY_RECORDS: ("E", "CompletedEmptyRecords, no records"),
    DayStatus.FAILED: ("F", "Failed"),
    DayStatus.RUNNING_TO_BE_DELETED: ("T", "RunningToBeDeleted"),
    DayStatus.DELETED_BY_USER_REQUEST: ("D", "DeletedByUserRequest"),
}
_WEEKDAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")


def day_calendar(statuses: Mapping[date, DayStatus]) -> Html:
    """Return a legend of the statuses that occur, and a table of weeks for each month with a day."""
    months = sorted({(day.year, day.month) for day in statuses})
    shown = element("div", *(_month(year, month, statuses) for year, month in months), class_="months")
    return Html(_legend(set(statuses.values())) + shown)


def _legend(occurring: set[DayStatus]) -> Html:
    entries = (
        element("li", element("span", element("b", letter), class_=f"day {status.value}"), words)
        for status, (letter, words) in _LETTERS.items()
        if status in occurring
    )
    return element("ul", *entries, class_="legend")


def _month(year: int, month: int, statuses: Mapping[date, DayStatus]) -> Html:
    weeks = calendar.Calendar().monthdayscalendar(year, month)
    names = element("tr", *(element("th", name, scope="col") for name in _WEEKDAYS))
    rows = (element("tr", *(_cell(year, month, number, statuses) for number in week)) for week in weeks)
    return element("table", element("caption", f"{year}-{month:02d}"), element("thead", names), element("tbody", *rows))


def _cell(year: int, month: int, number: int, statuses: Mapping[date, DayStatus]) -> Html:
    if not number:
        return element("td")
    day = date(year, month, number)
    status = statuses.get(day)
    if status is None:
        return element("td", str(number), class_="day")
    letter, words = _LETTERS[status]
    return element("td", str(number), element("b", letter), class_=f"day {status.value}", title=f"{day}: {words}")
