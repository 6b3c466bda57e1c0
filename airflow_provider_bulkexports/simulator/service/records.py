"""
Content of day files: gzip-compressed JSON lines of invented records.

Fields and their types are those of the documentation (https://www.twilio.com/docs/usage/bulkexport) and of real files.
Telephone numbers are from Twilio's test range. The same seed, account, type and day give the same bytes.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from random import Random
from typing import Any

from airflow_provider_bulkexports.model.resources import ResourceType

__all__ = ["PRICED", "DayContent", "day_content", "day_records", "empty_content"]

#: Records in one gzip member. Longer files repeat it: readers see the members as one stream.
BLOCK_RECORDS = 20_000

#: Share of records that have a price, unless a knob says otherwise.
PRICED = 0.97

_SECONDS_OF_DAY = 24 * 60 * 60
_NUMBERS = tuple(f"+1500555{line:04d}" for line in range(10))
_BODIES = (
    "Your code is {number}",
    "Your parcel {number} is on its way",
    "Reminder: appointment {number} is tomorrow",
    "Danke, Bestellung {number} ist bezahlt: schönen Gruß",
    "Table for {people} at Quillberry's is booked",
)
_MESSAGE_STATUSES = ("delivered",) * 8 + ("sent", "undelivered", "failed", "received")
_CALL_STATUSES = ("completed",) * 7 + ("busy", "no-answer", "failed", "canceled")
_CONFERENCES = ("standup", "Quillberry planning", "support-bridge", "Marlowe & Finch")
_REASONS = ("last-participant-left", "participant-with-end-conference-on-exit-left", "conference-ended-via-api")


@dataclass(frozen=True)
class DayContent:
    """
    The bytes of a file: ``block``, ``repeats`` times, then ``rest``. Memory holds each part once.

    :param records: Number of records in the file.
    """

    block: bytes
    repeats: int
    rest: bytes
    records: int

    @property
    def size(self) -> int:
        """Length of the whole file in bytes."""
        return len(self.block) * self.repeats + len(self.rest)

    def read(self, start: int = 0, stop: int | None = None, chunk_size: int = 256 * 1024) -> Iterator[bytes]:
        """Yield the bytes from ``start`` up to ``stop`` in pieces of at most ``chunk_size``."""
        stop = self.size if stop is None else min(stop, self.size)
        rest_begins = len(self.block) * self.repeats
        while start < stop:
            if start < rest_begins:
                part, offset = self.block, start % len(self.block)
            else:
                part, offset = self.rest, start - rest_begins
            piece = part[offset : offset + min(chunk_size, stop - start)]
            start += len(piece)
            yield piece


def empty_content(*, zero_bytes: bool) -> DayContent:
    """Return the file of a day without records: a gzip file of nothing, or nothing at all."""
    return DayContent(b"", 0, b"" if zero_bytes else gzip.compress(b"", mtime=0), 0)


def day_content(
    seed: int,
    account_sid: str,
    resource_type: ResourceType,
    day: date,
    count: int,
    least_bytes: int | None = None,
    *,
    priced: float = PRICED,
) -> DayContent:
    """
    Make the file of a day.

    :param count: Number of records. Above 20 000, a block of 20 000 is repeated, with the same sids.
    :param least_bytes: Repeat the block until the file is at least this long; ``count`` has no effect then.
    :param priced: Share of its records that have a price. What else they have does not depend on it.
    """
    if least_bytes is None and count <= BLOCK_RECORDS:
        return DayContent(b"", 0, _member(seed, account_sid, resource_type, day, count, priced), count)
    block = _block(seed, account_sid, resource_type, day, priced)
    if least_bytes is not None:
        repeats = -(-least_bytes // len(block))
        return DayContent(block, repeats, b"", repeats * BLOCK_RECORDS)
    repeats, left = divmod(count, BLOCK_RECORDS)
    rest = _member(seed, account_sid, resource_type, day, left, priced) if left else b""
    return DayContent(block, repeats, rest, count)


def day_records(
    seed: int, account_sid: str, resource_type: ResourceType, day: date, count: int, *, priced: float = PRICED
) -> Iterator[dict[str, Any]]:
    """Yield the records of a day, oldest first."""
    rng = Random(f"{seed}/{account_sid}/{resource_type.value}/{day.isoformat()}")
    midnight = datetime(day.year, day.month, day.day, tzinfo=timezone.utc)
    # No record starts in the last half hour, so that its later timestamps are of the same day.
    seconds = sorted(rng.randrange(_SECONDS_OF_DAY - 1800) for _ in range(count))
    make = _MAKERS[resource_type]
    for second in seconds:
        yield make(rng, account_sid, midnight + timedelta(seconds=second), priced)


@lru_cache(maxsize=4)
def _block(seed: int, account_sid: str, resource_type: ResourceType, day: date, priced: float) -> bytes:
    return _compressed(seed, account_sid, resource_type, day, BLOCK_RECORDS, priced)


@lru_cache(maxsize=512)
def _member(seed: int, account_sid: str, resource_type: ResourceType, day: date, count: int, priced: float) -> bytes:
    return _compressed(seed, account_sid, resource_type, day, count, priced)


def _compressed(
    seed: int, account_sid: str, resource_type: ResourceType, day: date, count: int, priced: float
) -> bytes:
    records = day_records(seed, account_sid, resource_type, day, count, priced=priced)
    lines = [json.dumps(record) for record in records]
    text = "".join(f"{line}\n" for line in lines)
    return gzip.compress(text.encode(), compresslevel=1 if count > 1000 else 6, mtime=0)


def _message(rng: Random, account_sid: str, created: datetime, priced: float) -> dict[str, Any]:
    status = rng.choice(_MESSAGE_STATUSES)
    inbound = status == "received"
    segments = 1 if rng.random() < 0.9 else 2
    record: dict[str, Any] = {
        "status": status,
        "account_sid": account_sid,
        "from": rng.choice(_NUMBERS),
        "to": rng.choice(_NUMBERS),
        "body": rng.choice(_BODIES).format(number=rng.randrange(1000, 10_000), people=rng.randrange(2, 9)),
        "num_segments": segments,
        "date_sent": _iso(created, rng.randrange(3)),
        "date_updated": _iso(created, rng.randrange(3, 60)),
        "date_created": _iso(created),
        "error_code": _error_code(rng, status),
        "sid": _sid(rng, "SM" if rng.random() < 0.95 else "MM"),
        "flags": 65618,
        "messaging_service_sid": _sid(rng, "MG") if rng.random() < 0.3 else None,
        "direction": "inbound" if inbound else "outbound-api",
        "start": created.date().isoformat(),
        "num_media": 0,
    }
    if rng.random() < priced:
        record["price"] = f"-{0.0075 * segments:.5f}"
    return record


def _error_code(rng: Random, status: str) -> int | None:
    if status in ("undelivered", "failed"):
        return rng.choice((30003, 30005, 30007))
    # Real files had 0 for "no error", the documentation's sample has null.
    return 0 if rng.random() < 0.9 else None


def _call(rng: Random, account_sid: str, created: datetime, priced: float) -> dict[str, Any]:
    status = rng.choice(_CALL_STATUSES)
    duration = rng.randrange(1, 900) if status == "completed" else 0
    record: dict[str, Any] = {
        "sid": _sid(rng, "CA"),
        "account_sid": account_sid,
        "parent_call_sid": None,
        "phone_number_sid": _sid(rng, "PN"),
        "from": rng.choice(_NUMBERS),
        "to": rng.choice(_NUMBERS),
        "status": status,
        "direction": rng.choice(("inbound", "outbound-api", "outbound-dial")),
        "date_created": _iso(created),
        "date_updated": _iso(created, 5 + duration),
        "start_time": _iso(created, 3),
        "end_time": _iso(created, 3 + duration),
        "duration": duration,
        "answered_by": rng.choice((None, None, "human", "machine_start")),
        "forwarded_from": None,
        "caller_name": rng.choice((None, "ODA MARLOWE", "PIP FINCH")),
        "trunk_sid": None,
        "price_unit": "USD",
    }
    if rng.random() < priced:
        record["price"] = f"-{0.014 * (1 + duration // 60):.5f}" if duration else None
    return record


def _conference(rng: Random, account_sid: str, created: datetime, _priced: float) -> dict[str, Any]:
    return {
        "sid": _sid(rng, "CF"),
        "account_sid": account_sid,
        "friendly_name": rng.choice(_CONFERENCES),
        "region": "us1",
        "status": "completed",
        "reason_conference_ended": rng.choice(_REASONS),
        "call_sid_ending_conference": _sid(rng, "CA"),
        "date_created": _iso(created),
        "date_updated": _iso(created, rng.randrange(60, 1800)),
    }


def _participant(rng: Random, account_sid: str, created: datetime, _priced: float) -> dict[str, Any]:
    return {
        "account_sid": account_sid,
        "call_sid": _sid(rng, "CA"),
        "conference_sid": _sid(rng, "CF"),
        "status": "complete",
        "muted": rng.random() < 0.2,
        "hold": False,
        "coaching": False,
        "call_sid_to_coach": None,
        "start_conference_on_enter": True,
        "end_conference_on_exit": rng.random() < 0.3,
        "date_created": _iso(created),
        "date_updated": _iso(created, rng.randrange(30, 1800)),
    }


_MAKERS: dict[ResourceType, Callable[[Random, str, datetime, float], dict[str, Any]]] = {
    ResourceType.MESSAGES: _message,
    ResourceType.CALLS: _call,
    ResourceType.CONFERENCES: _conference,
    ResourceType.PARTICIPANTS: _participant,
}


def _sid(rng: Random, prefix: str) -> str:
    return f"{prefix}{rng.getrandbits(128):032x}"


def _iso(moment: datetime, later: int = 0) -> str:
    return (moment + timedelta(seconds=later)).isoformat().replace("+00:00", "Z")
