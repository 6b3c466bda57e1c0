"""The rounds in rows, and what they come to in ratios."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .contenders import CONTENDERS
from .output import markdown_table

HEADER = (
    "way to wait",
    "waits",
    "requests",
    "CPU s",
    "worst lag ms",
    "longest GC ms",
    "memory MiB",
    "late s, median",
    "late s, worst",
    "woken",
    "server's CPU s",
)

RATIOS = "times this package's requests / CPU time"

OURS = "this-package"
HARNESS = "asleep"


def row(round_: dict[str, Any]) -> list[str]:
    """One contender's round."""
    unfinished, at_least = ("", "") if round_["finished"] else (", not finished", "≥ ")
    wrongly = f", {round_['woken_wrongly']} wrongly" if round_["woken_wrongly"] else ""
    return [
        CONTENDERS[round_["contender"]].label,
        f"{round_['waits']}",
        f"{total_requests(round_)}",
        f"{round_['cpu_seconds']:.2f}",
        f"{round_['worst_lag_seconds'] * 1000:.0f}",
        f"{round_['longest_collection_seconds'] * 1000:.0f}",
        f"{round_['memory_mib']:.0f}",
        f"{at_least}{round_['median_late_seconds']:.2f}",
        f"{at_least}{round_['worst_late_seconds']:.2f}",
        f"{round_['woken_once']}{wrongly}{unfinished}",
        f"{round_['server_cpu_seconds']:.2f}",
    ]


def in_words(round_: dict[str, Any]) -> str:
    """One contender's round, to be printed while others go on."""
    label, waits, *cells = row(round_)
    said = (f"{name} {cell}" for name, cell in zip(HEADER[2:], cells, strict=True))
    return f"{label}, {waits} waits: {'; '.join(said)}"


def total_requests(round_: dict[str, Any]) -> int:
    """All requests that the server counted."""
    return sum(round_["requests"].values())


def ratios_table(rounds: Sequence[dict[str, Any]]) -> str:
    """How many times this package's requests and CPU time the others took, where both came to the end."""
    finished = {(round_["contender"], round_["waits"]): round_ for round_ in rounds if round_["finished"]}
    all_waits = sorted({round_["waits"] for round_ in rounds})
    others = [name for name in CONTENDERS if name not in (OURS, HARNESS) and any(name == of for of, _ in finished)]

    def cell(name: str, waits: int) -> str:
        ours, theirs = finished.get((OURS, waits)), finished.get((name, waits))
        if not ours or not theirs:
            return "-"
        requests = total_requests(theirs) / total_requests(ours)
        return f"{requests:.1f} / {theirs['cpu_seconds'] / ours['cpu_seconds']:.1f}"

    header = (RATIOS, *(f"{waits} waits" for waits in all_waits))
    return markdown_table(
        header, [[CONTENDERS[name].label, *(cell(name, waits) for waits in all_waits)] for name in others]
    )
