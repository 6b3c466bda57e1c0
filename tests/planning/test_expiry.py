"""When the first of some day files expires."""

from __future__ import annotations

from datetime import date, datetime, timezone

import pytest

from airflow_provider_bulkexports.planning.expiry import earliest_expiry

FIRST, SECOND = date(2026, 1, 1), date(2026, 1, 2)


def test_earliest_file_expires_after_seven_days() -> None:
    assert earliest_expiry([SECOND, FIRST]) == datetime(2026, 1, 8, tzinfo=timezone.utc)


def test_files_of_unknown_age_are_ignored() -> None:
    assert earliest_expiry([None, SECOND]) == datetime(2026, 1, 9, tzinfo=timezone.utc)


@pytest.mark.parametrize("created", [[], [None]], ids=["no files", "unknown"])
def test_no_known_age_means_no_expiry(created: list[date | None]) -> None:
    assert earliest_expiry(created) is None


def test_last_date_has_no_expiry() -> None:
    assert earliest_expiry([date.max]) is None
    assert earliest_expiry([date(9999, 12, 25)]) is None
    assert earliest_expiry([date.min]) is not None
