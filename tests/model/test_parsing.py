"""Fields of any response are read into values that are safe in logs, pipes, databases and calculations."""

from __future__ import annotations

import json
import time
from dataclasses import fields as fields_of
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_bulkexports.api.json_body import read_json_object
from airflow_provider_bulkexports.exceptions import (
    MAX_MESSAGE,
    BulkExportsConnectionError,
    BulkExportsError,
    BulkExportsInputError,
    BulkExportsResponseError,
    printable,
)
from airflow_provider_bulkexports.model import parsing
from airflow_provider_bulkexports.model.resources import Export, ExportConfiguration, ExportDay, Job

SID = "JS" + "0123456789abcdef" * 2

#: Texts that kill processes, forge log lines or turn the reading direction.
NASTY = {
    "lone high surrogate": "half \ud83d",
    "lone low surrogate": "\ude00 half",
    "NUL": "a\0b",
    "line breaks": "a\r\nERROR forged\x85x\u2028y\u2029z",
    "escape sequence": "\x1b[2Jgone\x9b31m",
    "direction marks": "\u202eevil\u2066\u200f",
    "zero width": "a\u200bb\u2060c\ufeffd\u00ade",
    "backspace and bell": "safe\b\b\b\bevil\a",
    "tags and others": "\U000e0041\ue000\uffff\U0010ffff",
}


def assert_travels(value: Any) -> None:
    if isinstance(value, str):
        assert value.isprintable() and len(value) <= parsing.LONGEST_URL
        value.encode()
    elif isinstance(value, int):
        assert abs(value) <= 2**53
    elif isinstance(value, float):
        json.dumps(value, allow_nan=False)
    elif isinstance(value, dict):
        for name, element in value.items():
            assert_travels(name)
            assert_travels(element)
    elif isinstance(value, (list, tuple)):
        for element in value:
            assert_travels(element)
    elif isinstance(value, (date, datetime)):
        assert value + timedelta(days=400) > value > value - timedelta(days=400)


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
@pytest.mark.parametrize("model", [Job, ExportDay, Export, ExportConfiguration])
def test_text_of_a_response_is_harmless(model: Any, text: str) -> None:
    known = {field.name: text for field in fields_of(model)}
    answer = {**known, "day": "2026-01-01", text: text, "news": [{text: [text]}], "links": {text: text}}
    read = model.from_json(json.loads(json.dumps(answer)))
    for field in fields_of(model):
        assert_travels(getattr(read, field.name))
    repr(read).encode()


@given(st.text(), st.integers(1, 40))
def test_printable_text_is_one_line_of_bounded_length(text: str, limit: int) -> None:
    line = printable(text, limit)
    assert line.isprintable() and len(line) <= limit
    if text.isprintable() and len(text) <= limit:
        assert line == text


@pytest.mark.parametrize(
    ("text", "limit", "cut"),
    [
        ("cafe\u0301 au lait", 5, "caf…"),
        ("ok \U0001f44d\U0001f3fd yes", 5, "ok …"),
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcde…"),
        ("\ud83d\ude00" * 4, 3, "\ufffd\ufffd…"),
    ],
)
def test_text_is_cut_between_characters(text: str, limit: int, cut: str) -> None:
    assert printable(text, limit) == cut


@pytest.mark.parametrize("number", [2**65, -1, -(2**63), 10**400, float("nan"), float("inf"), True, "9" * 30, [], {}])
def test_implausible_number_is_none(number: Any) -> None:
    day = ExportDay.from_json({"day": "2026-01-01", "size": number})
    job = Job.from_json({"job_sid": SID, "job_queue_position": number})
    assert day is not None and day.size == 0
    assert job.job_queue_position is None


@pytest.mark.parametrize("body", ['{"size": %s}', '{"jobs": [{"size": %s}]}', '{"a": [%s]}'])
@pytest.mark.parametrize("number", ["9" * 5000, "-" + "9" * 100_000, "NaN", "-Infinity", "1e999", "9" * 5000 + ".5"])
@pytest.mark.parametrize("padding", [0, 1 << 18])
def test_any_number_leaves_the_response_readable(body: str, number: str, padding: int) -> None:
    import requests

    response = requests.Response()
    response._content = (body % number + " " * padding).encode()
    began = time.process_time()
    read = read_json_object(response)
    assert read is not None
    json.dumps(parsing.bounded(read), allow_nan=False)
    assert time.process_time() - began < 1


ABSURD = ["9999-12-31", "0001-01-01", "2007-12-31", "2101-01-01", "1970-01-01"]


@pytest.mark.parametrize("day", ABSURD)
def test_implausible_date_is_none(day: str) -> None:
    job = Job.from_json(
        {"job_sid": SID, "start_day": day, "end_day": day, "estimated_completion_time": f"{day}T23:59:59"}
    )
    assert (job.start_day, job.end_day, job.estimated_completion_time) == (None, None, None)
    assert ExportDay.from_json({"day": day}) is None
    file = ExportDay.from_json({"day": "2026-01-01", "create_date": day})
    assert file is not None and file.create_date is None


@pytest.mark.parametrize(
    "moment", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2026-01-01T00:00" * 9999]
)
def test_implausible_estimate_is_none(moment: str) -> None:
    assert Job.from_json({"job_sid": SID, "estimated_completion_time": moment}).estimated_completion_time is None


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        ("2025-01-01", "2026-01-01", 366),
        ("2025-01-01", "2026-01-02", None),
        ("2008-01-01", "2100-12-31", None),
        ("0001-01-01", "9999-12-31", None),
        ("2026-01-02", "2026-01-01", None),
    ],
)
def test_impossible_range_of_a_job_is_none(start: str, end: str, days: int | None) -> None:
    job = Job.from_json({"job_sid": SID, "start_day": start, "end_day": end})
    own = job.days
    assert (len(own) if own else None) == days
    assert Job(SID, start_day=date.fromisoformat(start), end_day=date.fromisoformat(end)).days == own


@pytest.mark.parametrize("text", [*NASTY.values(), "x" * 10**6], ids=[*NASTY, "a megabyte"])
@pytest.mark.parametrize("kind", [BulkExportsError, BulkExportsInputError, BulkExportsConnectionError])
def test_every_error_is_one_short_printable_line(kind: type[BulkExportsError], text: str) -> None:
    message = str(kind(f"{text} failed: {text}. Try again"))
    assert message.isprintable() and len(message) <= MAX_MESSAGE
    assert message.endswith("Try again")


def test_long_message_keeps_its_end() -> None:
    error = BulkExportsResponseError(f"This failed: {'x' * 10_000}. Do that.")
    assert str(error).startswith("This failed: xxx") and str(error).endswith("xxx. Do that.")


class Hostile:
    def __repr__(self) -> str:
        raise OSError("no")


def test_value_is_quoted_short_and_printable() -> None:
    assert parsing.shown("a\nb") == r"'a\nb'"
    assert len(parsing.shown("x" * 10_000)) == 100
    assert parsing.shown(Hostile()) == "<Hostile>"


def test_moment_of_a_header_is_in_utc() -> None:
    assert parsing.http_date_or_none("Tue, 24 Nov 2026 02:00:01 +0200") == datetime(
        2026, 11, 24, 0, 0, 1, tzinfo=timezone.utc
    )
