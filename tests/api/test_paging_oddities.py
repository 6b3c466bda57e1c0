"""Unusual pages that do not end a list."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any

from airflow_provider_bulkexports.api.paging import iterate_pages

URL = "http://127.0.0.1:1/v1/Exports/Messages/Days"


def pages(*answers: dict[str, Any]) -> Callable[[str], dict[str, Any]]:
    left = list(answers)
    return lambda _: left.pop(0)


def test_unknown_meta_key_does_not_hide_the_array() -> None:
    page = {"meta": {"key": "sed", "next_page_url": None}, "days": [{"day": "2026-01-01"}]}
    assert list(chain.from_iterable(iterate_pages(pages(page), URL, key="days"))) == [{"day": "2026-01-01"}]


def test_empty_pages_are_not_a_loop() -> None:
    empty = [{"meta": {"key": "days", "next_page_url": f"{URL}?Page={n}"}, "days": []} for n in (1, 2, 3)]
    last = {"meta": {"key": "days", "next_page_url": None}, "days": [{"day": "2026-01-01"}]}
    assert list(chain.from_iterable(iterate_pages(pages(*empty, last), URL, key="days"))) == [{"day": "2026-01-01"}]


def test_equal_entries_on_two_pages_are_not_a_loop() -> None:
    page = {"days": [{"day": "2026-01-01"}]}
    three = [page | {"meta": {"key": "days", "next_page_url": f"{URL}?Page={n}" if n < 3 else None}} for n in (1, 2, 3)]
    assert len(list(chain.from_iterable(iterate_pages(pages(*three), URL, key="days")))) == 3
