"""Values of events and log lines are fit for JSON, pipes and PostgreSQL."""

from __future__ import annotations

import json
import unicodedata
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_bulkexports.model.plain import LONGEST_TEXT, counted, listed, plain, plain_text, with_full_stop

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()))
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner),
)


@given(ANY_TEXT)
def test_any_text_becomes_one_printable_line(text: str) -> None:
    shown = plain_text(text)

    shown.encode()
    assert not [letter for letter in shown if unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp")]
    assert not set(shown) & set("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@given(ANY_JSON)
def test_any_value_becomes_plain_once(value: Any) -> None:
    travelled = plain(value)

    json.dumps(travelled, allow_nan=False, ensure_ascii=False).encode()
    assert plain(travelled) == travelled


@given(st.recursive(st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.none(), st.lists))
def test_plain_value_is_not_changed(value: Any) -> None:
    assert plain(value) == value


@pytest.mark.parametrize(
    ("value", "travelled"),
    [
        (2**65, None),
        (-(2**63) - 1, None),
        (float("inf"), None),
        ("Grüße 😀", "Grüße 😀"),
        ("June \ud83d", "June \ufffd"),
        ("a\r\n\x1b[31mb\x00", "a  \ufffd[31mb\ufffd"),
        ({"day": (date(2026, 1, 1), {1})}, {"day": ["2026-01-01", [1]]}),
    ],
    ids=repr,
)
def test_values_without_json_or_utf8_are_replaced(value: Any, travelled: Any) -> None:
    assert plain(value) == travelled


def test_long_text_is_cut() -> None:
    assert len(plain_text("😀" * 10**6)) == LONGEST_TEXT
    assert plain_text("x" * LONGEST_TEXT) == "x" * LONGEST_TEXT
    assert plain_text("abcdef", longest=4) == "abc…"


def test_first_of_many_words_are_listed() -> None:
    assert listed([]) == ""
    assert listed([date(2026, 1, 1), "b"]) == "2026-01-01, b"
    assert listed("abcdef", most=2) == "a, b and 4 more"


@pytest.mark.parametrize("text", ["It broke", "It broke.", "It broke. "])
def test_sentence_ends_with_one_full_stop(text: str) -> None:
    assert with_full_stop(ValueError(text)) == "It broke."


@pytest.mark.parametrize(
    ("number", "shown"), [(0, "0 days"), (1, "1 day"), (2, "2 days"), (0.6, "1 day"), (1.6, "2 days")]
)
def test_number_agrees_with_its_noun(number: float, shown: str) -> None:
    assert counted(number, "day") == shown
