"""What is measured of a waiting process: CPU, memory, the event loop's lag, and when each wait woke."""

from __future__ import annotations

import asyncio
import gc
import resource
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .contenders import AwaitedJob

#: Seconds that the heartbeat sleeps. What a beat takes beyond them, others had to wait as well.
HEARTBEAT = 0.01


class Heartbeat:
    """A task beside the waits that notices when the loop runs nothing."""

    def __init__(self) -> None:
        self._worst = 0.0
        self._last = time.perf_counter()

    async def beat(self) -> None:
        """Go on until cancelled."""
        self._last = time.perf_counter()
        while True:
            await asyncio.sleep(HEARTBEAT)
            self._worst = max(self._worst, self.excess())
            self._last = time.perf_counter()

    def excess(self) -> float:
        """By how many seconds the present beat is late."""
        return time.perf_counter() - self._last - HEARTBEAT

    def worst(self) -> float:
        """Return the worst lag in seconds, also of a stall that lasts yet."""
        return max(self._worst, self.excess())


class Collections:
    """How long the garbage collector stopped everything: a part of the lag that depends on the whole process's heap."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._began = 0.0
        gc.callbacks.append(self._note)

    def _note(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._began = time.perf_counter()
        else:
            self.longest = max(self.longest, time.perf_counter() - self._began)


@dataclass
class Woken:
    """One wait's events: when the first came, how many there were, whether all said that the job had ended."""

    at: float
    events: int
    truly: bool


class Measurement:
    """
    A round in this process, measured from the moment at which it is made.

    :param jobs: What is waited for.
    """

    def __init__(self, jobs: Sequence[AwaitedJob]) -> None:
        self._jobs = jobs
        self._woken: dict[str, Woken] = {}
        self.heartbeat = Heartbeat()
        self._collections = Collections()
        self._memory = peak_memory()
        self._cpu = cpu_seconds()

    def note(self, job: AwaitedJob, has_ended: bool) -> None:
        """Note an event of a wait."""
        now = time.time()
        woken = self._woken.setdefault(job.sid, Woken(now, 0, True))
        woken.events += 1
        woken.truly = woken.truly and has_ended and now >= job.ends_at

    def results(self) -> dict[str, Any]:
        """Everything so far."""
        cpu = cpu_seconds() - self._cpu
        late = self._late(time.time())
        return {
            "cpu_seconds": cpu,
            "worst_lag_seconds": self.heartbeat.worst(),
            "longest_collection_seconds": self._collections.longest,
            "memory_mib": (peak_memory() - self._memory) / (1 << 20),
            "woken_once": sum(woken.truly and woken.events == 1 for woken in self._woken.values()),
            "woken_wrongly": sum(not woken.truly or woken.events > 1 for woken in self._woken.values()),
            "median_late_seconds": statistics.median(late),
            "worst_late_seconds": max(late),
        }

    def _late(self, now: float) -> list[float]:
        """Seconds from each job's end to the wake-up; of waits that sleep on, the seconds so far."""
        woken = {sid: woken.at for sid, woken in self._woken.items() if woken.truly}
        return [max(0.0, woken.get(job.sid, now) - job.ends_at) for job in self._jobs]


def cpu_seconds() -> float:
    """CPU time of this process, user and system, all threads."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def peak_memory() -> int:
    """Most bytes that were resident. Not ``ru_maxrss`` where avoidable: a new program inherits that of its parent."""
    try:
        status = Path("/proc/self/status").read_text()
    except FileNotFoundError:  # no Linux
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(status.partition("VmHWM:")[2].split()[0]) << 10
