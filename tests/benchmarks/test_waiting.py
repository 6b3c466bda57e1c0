"""The benchmark of waiting runs, and reports what happened. No test asserts how fast anything is."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("airflow.providers.http.triggers.http", reason="the http provider competes")

from benchmarks.waiting.contenders import AwaitedJob
from benchmarks.waiting.measure import Measurement

pytestmark = pytest.mark.slow  # processes that import Airflow

BENCHMARK = Path(__file__).with_name("bench_waiting.py")


def run(output: Path, *options: str) -> tuple[str, dict[str, Any]]:
    command = [sys.executable, str(BENCHMARK), "--output", str(output), "--parse-rounds", "0", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, json.loads((output / "results.json").read_text())


@pytest.mark.timeout(300)  # it starts processes that import Airflow
def test_every_wait_wakes_once_and_requests_are_counted(tmp_path: Path) -> None:
    contenders = ["this-package", "http-sensor"]

    printed, results = run(tmp_path, "--waits", "2", "--seconds", "1", "--interval", "0.2", "--contenders", *contenders)

    rounds = {round_["contender"]: round_ for round_ in results["rounds"]}
    assert list(rounds) == contenders
    for round_ in rounds.values():
        assert (round_["finished"], round_["woken_once"], round_["woken_wrongly"]) == (True, 2, 0)
        assert round_["worst_late_seconds"] >= round_["median_late_seconds"] >= 0
        assert round_["cpu_seconds"] > 0
        assert round_["requests"] and "unknown" not in round_["requests"]
    assert (tmp_path / "results.md").read_text().strip() in printed
    assert "| this package " in printed


def test_slow_contender_is_cut_off(tmp_path: Path) -> None:
    # Cut off one second after the beginning, when no job has ended.
    options = ("--waits", "2", "--seconds", "600", "--patience", "-599", "--contenders", "asleep")

    printed, results = run(tmp_path, *options)

    [round_] = results["rounds"]
    assert (round_["finished"], round_["woken_once"], round_["woken_wrongly"]) == (False, 0, 0)
    assert "0, not finished" in printed


def test_lateness_counts_from_the_end_of_the_job() -> None:
    now = time.time()
    woken, asleep, running = (AwaitedJob(number, str(number), now + ends) for number, ends in enumerate((-9, -5, 600)))
    measurement = Measurement([woken, asleep, running])

    measurement.note(woken, has_ended=True)
    measurement.note(running, has_ended=True)
    measurement.note(running, has_ended=True)

    results = measurement.results()
    assert 9 <= results["worst_late_seconds"] < 60
    assert 5 <= results["median_late_seconds"] < 9
    assert (results["woken_once"], results["woken_wrongly"]) == (1, 1)
