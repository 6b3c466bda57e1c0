"""UTC days as Twilio counts them: parsing, inclusive ranges, and when a day can be exported."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache

import pendulum

from airflow_provider_bulkexports.exceptions import BulkExportsInputError, DayNotExportableError, printable
from airflow_provider_bulkexports.model import parsing
from airflow_provider_bulkexports.model.plain import counted

__all__ = [
    "EXPORT_DELAY",
    "FILE_LIFETIME",
    "MAX_DAYS_PER_JOB",
    "DayRange",
    "check_exportable",
    "check_job_length",
    "day_ranges",
    "explicit_days",
    "exportable_at",
    "merge_days",
    "name_days",
    "needs_wait",
    "newest_exportable_day",
    "parse_day",
    "split_range",
    "utc_today",
]

#: Twilio exports a day from 00:00 UTC of the second day after it (documentation of ExportCustomJob, ``EndDay``).
EXPORT_DELAY = timedelta(days=2)

#: Days that an account and its subaccounts may request in one UTC day (documentation of BulkExports, Overview), and so
#: the longest single job.
MAX_DAYS_PER_JOB = 366

#: Twilio keeps a file this long from its creation (documentation of BulkExports, Overview).
FILE_LIFETIME = timedelta(days=7)

#: Most ranges of days in a sentence.
_IN_A_SENTENCE = 2

_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
#: Longest text of a library's error that an error quotes.
_LONGEST_REASON = 200

_ISO_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}")


@dataclass(frozen=True, slots=True, order=True)
class DayRange:
    """
    UTC days from ``start`` to ``end``, both inclusive; never empty.

    :raises BulkExportsInputError: if ``start`` is after ``end``.
    """

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.start > self.end:
            raise BulkExportsInputError(
                f"start_day {self.start} is after end_day {self.end}: swap them (both days are inclusive)"
            )

    @classmethod
    def parse(cls, start_day: object, end_day: object) -> DayRange:
        """
        Parse a range given by the user; see :func:`parse_day`.

        :raises BulkExportsInputError: if one is not a day, or the range is reversed.
        """
        return cls(parse_day(start_day, name="start_day"), parse_day(end_day, name="end_day"))

    def __len__(self) -> int:
        return (self.end - self.start).days + 1

    def __iter__(self) -> Iterator[date]:
        return iter(_days_between(self.start, self.end))

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and not isinstance(day, datetime) and self.start <= day <= self.end

    def __str__(self) -> str:
        return f"{self.start}" if self.start == self.end else f"{self.start} to {self.end}"


@lru_cache(maxsize=64)  # many waits iterate over the same days in every poll
def _days_between(start: date, end: date) -> tuple[date, ...]:
    return tuple(start + timedelta(days=offset) for offset in range((end - start).days + 1))


def parse_day(value: object, *, name: str = "day") -> date:
    """
    Parse a UTC day given by the user: a date, an aware datetime, or either in ISO 8601.

    :param value: ``2026-01-31``, ``date(2026, 1, 31)``, or a moment with its time zone, which counts as its UTC day.
    :param name: Name of the value in an error.
    :raises BulkExportsInputError: if it is not a day, or a moment without a time zone.
    """
    if isinstance(value, datetime):
        return _utc_day(value, name=name)
    if isinstance(value, date):
        return _plain(value)
    text = value.strip() if isinstance(value, str) else ""
    try:
        if _ISO_DAY.fullmatch(text):
            return date.fromisoformat(text)
        if _ISO_MOMENT.match(text):
            moment = pendulum.parse(text, tz=None)  # None: leave a naive time naive
            if isinstance(moment, datetime):
                return _utc_day(moment, name=name, shown=text)
    except (OverflowError, TypeError, ValueError) as error:
        if isinstance(error, BulkExportsInputError):
            raise
        why = printable(error, _LONGEST_REASON)
        raise BulkExportsInputError(f"{name} {parsing.shown(value)} is not a valid date: {why}") from error
    shown = parsing.shown(value)
    raise BulkExportsInputError(
        f"{name} {shown} is not a day: write it as YYYY-MM-DD, such as '2026-01-31'{_cure(text)}"
    )


def _cure(text: str) -> str:
    """Advice for a text that a template rendered from another type of value."""
    if not text.startswith(("{", "[", "(")) and text.lower() not in ("none", "null"):
        return ""
    return (
        ". This looks like a rendered template: pass the other task's output itself, such as "
        "wait.output, or set render_template_as_native_obj=True for the DAG"
    )


def exportable_at(day: date) -> datetime:
    """First moment (UTC) at which Twilio accepts ``day`` as the end of an export, at most the last ``datetime``."""
    try:
        return datetime(day.year, day.month, day.day, tzinfo=timezone.utc) + EXPORT_DELAY
    except OverflowError:
        return datetime.max.replace(tzinfo=timezone.utc)


def check_exportable(day: date, *, today: date) -> None:
    """
    Refuse a day that is too recent for Twilio.

    :param today: Current UTC day.
    :raises DayNotExportableError: with the first possible moment.
    """
    if day <= today - EXPORT_DELAY:
        return
    first = exportable_at(day)
    raise DayNotExportableError(
        f"end_day {day} cannot be exported before {first:%Y-%m-%d %H:%M} UTC (today is {today}, and Twilio exports "
        f"a day two UTC days later): use {today - EXPORT_DELAY} or earlier, or run the task then",
        exportable_at=first,
    )


def check_job_length(days: DayRange) -> None:
    """
    Refuse a range that is too long for one job.

    :raises BulkExportsInputError: above :data:`MAX_DAYS_PER_JOB` days.
    """
    if len(days) > MAX_DAYS_PER_JOB:
        raise BulkExportsInputError(
            f"{days} is {counted(len(days), 'day')}, and Twilio accepts {MAX_DAYS_PER_JOB} in a UTC day: split it into "
            "ranges of at most that many days, one job each"
        )


def _utc_day(moment: datetime, *, name: str, shown: str | None = None) -> date:
    written = parsing.shown(shown or moment.isoformat())
    try:
        if moment.utcoffset() is not None:
            return _plain(moment.astimezone(timezone.utc))
    except (
        AttributeError,
        OverflowError,
        TypeError,
        ValueError,
    ) as error:  # also pandas' NaT, which is a datetime
        raise BulkExportsInputError(f"{name} {written} is not a valid date") from error
    raise BulkExportsInputError(
        f"{name} {written} has no time zone, so its UTC day is unknown: "
        "pass the day (YYYY-MM-DD) or a moment with its offset, such as '2026-01-31T00:00:00+00:00'"
    )


def _plain(day: date) -> date:
    """Convert a date of pendulum, which calculates differently, to one of the standard library."""
    return date(day.year, day.month, day.day)


def explicit_days(start_day: object, end_day: object) -> DayRange | None:
    """
    Parse the days given by the user; ``None`` if both are missing.

    :raises BulkExportsInputError: if only one is given, one is not a day, or the range is reversed.
    """
    if start_day is None and end_day is None:
        return None
    if start_day is None or end_day is None:
        missing = "end_day" if end_day is None else "start_day"
        raise BulkExportsInputError(
            f"{missing} is missing: pass both days (the same one twice for a single day), or none"
        )
    return DayRange.parse(start_day, end_day)


def newest_exportable_day(today: date) -> date:
    """
    Return the newest day that Twilio accepts as the end of an export.

    :param today: Current UTC day.
    """
    return today - EXPORT_DELAY


def needs_wait(end_day: date, *, today: date, may_wait: bool) -> bool:
    """
    Whether an export must wait until its last day is exportable.

    A day that has not begun is refused, since it is probably a mistake.

    :param today: Current UTC day.
    :param may_wait: Whether the task would wait for yesterday or today to become exportable.
    :raises DayNotExportableError: with the first possible moment, if the wait is too long or not allowed.
    """
    if end_day > today or not may_wait:
        check_exportable(end_day, today=today)
    return end_day > newest_exportable_day(today)


def merge_days(days: Iterable[date]) -> tuple[DayRange, ...]:
    """Join days, in any order and repeated or not, into the fewest ranges, ascending."""
    ranges: list[DayRange] = []
    for day in sorted(set(days)):
        if ranges and (day - ranges[-1].end).days == 1:
            ranges[-1] = DayRange(ranges[-1].start, day)
        else:
            ranges.append(DayRange(day, day))
    return tuple(ranges)


def day_ranges(days: Iterable[date | str], *, most: int = 5) -> list[str]:
    """
    Name days as ranges, ascending: the first ones, and how many days are in the rest.

    :param days: In any order; a text is a day as ``YYYY-MM-DD``.
    :param most: Most ranges to name.
    """
    ranges = merge_days(day if isinstance(day, date) else date.fromisoformat(day) for day in days)
    rest = sum(map(len, ranges[most:]))
    return [*map(str, ranges[:most]), *([f"and {counted(rest, 'more day')}"] if rest else [])]


def name_days(label: str, days: Iterable[date | str]) -> tuple[str, dict[str, list[str]]]:
    """
    Name days in an error: in its sentence if they are one or two ranges, otherwise in its details.

    :param label: What the days are, for example ``failed days``.
    :return: What to append to the sentence, and details.
    """
    ranges = day_ranges(days)
    return (f": {', '.join(ranges)}", {}) if 0 < len(ranges) <= _IN_A_SENTENCE else ("", {label: ranges})


def split_range(days: DayRange, *, max_days: int = MAX_DAYS_PER_JOB) -> Iterator[DayRange]:
    """
    Cut a range into consecutive ones of at most ``max_days`` days.

    :raises BulkExportsInputError: if ``max_days`` is below 1.
    """
    if max_days < 1:
        raise BulkExportsInputError(f"max_days must be 1 or more, got {max_days}")
    for offset in range(0, len(days), max_days):
        last = min(offset + max_days, len(days)) - 1
        yield DayRange(days.start + timedelta(days=offset), days.start + timedelta(days=last))


def utc_today() -> date:
    """Current UTC day."""
    return datetime.now(timezone.utc).date()
