"""What the file of a later export changed, from the manifests of both files: the one that it replaced is not read."""

from __future__ import annotations

from airflow_provider_bulkexports.model.plain import counted
from airflow_provider_bulkexports.object_storage.manifest import DayChanges, Manifest, StoredDay

__all__ = ["changes_of", "described"]


def changes_of(entry: StoredDay, replaced: Manifest | None) -> DayChanges | None:
    """
    Compare a file with the one that it replaced.

    One that was made again from the same file of Twilio, for example with other columns, keeps what that file changed.

    :param entry: Entry of the new file.
    :param replaced: Manifest of the file that was at the same path, if there was one.
    :return: ``None`` if nothing was replaced.
    """
    if replaced is None or replaced.day != entry["day"]:
        return None
    if replaced.source_sha256 == entry["source_sha256"]:
        return replaced.changes
    before, after = replaced.figures["prices_missing"], entry["prices_missing"]
    return DayChanges(
        records_gained=max(0, entry["records"] - replaced.records),
        records_lost=max(0, replaced.records - entry["records"]),
        prices_filled=None if before is None or after is None else max(0, before - after),
        price_total_before=replaced.figures["price_total"],
    )


def described(entry: StoredDay) -> str:
    """What the file changed, in a few words; empty if it replaced none."""
    changes = entry["changes"]
    if changes is None:
        return ""
    lost = changes["records_lost"]
    words = [_counted(lost, "record", "lost") if lost else _counted(changes["records_gained"], "record", "gained")]
    if changes["prices_filled"] is not None:
        words.append(_counted(changes["prices_filled"], "price", "filled in"))
    before, after = changes["price_total_before"], entry["price_total"]
    if before and after and before != after:
        words.append(f"price total from {before} to {after}")
    return ", ".join(words)


def _counted(number: int, noun: str, verb: str) -> str:
    return f"{counted(number, noun) if number else f'no {noun}s'} {verb}"
