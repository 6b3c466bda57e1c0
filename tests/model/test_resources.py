"""Responses are read whatever is missing, null or of another type; unknown fields are kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.resources import (
    Export,
    ExportConfiguration,
    ExportDay,
    Job,
    ResourceType,
    parse_job_sid,
    parse_job_sids,
)
from airflow_provider_bulkexports.simulator import Knobs, Simulator

SID = "JS" + "0123456789abcdef" * 2
OTHER_SID = "JS" + "f" * 32

JOB = {
    "job_sid": SID,
    "friendly_name": "first days",
    "resource_type": "Messages",
    "start_day": "2026-01-01",
    "end_day": "2026-01-03",
    "details": [{"status": "Running", "count": 3, "days": None}],
    "job_queue_position": "2",
    "estimated_completion_time": "2026-01-06T00:13:27.977",
    "webhook_url": "https://hooks.example.com/",
    "webhook_method": "POST",
    "email": "team@example.com",
    "url": f"https://bulkexports.twilio.com/v1/Exports/Jobs/{SID}",
}


def test_job_is_read_field_by_field() -> None:
    job = Job.from_json(JOB)
    assert (job.job_sid, job.friendly_name, job.resource_type) == (SID, "first days", ResourceType.MESSAGES)
    assert (job.start_day, job.end_day) == (date(2026, 1, 1), date(2026, 1, 3))
    assert (job.job_queue_position, job.email) == (2, "team@example.com")
    assert job.estimated_completion_time == datetime(2026, 1, 6, 0, 13, 27, tzinfo=timezone.utc)
    assert (job.webhook_url, job.webhook_method) == ("https://hooks.example.com/", "POST")
    assert job.url == JOB["url"]
    assert job.extra == {}


NOTHING: list[Any] = [None, "", {}, []]


@pytest.mark.parametrize("payload", [{}, *(dict.fromkeys(JOB, nothing) for nothing in NOTHING)])
def test_empty_response_is_a_job_without_values(payload: dict[str, Any]) -> None:
    assert Job.from_json(payload) == Job(job_sid="")


@pytest.mark.parametrize("kind", [Job, Export, ExportConfiguration])
def test_unknown_fields_are_kept(kind: Any) -> None:
    news = {"priority": {"level": 1}, "extra": "Twilio's own", "account_sid": None}
    assert kind.from_json(news).extra == news
    assert kind.from_json({**JOB, **news}).extra.items() >= news.items()


def test_unknown_fields_of_a_day_do_not_affect_equality() -> None:
    day = ExportDay.from_json({"day": "2026-01-01", "checksum": "x"})
    assert day is not None
    assert day.extra == {"checksum": "x"}
    assert day == ExportDay(date(2026, 1, 1))
    assert "checksum" not in repr(day)


@pytest.mark.parametrize("value", [None, "", "messages", "Recordings", 7, [], {}])
def test_missing_resource_type_is_none(value: Any) -> None:
    assert Job.from_json({**JOB, "resource_type": value}).resource_type is None


def test_null_resource_type_over_http_is_none(sim: Simulator, client: Any) -> None:
    sim.knobs = Knobs(resource_type_null=True)
    sid = sim.create_job("Messages", "2026-01-01", "2026-01-01").sid
    sim.finish_jobs()
    assert client.get_job(sid).resource_type is None
    assert [day.resource_type for day in client.list_days("Messages")] == [None]


@pytest.mark.parametrize(
    ("value", "position"),
    [
        ("0", 0),
        ("12", 12),
        (3, 3),
        (3.0, 3),
        (" 4 ", 4),
        (None, None),
        ("", None),
        ("first", None),
        ([], None),
        ({}, None),
    ],
)
def test_queue_position_is_read_as_number_or_text(value: Any, position: int | None) -> None:
    assert Job.from_json({"job_queue_position": value}).job_queue_position == position


@pytest.mark.parametrize("fraction", ["", ".9", ".977", ".977123", ".977123417", ".977123417000"])
@pytest.mark.parametrize("zone", ["", "Z", "+00:00"])
def test_estimate_is_a_utc_moment_with_any_fraction(fraction: str, zone: str) -> None:
    job = Job.from_json({"estimated_completion_time": f"2026-01-06T00:13:27{fraction}{zone}"})
    assert job.estimated_completion_time == datetime(2026, 1, 6, 0, 13, 27, tzinfo=timezone.utc)


def test_estimate_in_another_zone_becomes_utc() -> None:
    job = Job.from_json({"estimated_completion_time": "2026-01-06T05:30:00.5+05:30"})
    assert job.estimated_completion_time == datetime(2026, 1, 6, tzinfo=timezone.utc)
    assert job.estimated_completion_time.utcoffset() == timezone.utc.utcoffset(None)


@pytest.mark.parametrize(
    "value",
    [None, "", "soon", 7, [], {}, "2026-13-01T00:00:00", "0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00"],
)
def test_invalid_estimate_is_none(value: Any) -> None:
    assert Job.from_json({"estimated_completion_time": value}).estimated_completion_time is None


@pytest.mark.parametrize("digits", [0, 3, 6, 9])
@pytest.mark.parametrize("shown", ["filled", "null", "absent"])
def test_position_and_estimate_over_http(digits: int, shown: Any, sim: Simulator, client: Any) -> None:
    sim.knobs = Knobs(eta_digits=digits, position_and_eta=shown)
    job = client.get_job(sim.create_job("Messages", "2026-01-01", "2026-01-01").sid)
    assert (job.job_queue_position is None) == (shown != "filled")
    assert (job.estimated_completion_time is None) == (shown != "filled")


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2026-01-31", date(2026, 1, 31)),
        ("2026-01-31T10:00:00Z", date(2026, 1, 31)),
        ("2026-02-30", None),
        ("20260131", None),
        ("2026-W05-6", None),
        ("31.01.2026", None),
        ("", None),
        (None, None),
        (20260131, None),
        ([2026, 1, 31], None),
        ({"day": "2026-01-31"}, None),
    ],
)
def test_day_is_read_from_its_iso_form_only(value: Any, day: date | None) -> None:
    assert Job.from_json({"start_day": value}).start_day == day


def test_entry_of_the_days_list_needs_only_a_day() -> None:
    assert ExportDay.from_json({"day": "2026-01-01", "size": None}) == ExportDay(date(2026, 1, 1), size=0)
    assert ExportDay.from_json({"day": "2026-01-01", "size": "48213"}) == ExportDay(date(2026, 1, 1), size=48213)
    assert ExportDay.from_json({"size": 1}) is None
    assert ExportDay.from_json({"day": {}}) is None


@pytest.mark.parametrize("is_null", [True, False])
def test_unset_settings_are_none(is_null: bool, sim: Simulator, client: Any) -> None:
    sim.knobs = Knobs(configuration_null=is_null)
    settings = client.get_configuration("Messages")
    assert (settings.enabled, settings.webhook_url, settings.webhook_method) == (False, None, None)


@pytest.mark.parametrize("enabled", [None, "true", 1, {}])
def test_enabled_that_is_not_a_boolean_is_none(enabled: Any) -> None:
    assert ExportConfiguration.from_json({"enabled": enabled}).enabled is None


def test_export_without_links_has_none() -> None:
    assert Export.from_json({"links": None}).links == {}
    assert Export.from_json({"links": {"days": "https://x"}}).links == {"days": "https://x"}


KEYS = st.sampled_from([*JOB, "day", "size", "create_date", "enabled", "links", "extra", "meta"])
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.dates().map(str)
    | st.datetimes().map(str),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("read", [Job.from_json, ExportDay.from_json, Export.from_json, ExportConfiguration.from_json])
@given(payload=st.dictionaries(KEYS | st.text(max_size=8), JSON))
def test_any_response_is_readable(read: Callable[[Any], Any], payload: dict[str, Any]) -> None:
    read(payload)


@pytest.mark.parametrize("given_sids", [SID, [SID], (SID, SID), {SID: 1}, iter([SID])])
def test_job_sids_are_parsed_alone_or_as_a_list(given_sids: Any) -> None:
    assert parse_job_sids(given_sids) == (SID,)


def test_job_sids_keep_their_order() -> None:
    assert parse_job_sids([OTHER_SID, SID, OTHER_SID]) == (OTHER_SID, SID)


@pytest.mark.parametrize("value", ["", None, [], (), 7, [SID, None], [SID, "JS1"], [[SID]], f"[{SID!r}]", b"JS"])
def test_invalid_job_sids_are_refused(value: Any) -> None:
    with pytest.raises(BulkExportsInputError, match="job_sid"):
        parse_job_sids(value)


def test_job_sid_is_not_changed() -> None:
    assert parse_job_sid("JS" + "ABCDEFabcdef0123" * 2) == "JS" + "ABCDEFabcdef0123" * 2
