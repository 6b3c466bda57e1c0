"""The rounds in rows, and what they come to in ratios."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .contenders import CONTENDERS

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


def ratios(rounds: Sequence[dict[str, Any]]) -> list[str]:
    """A sentence on each contender with the most waits that both it and this package came to the end of."""
    finished = {(round_["contender"], round_["waits"]): round_ for round_ in rounds if round_["finished"]}
    sentences = []
    for name in CONTENDERS:
        both = [waits for of, waits in finished if of == name and (OURS, waits) in finished]
        if name not in (OURS, HARNESS) and both:
            ours, theirs = finished[OURS, max(both)], finished[name, max(both)]
            requests = total_requests(theirs) / total_requests(ours)
            cpu = theirs["cpu_seconds"] / ours["cpu_seconds"]
            sentence = (
                f"{CONTENDERS[name].label} with {max(both)} waits: {requests:.1f} times this package's requests, "
                f"{cpu:.1f} times its CPU time"
            )
            if harness := finished.get((HARNESS, max(both))):
                itself = harness["cpu_seconds"]
                net = (theirs["cpu_seconds"] - itself) / (ours["cpu_seconds"] - itself)
                sentence += f" ({net:.1f} times, less the harness's own)"
            sentences.append(f"{sentence}.")
    return sentences
