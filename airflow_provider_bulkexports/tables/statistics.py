"""What a conversion learns about a day, for its manifest."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from hashlib import blake2b

from airflow_provider_bulkexports.tables.columns import Column

__all__ = ["FINAL_STATUSES", "FOLD", "DayStatistics", "SidCounter", "have_price", "should_have_price"]

#: Statuses of records that are finished, and that Twilio charges for.
FINAL_STATUSES = ("completed", "delivered", "partially_delivered", "read", "sent", "undelivered")

#: The key of a sid is the first half of its random part, plus this many times the second.
FOLD = 0x9E37_79B9_7F4A_7C15

#: Sids that are compared at once; the rest wait, in 8 bytes each.
_BATCH = 1 << 18


@dataclass
class DayStatistics:
    """
    Figures of one day.

    :param records: Rows written.
    :param blank_lines: Lines of white space, which are not records.
    :param rescued: Rows with something in ``_rescued``.
    :param prices_due: Finished outbound records, which have a price in the end; ``None`` for types that have no price.
    :param prices_missing: Those of them without a price; ``None`` for types that have no price.
    :param price_total: Sum of all prices; ``None`` for types that have no price.
    :param duplicate_sids: Records whose sid another one has as well; ``None`` for types without a sid.
    """

    records: int = 0
    blank_lines: int = 0
    rescued: int = 0
    prices_due: int | None = None
    prices_missing: int | None = None
    price_total: Decimal | None = None
    duplicate_sids: int | None = None

    @classmethod
    def of_columns(cls, columns: Sequence[Column]) -> DayStatistics:
        """Begin the figures of a type with these columns."""
        return cls(prices_due=0, prices_missing=0, price_total=Decimal(0)) if have_price(columns) else cls()

    @property
    def has_prices(self) -> bool:
        """Whether the type has prices."""
        return self.price_total is not None

    def add_prices(self, *, due: int, missing: int, total: Decimal) -> None:
        """Add the prices of some records of a type that has prices."""
        self.prices_due = (self.prices_due or 0) + due
        self.prices_missing = (self.prices_missing or 0) + missing
        self.price_total = (self.price_total or Decimal(0)) + total


def have_price(columns: Sequence[Column]) -> bool:
    """Whether one of the columns is the price."""
    return any(column.name == "price" for column in columns)


def should_have_price(status: object, direction: object) -> bool:
    """Whether a record is finished and outbound, so that Twilio charges for it."""
    return status in FINAL_STATUSES and isinstance(direction, str) and direction.startswith("outbound")


class SidCounter:
    """
    Counts sids that occur more than once.

    It keeps 8 bytes of each sid, the two halves of its random part folded into one: two different sids of a day with
    ten million records agree in these with a probability of one in 370,000.
    """

    def __init__(self) -> None:
        self.keys = array("Q")

    def add(self, sids: Iterable[str]) -> None:
        """Add sids one by one, whatever they look like."""
        self.keys.extend(
            int.from_bytes(blake2b(sid.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
            if (key := _key_of(sid)) is None
            else key
            for sid in sids
        )

    def duplicates(self) -> int:
        """Number of sids, less the number of different ones."""
        parts = len(self.keys) // _BATCH + 1
        different = sum(len({key for key in self.keys if key % parts == part}) for part in range(parts))
        return len(self.keys) - different


def _key_of(sid: str) -> int | None:
    try:
        first, second = array("Q", bytes.fromhex(sid[2:]))
    except ValueError:
        return None
    return (first + second * FOLD) % 2**64
