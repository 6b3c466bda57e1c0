"""Days whose prices were missing when they were stored, found by their manifests."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import time_machine
from support.s3 import CONN_ID, proxy, s3
from support.s3_policies import PolicyProxy, Refusal

from airflow_provider_bulkexports import days_to_refresh
from airflow_provider_bulkexports.exceptions import BulkExportsInputError, BulkExportsStorageError
from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.object_storage.layout import day_path, layout_for, sidecar_of

__all__ = ["proxy", "s3"]

TODAY = "2026-02-20"
ACCOUNT, OTHER = "AC" + "0" * 32, "AC" + "1" * 32

Put = Callable[..., Path]


def manifest(day: str, **changes: Any) -> dict[str, Any]:
    """A manifest of a day of 1000 records, 800 of them due to have a price."""
    plain = {"day": day, "bytes": 9, "records": 1000, "sha256": "ab", "resource_type": "Messages"}
    return {**plain, "account_sid": ACCOUNT, "prices_due": 800, "prices_missing": 0} | changes


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Write a day's manifest where the transfer does; there are no files with data."""

    def write(
        day: str,
        *,
        layout: str | None = None,
        file_format: str = "parquet",
        manifests: str = "beside",
        **changes: Any,
    ) -> Path:
        content = manifest(day, **changes)
        path = day_path(
            layout or layout_for(file_format),
            resource_type=ResourceType.MESSAGES,
            day=date.fromisoformat(day),
            account_sid=content["account_sid"],
            file_format=file_format,
        )
        target = tmp_path / sidecar_of(path, manifests)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(content))
        return target

    return write


@pytest.fixture
def late(tmp_path: Path) -> Callable[..., list[dict[str, str]]]:
    """Find the late days of Messages in ``tmp_path``."""
    return lambda kind="Messages", **arguments: days_to_refresh(
        f"file://{tmp_path}", kind, **{"today": TODAY, **arguments}
    )


def one(*days: str) -> list[dict[str, str]]:
    return [{"start_day": day, "end_day": day} for day in days]


def test_late_days_are_joined_into_ranges(put: Put, late: Any) -> None:
    for day, missing in {"08": 5, "09": 5, "10": 0, "11": 5, "14": 300, "15": 300}.items():
        put(f"2026-02-{day}", prices_missing=missing)

    assert late() == [
        {"start_day": "2026-02-08", "end_day": "2026-02-09"},
        {"start_day": "2026-02-11", "end_day": "2026-02-11"},
        {"start_day": "2026-02-14", "end_day": "2026-02-15"},
    ]


@pytest.mark.parametrize(
    ("ages", "found"),
    [
        ({}, [*range(4, 14)]),
        ({"older_than": 0, "younger_than": 3}, [1, 2]),
        ({"older_than": 14, "younger_than": 17}, [15, 16]),
    ],
    ids=str,
)
def test_age_is_between_the_two_given(put: Put, late: Any, ages: dict[str, int], found: list[int]) -> None:
    for age in range(20):
        put((date.fromisoformat(TODAY) - timedelta(days=age)).isoformat(), prices_missing=800)

    (days,) = late(**ages)

    ages_found = [(date.fromisoformat(TODAY) - date.fromisoformat(day)).days for day in days.values()]
    assert ages_found == [found[-1], found[0]]


@pytest.mark.parametrize("moment", ["2026-02-20T00:00:00", "2026-02-20T23:59:59"])
def test_age_is_counted_in_utc_days_of_the_clock(put: Put, late: Any, moment: str) -> None:
    put("2026-02-15", prices_missing=800)

    with time_machine.travel(datetime.fromisoformat(moment).replace(tzinfo=timezone.utc)):
        assert late(today=None, older_than=4, younger_than=6) == one("2026-02-15")
        assert late(today=None, older_than=5, younger_than=7) == []


@pytest.mark.parametrize(
    ("figures", "share", "is_late"),
    [
        ({"prices_due": 800, "prices_missing": 1}, 0.001, True),
        ({"prices_due": 1000, "prices_missing": 1}, 0.001, False),
        ({"prices_due": 1000, "prices_missing": 1}, 0, True),
        ({"prices_due": 100, "prices_missing": 40}, 0.5, False),
        ({"prices_due": 0, "prices_missing": 0}, 0, False),
        ({"prices_due": None, "prices_missing": 2}, 0.001, True),
        ({"prices_due": None, "prices_missing": 1}, 0.001, False),
    ],
    ids=str,
)
def test_share_is_of_the_records_that_should_have_a_price(
    put: Put, late: Any, figures: dict[str, Any], share: float, is_late: bool
) -> None:
    """Manifests without that number are compared with all of their records."""
    put("2026-02-10", **figures)

    assert late(prices_missing=share) == (one("2026-02-10") if is_late else [])


@pytest.mark.parametrize("unknown", [{"prices_missing": None}, {"prices_missing": "many"}], ids=str)
def test_days_that_do_not_say_are_left_out_and_logged(
    put: Put, late: Any, caplog: pytest.LogCaptureFixture, unknown: dict[str, Any]
) -> None:
    caplog.set_level(logging.INFO)
    put("2026-02-09", **unknown)
    earlier = put("2026-02-10", file_format="json")
    written = json.loads(earlier.read_text())
    earlier.write_text(json.dumps({key: written[key] for key in ("day", "bytes", "records", "sha256")}))
    put("2026-02-11", prices_missing=80)

    assert late() == one("2026-02-11")
    assert "Cannot tell whether prices are missing of 2026-02-09, 2026-02-10: " in caplog.text
    assert "2026-02-11: 80 of 800 prices are missing" in caplog.text
    assert "Prices are late on 1 of 3 stored days" in caplog.text


@pytest.mark.parametrize("file_format", ["json", "parquet"])
@pytest.mark.parametrize("manifests", ["beside", "aside"])
@pytest.mark.parametrize(
    "layout",
    [
        None,
        "{format}/{resource_type}/{year}/{month}/{day}.{format}",
        "resource_type={resource_type}/account={account_sid}/day={day}/part-0.{format}",
    ],
)
def test_manifests_are_found_where_the_transfer_writes_them(
    put: Put, late: Any, layout: str | None, manifests: str, file_format: str
) -> None:
    put("2026-02-10", layout=layout, manifests=manifests, file_format=file_format, prices_missing=80)

    arguments = {"layout": layout, "account_sid": ACCOUNT} if layout else {}
    assert late(**arguments) == late(**arguments, file_format=file_format) == one("2026-02-10")
    other = "json" if file_format == "parquet" else "parquet"
    assert late(**arguments, file_format=other) == []


def test_format_chooses_among_two(put: Put, late: Any) -> None:
    layout = "{format}/{day}/part-0.{format}"
    put("2026-02-10", layout=layout, file_format="json", prices_missing=80)
    put("2026-02-10", layout=layout, file_format="parquet")

    assert late(layout=layout, file_format="json") == one("2026-02-10")
    assert late(layout=layout, file_format="parquet") == late(layout=layout) == []


def test_manifests_of_others_do_not_count(put: Put, late: Any) -> None:
    layout = "{day}.parquet"
    put("2026-02-10", layout=layout, resource_type="Calls", prices_missing=80)
    put("2026-02-11", layout=layout, account_sid=OTHER, prices_missing=80)
    put("2026-02-12", layout=layout, prices_missing=80).write_text("not JSON")
    moved = put("2026-02-13", layout=layout, prices_missing=80)
    moved.rename(moved.with_name(moved.name.replace("-13", "-14")))

    assert late(layout=layout, account_sid=ACCOUNT) == []
    assert late(layout=layout) == one("2026-02-11")
    assert late("Calls", layout=layout) == one("2026-02-10")


def test_destination_without_manifests_is_warned_about(late: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert late() == []
    assert "Found no manifest of Messages from 2026-02-07 to 2026-02-16 in file://" in caplog.text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"kind": "Conferences"}, "'Conferences': its records have no prices; Messages and Calls have them"),
        ({"kind": "Participants"}, "'Participants': its records have no prices"),
        ({"kind": "messages"}, "write 'Messages'"),
        ({"older_than": -1}, "older_than must be a whole number of days from 0 to 36500, got -1"),
        ({"older_than": "3"}, "older_than must be a whole number of days from 0 to 36500, got '3'"),
        ({"younger_than": 7.5}, "younger_than must be a whole number of days"),
        ({"younger_than": 10**9}, "younger_than must be a whole number of days"),
        ({"older_than": 14}, "no day is older than 14 and younger than 14 days: make younger_than at least 16"),
        ({"older_than": 3, "younger_than": 4}, "make younger_than at least 5"),
        ({"prices_missing": 1}, "prices_missing must be a share of records from 0 to below 1, such as 0.001, got 1"),
        ({"prices_missing": "0.1"}, "prices_missing must be a share"),
        ({"prices_missing": float("nan")}, "prices_missing must be a share"),
        ({"prices_missing": True}, "prices_missing must be a share"),
        ({"file_format": "csv"}, "file_format must be 'json' or 'parquet', got 'csv'"),
        ({"file_format": "json", "layout": "{day}.parquet"}, "have to end in '.json.gz'"),
        ({"layout": "part-0.parquet"}, "without {day}"),
        ({"layout": "{account_sid}/{day}"}, "uses {account_sid}: pass account_sid"),
        ({"account_sid": "me"}, "account_sid 'me' is not an Account SID: write 'AC' and 32 hexadecimal digits"),
        ({"today": "tomorrow"}, "today 'tomorrow' is not a day"),
    ],
    ids=str,
)
def test_invalid_argument_is_refused_before_anything_is_read(
    late: Any, monkeypatch: pytest.MonkeyPatch, arguments: dict[str, Any], words: str
) -> None:
    monkeypatch.setattr("airflow_provider_bulkexports.object_storage.destination.Destination", None)

    with pytest.raises(BulkExportsInputError) as refusal:
        late(**arguments)

    assert words in str(refusal.value)


@pytest.mark.parametrize("destination", ["lake/twilio", "s3://", "", None, "s4://lake"])
def test_invalid_destination_is_refused(destination: Any) -> None:
    with pytest.raises(BulkExportsInputError, match="destination"):
        days_to_refresh(destination, "Messages")


def upload(s3: Any, day: str, **changes: Any) -> None:
    key = f"twilio/resource_type=Messages/day={day}/_part-0.parquet.manifest.json"
    s3.put_object(Bucket="bucket", Key=key, Body=json.dumps(manifest(day, **changes)).encode())


def late_in_s3(url: str = "s3://bucket/twilio") -> list[dict[str, str]]:
    return days_to_refresh(url, "Messages", today=TODAY, object_storage_conn_id=CONN_ID)


def test_only_manifests_of_the_window_are_read(s3: Any, proxy: PolicyProxy) -> None:
    upload(s3, "2026-02-10", prices_missing=80)
    upload(s3, "2025-02-10", prices_missing=80)

    assert late_in_s3() == one("2026-02-10")

    assert {asked.operation for asked in proxy.asked} == {"get"}
    assert len(proxy.asked) == 1 + 9 * 4
    assert not [asked for asked in proxy.asked if "day=2025" in asked.key]


def test_role_without_the_right_to_list_can_refresh(s3: Any, proxy: PolicyProxy) -> None:
    """S3 refuses what does not exist to such a role."""
    upload(s3, "2026-02-10", prices_missing=80)
    proxy.policy = lambda asked: None if "day=2026-02-10/_" in asked.key else Refusal(403, "AccessDenied")

    assert late_in_s3() == one("2026-02-10")


def test_role_without_any_right_fails(s3: Any, proxy: PolicyProxy) -> None:
    upload(s3, "2026-02-10", prices_missing=80)
    proxy.policy = lambda asked: Refusal(403, "AccessDenied")

    with pytest.raises(BulkExportsStorageError, match="Grant the role s3:GetObject") as refusal:
        late_in_s3()
    assert not refusal.value.is_transient


def test_missing_bucket_is_not_an_empty_lake(s3: Any) -> None:
    with pytest.raises(BulkExportsStorageError, match="Create the bucket, or correct destination"):
        late_in_s3("s3://no-such-bucket/twilio")


def test_failing_store_is_not_an_empty_lake(s3: Any, proxy: PolicyProxy) -> None:
    upload(s3, "2026-02-10", prices_missing=80)
    proxy.policy = lambda asked: Refusal(503, "SlowDown") if "day=2026-02-12" in asked.key else None

    with pytest.raises(BulkExportsStorageError) as failure:
        late_in_s3()
    assert failure.value.is_transient
