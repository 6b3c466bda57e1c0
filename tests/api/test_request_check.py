"""Values that Twilio would refuse or misunderstand are refused before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.exceptions import BulkExportsInputError, DayNotExportableError
from airflow_provider_bulkexports.model.days import parse_day
from airflow_provider_bulkexports.model.resources import ResourceType, parse_job_sids
from airflow_provider_bulkexports.simulator import Simulator

JOB_SID = "JS" + "0123456789abcdef" * 2


def create(client: BulkExportsClient, resource_type: Any = "Messages", **changed: Any) -> Any:
    values = {"start_day": "2026-01-01", "end_day": "2026-01-03", "friendly_name": "first days"}
    return client.create_job(resource_type, **(values | changed))


BAD_CREATES: dict[str, tuple[dict[str, Any], str]] = {
    "reversed range": ({"start_day": "2026-01-04"}, "start_day 2026-01-04 is after end_day 2026-01-03: swap them"),
    "not a day": ({"start_day": "yesterday"}, "start_day 'yesterday' is not a day: write it as YYYY-MM-DD"),
    "no day of the calendar": ({"end_day": "2026-02-30"}, "end_day '2026-02-30' is not a valid date"),
    "empty day": ({"end_day": ""}, "end_day '' is not a day"),
    "no day": ({"start_day": None}, "start_day None is not a day"),
    "number": ({"start_day": 20260101}, "start_day 20260101 is not a day"),
    "template left over": ({"start_day": "{{ ds }}"}, "start_day '{{ ds }}' is not a day"),
    "naive datetime": ({"end_day": datetime(2026, 1, 3)}, "end_day '2026-01-03T00:00:00' has no time zone"),
    "naive text": ({"end_day": "2026-01-03T00:00:00"}, "end_day '2026-01-03T00:00:00' has no time zone"),
    "367 days": ({"start_day": "2025-01-01", "end_day": "2026-01-02"}, "is 367 days, and Twilio accepts 366"),
    "day before yesterday is the newest": ({"end_day": "2026-11-23"}, "cannot be exported before 2026-11-25 00:00 UTC"),
    "today": ({"start_day": "2026-11-24", "end_day": "2026-11-24"}, "use 2026-11-22 or earlier"),
    "far future": ({"start_day": "2027-05-05", "end_day": "2027-05-05"}, "cannot be exported before 2027-05-07"),
    "end of time": ({"start_day": "9999-12-31", "end_day": "9999-12-31"}, "end_day 9999-12-31 cannot be exported"),
    "url without method": ({"webhook_url": "https://x.example.com"}, "webhook_url without webhook_method: add"),
    "method without url": ({"webhook_method": "POST"}, "webhook_method without webhook_url: add the URL"),
    "bad webhook method": (
        {"webhook_url": "https://x.example.com", "webhook_method": "PUT"},
        "webhook_method must be 'GET' or 'POST', got 'PUT'",
    ),
    "lower-case webhook method": (
        {"webhook_url": "https://x.example.com", "webhook_method": "post"},
        "webhook_method must be 'GET' or 'POST', got 'post'",
    ),
    "webhook url without scheme": (
        {"webhook_url": "x.example.com", "webhook_method": "POST"},
        "webhook_url 'x.example.com' is not a URL",
    ),
    "empty name": ({"friendly_name": "  "}, "friendly_name is empty"),
    "no name": ({"friendly_name": None}, "friendly_name is empty"),
}


@pytest.mark.parametrize(("changed", "words"), BAD_CREATES.values(), ids=BAD_CREATES.keys())
def test_invalid_create_is_refused_before_it_is_sent(
    changed: dict[str, Any], words: str, client: BulkExportsClient, sim: Simulator
) -> None:
    with pytest.raises(BulkExportsInputError) as caught:
        create(client, **changed)
    assert words in str(caught.value)
    assert isinstance(caught.value, ValueError)
    assert not caught.value.is_transient
    assert len(sim.requests) == 0


WITH_RESOURCE_TYPE: dict[str, Callable[[BulkExportsClient, Any], Any]] = {
    "create_job": create,
    "list_jobs": lambda client, kind: list(client.list_jobs(kind)),
    "list_days": lambda client, kind: list(client.list_days(kind)),
    "get_day_link": lambda client, kind: client.get_day_link(kind, "2026-01-01"),
    "get_export": lambda client, kind: client.get_export(kind),
    "get_configuration": lambda client, kind: client.get_configuration(kind),
    "update_configuration": lambda client, kind: client.update_configuration(kind, enabled=True),
}


@pytest.mark.parametrize("call", WITH_RESOURCE_TYPE.values(), ids=WITH_RESOURCE_TYPE.keys())
@pytest.mark.parametrize(
    ("resource_type", "words"),
    [
        ("messages", "write 'Messages'"),
        ("CALLS", "write 'Calls'"),
        ("Conference", "write 'Conferences'"),
        (" Participants\n", "write 'Participants'"),
        ("Recordings", "use one of 'Messages', 'Calls', 'Conferences', 'Participants'"),
        ("Messages/Jobs", "use one of 'Messages'"),
        ("", "use one of 'Messages'"),
        (None, "resource_type None cannot be exported"),
    ],
)
def test_unknown_resource_type_is_refused_with_a_suggestion(
    call: Callable[[BulkExportsClient, Any], Any],
    resource_type: Any,
    words: str,
    client: BulkExportsClient,
    sim: Simulator,
) -> None:
    with pytest.raises(BulkExportsInputError) as caught:
        call(client, resource_type)
    assert words in str(caught.value)
    assert len(sim.requests) == 0


@pytest.mark.parametrize("operation", ["get_job", "delete_job"])
@pytest.mark.parametrize(
    "job_sid",
    [
        "",
        "JS123",
        JOB_SID.lower(),
        JOB_SID + "0",
        JOB_SID + "\n",
        f"{JOB_SID}/../{JOB_SID}",
        "AC" + JOB_SID[2:],
        None,
        [],
    ],
)
def test_invalid_job_sid_is_refused(operation: str, job_sid: Any, client: BulkExportsClient, sim: Simulator) -> None:
    with pytest.raises(BulkExportsInputError, match="is not a job sid: it is 'JS' and 32 hexadecimal digits"):
        getattr(client, operation)(job_sid)
    assert len(sim.requests) == 0


@pytest.mark.parametrize("day", ["2026-1-1", "2026-01-01/../..", "", None])
def test_invalid_day_has_no_link(day: Any, client: BulkExportsClient, sim: Simulator) -> None:
    with pytest.raises(BulkExportsInputError, match="is not a day"):
        client.get_day_link("Messages", day)
    assert len(sim.requests) == 0


def test_settings_accept_known_webhook_methods_only(client: BulkExportsClient, sim: Simulator) -> None:
    with pytest.raises(BulkExportsInputError, match="webhook_method must be 'GET' or 'POST', got 'PATCH'"):
        client.update_configuration("Messages", webhook_method="PATCH")
    assert len(sim.requests) == 0


@pytest.mark.parametrize(
    ("end_day", "first"),
    [
        ("2026-11-23", datetime(2026, 11, 25, tzinfo=timezone.utc)),
        ("2026-11-24", datetime(2026, 11, 26, tzinfo=timezone.utc)),
    ],
)
def test_error_says_when_a_young_day_is_exportable(
    end_day: str, first: datetime, client: BulkExportsClient, sim: Simulator
) -> None:
    with pytest.raises(DayNotExportableError) as caught:
        create(client, end_day=end_day)
    assert caught.value.exportable_at == first
    sim.clock.advance_to(first - timedelta(seconds=1))
    with pytest.raises(DayNotExportableError):
        create(client, end_day=end_day)
    assert len(sim.requests) == 0
    sim.clock.advance_to(first)
    assert create(client, end_day=end_day).end_day == date.fromisoformat(end_day)


def test_whole_quota_fits_into_one_job(client: BulkExportsClient, sim: Simulator) -> None:
    job = create(client, start_day="2025-01-01", end_day="2026-01-01")
    assert sim.state.jobs[job.job_sid].request.day_count == 366


def test_days_may_be_moments_with_a_zone(client: BulkExportsClient) -> None:
    late_in_new_york = datetime(2026, 1, 2, 22, tzinfo=timezone(timedelta(hours=-5)))
    job = create(client, start_day="2026-01-01T00:00:00+00:00", end_day=late_in_new_york)
    assert (job.start_day, job.end_day) == (date(2026, 1, 1), date(2026, 1, 3))


def repr_of(value: Any) -> str:
    """A short name for a test."""
    return f"{type(value).__name__} {'' if type(value) is object else ascii(value)[:30]}"


class Scalar:
    """A number of a library such as numpy: neither text nor day."""

    def __repr__(self) -> str:
        return "int64(20260101)"


class Time(datetime):
    """A datetime that is not a moment, like pandas' NaT."""

    def utcoffset(self) -> Any:
        raise TypeError("not a time")

    def astimezone(self, *_: Any) -> Any:
        raise ValueError("not a time")


ODD = [
    {},
    [],
    (),
    set(),
    7,
    2.5,
    True,
    object(),
    Scalar(),
    b"2026-01-01",
    {"day": "2026-01-01"},
    ["2026-01-01"],
    "\ud83d",
]


@pytest.mark.parametrize("value", [*ODD, Time(2026, 1, 1), "x" * 10**6, "2026-01-01T00:00" + "9" * 10**5], ids=repr_of)
def test_day_of_any_type_is_an_input_error(value: Any) -> None:
    with pytest.raises(BulkExportsInputError, match="day ") as caught:
        parse_day(value)
    assert len(str(caught.value)) < 400 and str(caught.value).isprintable()


@pytest.mark.parametrize("value", [*ODD, None, "JS1", ["JS1"], [None], [[]], 7.5], ids=repr_of)
def test_job_sids_of_any_type_are_an_input_error(value: Any) -> None:
    with pytest.raises(BulkExportsInputError, match="job_sid ") as caught:
        parse_job_sids(value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("value", [*ODD, None], ids=repr_of)
def test_resource_type_of_any_type_is_an_input_error(value: Any) -> None:
    with pytest.raises(BulkExportsInputError, match="resource_type "):
        ResourceType.parse(value)
