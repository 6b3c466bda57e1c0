"""The rounds as a picture: one line for each way to wait, on logarithmic axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from matplotlib import pyplot

from .contenders import CONTENDERS
from .tables import HARNESS, OURS, total_requests

PANELS: dict[str, Callable[[dict[str, Any]], float]] = {
    "requests": total_requests,
    "CPU seconds": lambda round_: round_["cpu_seconds"],
    "worst lag of the event loop (s)": lambda round_: round_["worst_lag_seconds"],
    "memory (MiB)": lambda round_: round_["memory_mib"],
    "from a job's end to the wake-up, median (s)": lambda round_: round_["median_late_seconds"],
    "from a job's end to the wake-up, worst (s)": lambda round_: round_["worst_late_seconds"],
}

STYLES: dict[str, dict[str, Any]] = {OURS: {"linewidth": 3, "zorder": 3}, HARNESS: {"color": "grey", "linestyle": ":"}}


def draw_rounds(rounds: Sequence[dict[str, Any]], target: Path) -> Path:
    """Draw a panel for every measure; a cross marks a round in which not every wait woke. Return the picture's file."""
    figure, grid = pyplot.subplots(2, 3, figsize=(15, 8), layout="constrained")
    names = [name for name in CONTENDERS if any(round_["contender"] == name for round_ in rounds)]
    for axes, (title, value) in zip(grid.flat, PANELS.items(), strict=True):
        axes.set(xscale="log", yscale="log", xlabel="waits", title=title)
        for name in names:
            draw_line(axes, name, [round_ for round_ in rounds if round_["contender"] == name], value)
        axes.grid(alpha=0.3)
    handles, labels = grid.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(names))
    figure.suptitle("Waiting for jobs in one process (a cross: not every wait woke in time)")
    figure.savefig(target, dpi=100)
    pyplot.close(figure)
    return target


def draw_line(axes: Any, name: str, rounds: Sequence[dict[str, Any]], value: Callable[[dict[str, Any]], float]) -> None:
    """Draw one contender's line; zero has no place on a logarithmic axis."""
    points = [(round_, height) for round_ in rounds if (height := value(round_)) > 0]
    [line] = axes.plot(
        [round_["waits"] for round_, _ in points],
        [height for _, height in points],
        label=CONTENDERS[name].label,
        **STYLES.get(name, {}),
    )
    for round_, height in points:
        marker = "o" if round_["woken_once"] == round_["waits"] else "x"
        axes.plot(round_["waits"], height, marker=marker, color=line.get_color(), zorder=line.get_zorder())
