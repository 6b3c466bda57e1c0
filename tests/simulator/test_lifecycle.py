"""The life cycle of a job's days is planned when it is created, and depends on the clock alone."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_bulkexports.model.details import DayStatus
from airflow_provider_bulkexports.simulator import Knobs, Simulator
from airflow_provider_bulkexports.simulator.service.lifecycle import DayRun, plan_runs

CREATED = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)
STARTS = CREATED + timedelta(seconds=15)
FIRST = date(2026, 11, 1)


def plan(length: int, *, seed: int = 1, attempts: int = 0, knobs: Knobs | None = None) -> list[DayRun]:
    return plan_runs(
        [FIRST + timedelta(days=offset) for offset in range(length)],
        created_at=CREATED,
        starts_at=STARTS,
        failed_attempts=lambda _: attempts,
        knobs=knobs or Knobs(),
        rng=Random(seed),
    )


def test_same_seed_gives_the_same_life_cycle() -> None:
    assert plan(30) == plan(30)
    assert plan(30) != plan(30, seed=2)


def test_days_end_out_of_order() -> None:
    ends = [run.ends_at for run in plan(30)]
    assert ends != sorted(ends)


def test_week_takes_about_two_minutes() -> None:
    longest = max(run.ends_at for run in plan(7)) - CREATED
    assert timedelta(minutes=1) < longest < timedelta(minutes=3)


@given(length=st.integers(1, 60), parallel=st.integers(1, 8), seed=st.integers())
def test_knob_limits_the_days_that_run_at_once(length: int, parallel: int, seed: int) -> None:
    runs = plan(length, seed=seed, knobs=Knobs(parallel_days=parallel))
    assert [run.day for run in runs] == [FIRST + timedelta(days=offset) for offset in range(length)]
    for moment in (run.steps[-1][0] for run in runs):
        running = [run for run in runs if run.steps[-1][0] <= moment < run.ends_at]
        assert len(running) <= parallel


def test_day_passes_its_statuses_in_order() -> None:
    (run,) = plan(1, attempts=2)
    seen = []
    moment = CREATED
    while moment < run.ends_at:
        seen.append(run.status_at(moment))
        moment += timedelta(seconds=1)
    changes = [status for before, status in zip([None, *seen], seen, strict=False) if status is not before]
    failing = [DayStatus.RUNNING, DayStatus.ERROR_DURING_RUN]
    assert changes == [DayStatus.SUBMITTED, *failing, *failing, DayStatus.RUNNING]
    run.outcome = DayStatus.COMPLETED
    assert run.status_at(run.ends_at) is DayStatus.COMPLETED


def test_job_without_durations_finishes_at_once(sim: Simulator) -> None:
    sim.knobs.queue_seconds = sim.knobs.seconds_per_day_run = 0
    assert sim.create_job("Messages", "2026-11-01", "2026-11-07").is_finished


@pytest.mark.parametrize("speed", [0.5, 60])
def test_job_speed_divides_every_duration(sim: Simulator, speed: float) -> None:
    sim.state.fail_day("Calls", "2026-11-02")

    def offsets() -> list[float]:
        job = Simulator(clock=sim.clock, knobs=sim.knobs).create_job("Calls", "2026-11-01", "2026-11-05")
        moments = [at for run in job.runs for at, _ in run.steps] + [run.ends_at for run in job.runs]
        run = job.runs[0]
        run.delete(run.steps[-1][0], sim.knobs.job_time(sim.knobs.stop_seconds))
        return [(moment - job.created_at).total_seconds() for moment in [*moments, run.ends_at]]

    usual = offsets()
    sim.knobs.job_speed = speed

    assert offsets() == pytest.approx([seconds / speed for seconds in usual], abs=1e-4)


def test_job_keeps_the_durations_it_was_created_with(sim: Simulator) -> None:
    job = sim.create_job("Messages", "2026-11-01", "2026-11-07")
    planned = job.finishes_at
    sim.knobs.seconds_per_day_run = 10_000
    sim.clock.advance_to(planned)
    assert sim.state.jobs[job.sid].is_finished


def test_jobs_above_the_limit_start_when_others_finish(sim: Simulator) -> None:
    sim.knobs.parallel_jobs = 2
    first, second, third, fourth = (sim.create_job("Messages", "2026-11-01", "2026-11-02") for _ in range(4))
    assert first.starts_at == second.starts_at < third.starts_at <= fourth.starts_at
    assert third.starts_at == min(first.finishes_at, second.finishes_at)


@pytest.mark.parametrize(
    ("knob", "status"), [("failed_rate", DayStatus.FAILED), ("empty_rate", DayStatus.COMPLETED_EMPTY_RECORDS)]
)
def test_rates_choose_the_same_days_for_the_same_seed(knob: str, status: DayStatus) -> None:
    outcomes = []
    for _ in range(2):
        simulator = Simulator()
        setattr(simulator.knobs, knob, 0.5)
        job = simulator.create_job("Messages", "2026-01-01", "2026-03-31")
        simulator.finish_jobs()
        outcomes.append([run.outcome for run in job.runs])
    assert outcomes[0] == outcomes[1]
    assert 20 < outcomes[0].count(status) < 70


def test_error_rate_sends_days_through_error_during_run(sim: Simulator) -> None:
    sim.knobs.error_rate = 0.5
    job = sim.create_job("Messages", "2026-01-01", "2026-03-31")
    with_error = [run for run in job.runs if DayStatus.ERROR_DURING_RUN in {status for _, status in run.steps}]
    assert 20 < len(with_error) < 70
