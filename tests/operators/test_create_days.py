"""The days that a run exports by default."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from airflow_provider_bulkexports.simulator import Simulator

UTC, BERLIN = timezone.utc, ZoneInfo("Europe/Berlin")

Create = Callable[..., Any]


@pytest.mark.parametrize(
    ("run", "days"),
    [
        pytest.param(
            {
                "data_interval_start": datetime(2026, 11, 20, tzinfo=UTC),
                "data_interval_end": datetime(2026, 11, 21, tzinfo=UTC),
                "logical_date": datetime(2026, 11, 20, tzinfo=UTC),
            },
            ("2026-11-20", "2026-11-20"),
            id="scheduled",
        ),
        pytest.param(
            {
                "data_interval_start": datetime(2026, 11, 20, tzinfo=BERLIN),
                "data_interval_end": datetime(2026, 11, 21, tzinfo=BERLIN),
            },
            ("2026-11-19", "2026-11-20"),
            id="scheduled in Berlin",
        ),
        pytest.param(
            {
                "data_interval_start": datetime(2026, 11, 20, tzinfo=UTC),
                "data_interval_end": datetime(2026, 11, 20, tzinfo=UTC),
                "logical_date": datetime(2026, 11, 20, tzinfo=UTC),
            },
            ("2026-11-20", "2026-11-20"),
            id="cron of Airflow 3",
        ),
        pytest.param({"partition_key": "2026-11-19"}, ("2026-11-19", "2026-11-19"), id="partitioned"),
    ],
)
def test_run_exports_the_days_it_covers(
    create: Create, sim: Simulator, context: dict[str, Any], run: dict[str, Any], days: tuple[str, str]
) -> None:
    context.update(run)

    end = create(start_day=None, end_day=None)

    asked = sim.state.jobs[end.value].request
    assert (str(asked.start_day), str(asked.end_day)) == days


def test_partition_key_of_the_run_is_used(create: Create, sim: Simulator, context: dict[str, Any]) -> None:
    context["dag_run"] = SimpleNamespace(run_id="partitioned__1", partition_key="2026-11-19")

    end = create(start_day=None, end_day=None)

    assert str(sim.state.jobs[end.value].request.start_day) == "2026-11-19"


def test_explicit_days_override_those_of_the_run(create: Create, sim: Simulator, context: dict[str, Any]) -> None:
    context["partition_key"] = "2026-11-19"

    end = create()

    assert str(sim.state.jobs[end.value].request.start_day) == "2026-01-01"


def test_manual_run_without_a_date_says_what_to_pass(create: Create, sim: Simulator) -> None:
    end = create(start_day=None, end_day=None)

    assert end.state == "failed"
    assert "Pass start_day and end_day" in str(end.error)
    assert len(sim.requests) == 0


def test_missing_days_are_accepted_at_parse_time(make_create: Create) -> None:
    make_create(start_day=None, end_day=None)


AT_SIX = {
    "data_interval_start": datetime(2026, 11, 19, 6, tzinfo=UTC),
    "data_interval_end": datetime(2026, 11, 20, 6, tzinfo=UTC),
}


@pytest.mark.parametrize(("days", "times"), [({"start_day": None, "end_day": None}, 1), ({}, 0)])
def test_overlapping_runs_warn_once(
    create: Create,
    context: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    days: dict[str, Any],
    times: int,
) -> None:
    context.update(AT_SIX)

    assert create(**days).state == "success"

    said = capsys.readouterr().out, caplog.text  # Airflow 3's log, and Airflow 2's
    assert max(text.count("do not begin and end at 00:00 UTC") for text in said) == times
