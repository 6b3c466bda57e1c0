"""Invalid input is rejected without a request: literals at parse time, the rest in the run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timezone
from typing import Any

import pytest

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.operators.bulkexports import CreateExportCustomJobOperator
from airflow_provider_bulkexports.simulator import Simulator

Create = Callable[..., Any]

BAD_INPUT: dict[str, tuple[dict[str, Any], str]] = {
    "wrong case": ({"resource_type": "messages"}, "resource_type 'messages': write 'Messages'"),
    "upper case": ({"resource_type": "CALLS"}, "write 'Calls'"),
    "singular": ({"resource_type": "Participant"}, "write 'Participants'"),
    "unknown type": ({"resource_type": "Emails"}, "use one of 'Messages', 'Calls', 'Conferences', 'Participants'"),
    "no type": ({"resource_type": None}, "use one of 'Messages'"),
    "reversed": ({"start_day": "2026-01-08"}, "start_day 2026-01-08 is after end_day 2026-01-07: swap them"),
    "no date": ({"start_day": "first of May"}, "start_day 'first of May' is not a day: write it as YYYY-MM-DD"),
    "other order": ({"end_day": "07.01.2026"}, "write it as YYYY-MM-DD, such as '2026-01-31'"),
    "compact": ({"end_day": "20260107"}, "write it as YYYY-MM-DD"),
    "no such day": ({"end_day": "2026-02-29"}, "end_day '2026-02-29' is not a valid date"),
    "empty": ({"start_day": "", "end_day": ""}, "start_day '' is not a day"),
    "a number": ({"start_day": 20260101}, "start_day 20260101 is not a day"),
    "naive": ({"start_day": datetime(2026, 1, 1)}, "start_day '2026-01-01T00:00:00' has no time zone"),
    "naive text": ({"end_day": "2026-01-07T00:00:00"}, "end_day '2026-01-07T00:00:00' has no time zone"),
    "only a start": ({"end_day": None}, "end_day is missing: pass both days"),
    "only an end": ({"start_day": None}, "start_day is missing: pass both days"),
    "too long": ({"start_day": "2025-01-01", "end_day": "2026-01-02"}, "is 367 days, and Twilio accepts 366"),
    "hook without method": ({"webhook_url": "https://example.com"}, "webhook_method='POST'"),
    "method without hook": ({"webhook_method": "POST"}, "webhook_method without webhook_url: add the URL"),
    "other method": (
        {"webhook_url": "https://example.com", "webhook_method": "PUT"},
        "webhook_method must be 'GET' or 'POST'",
    ),
    "small method": (
        {"webhook_url": "https://example.com", "webhook_method": "post"},
        "webhook_method must be 'GET' or 'POST'",
    ),
    "no URL": ({"webhook_url": "example.com/x", "webhook_method": "GET"}, "with its scheme, https://"),
    "a number as name": ({"friendly_name": 7}, "friendly_name must be a string, such as 'daily messages'; got 7"),
    "other choice": ({"if_exists": "replace"}, "if_exists must be 'adopt' or 'submit', got 'replace'"),
}


@pytest.mark.parametrize(("wrong", "sentence"), BAD_INPUT.values(), ids=BAD_INPUT)
def test_invalid_literal_is_rejected_at_parse_time(
    make_create: Create, sim: Simulator, timeline: Any, wrong: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(BulkExportsInputError) as refusal:
        make_create(**wrong)

    assert sentence in str(refusal.value)
    assert len(sim.requests) == 0


@pytest.mark.parametrize(("wrong", "sentence"), BAD_INPUT.values(), ids=BAD_INPUT)
def test_invalid_rendered_value_fails_without_retry_or_request(
    connection: str,
    make_create: Create,
    run_task: Callable[..., Any],
    sim: Simulator,
    wrong: dict[str, Any],
    sentence: str,
) -> None:
    def rendered() -> CreateExportCustomJobOperator:
        task = make_create(**{name: "{{ var.value." + name + " }}" for name in wrong})
        for name, value in wrong.items():
            setattr(task, name, value)
        return task

    end = run_task(rendered)

    assert end.state == "failed", end.error
    assert sentence in str(end.error)
    assert len(sim.requests) == 0


@pytest.mark.parametrize(
    "wrong",
    [{"start_day": "{{ start }}", "end_day": "tomorrow"}, {"resource_type": "calls", "start_day": "{{ start }}"}],
    ids=str,
)
def test_literals_are_checked_beside_templates(make_create: Create, wrong: dict[str, Any]) -> None:
    with pytest.raises(BulkExportsInputError):
        make_create(**wrong)


@pytest.mark.parametrize(
    "days",
    [
        {"start_day": date(2026, 1, 1), "end_day": date(2026, 1, 7)},
        {"start_day": datetime(2026, 1, 1, 23, tzinfo=timezone.utc), "end_day": "2026-01-07T05:30:00+05:30"},
        {"start_day": "2026-01-01T00:00:00Z", "end_day": " 2026-01-07 "},
        {"start_day": "2026-01-01 00:00:00+00:00", "end_day": date(2026, 1, 7)},
    ],
    ids=str,
)
def test_days_are_accepted_in_every_unambiguous_form(create: Create, sim: Simulator, days: dict[str, Any]) -> None:
    end = create(**days)

    asked = sim.state.jobs[end.value].request
    assert (str(asked.start_day), str(asked.end_day)) == ("2026-01-01", "2026-01-07")


def test_one_job_covers_a_whole_year(create: Create, sim: Simulator) -> None:
    assert create(start_day="2025-01-01", end_day="2026-01-01").state == "success"


def test_invalid_connection_fails_without_retry(
    create: Create, connection: str, monkeypatch: pytest.MonkeyPatch, sim: Simulator
) -> None:
    monkeypatch.setenv(f"AIRFLOW_CONN_{connection.upper()}", '{"conn_type": "twilio_bulkexports", "login": "me"}')

    end = create()

    assert end.state == "failed"
    assert f"Connection {connection!r}" in str(end.error)
    assert len(sim.requests) == 0


def test_parsing_needs_no_connection_and_no_network(make_create: Create) -> None:
    make_create(twilio_conn_id="nowhere", wait_for_completion=True, deferrable=True)
