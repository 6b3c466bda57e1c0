"""A task finds its own jobs by the marker in their names, whatever else the names contain."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_bulkexports.model.days import DayRange
from airflow_provider_bulkexports.model.resources import Job, ResourceType
from airflow_provider_bulkexports.planning.identity import Marker, friendly_name, identity_of, read_marker

TODAY = date(2026, 1, 24)
IDENTITIES = st.text("0123456789abcdef", min_size=10, max_size=10)
DAYS = st.dates(date(2008, 1, 1), date(2100, 12, 31))

TASK: dict[str, Any] = {
    "dag_id": "exports",
    "task_id": "messages",
    "run_id": "scheduled__2026-01-24",
    "resource_type": ResourceType.MESSAGES,
    "days": DayRange(date(2026, 1, 1), date(2026, 1, 7)),
}


def marker_of(name: str | None) -> Marker | None:
    return read_marker(Job("JS1", friendly_name=name))


def test_identity_never_changes() -> None:
    # A literal: a change would orphan every job that is running while the package is upgraded.
    assert identity_of(**TASK) == "7a7b123606"


@pytest.mark.parametrize(
    "changed",
    [
        {"dag_id": "exports2"},
        {"task_id": "calls"},
        {"run_id": "manual__2026-01-24"},
        {"resource_type": ResourceType.CALLS},
        {"days": DayRange(date(2026, 1, 1), date(2026, 1, 8))},
        {"days": DayRange(date(2026, 1, 2), date(2026, 1, 7))},
        {"dag_id": "exportsm", "task_id": "essages"},
    ],
)
def test_any_other_task_run_type_or_range_has_another_identity(changed: dict[str, Any]) -> None:
    assert identity_of(**(TASK | changed)) != identity_of(**TASK)


@given(dag_id=st.text(), task_id=st.text(), run_id=st.text())
def test_identity_has_ten_hexadecimal_digits(dag_id: str, task_id: str, run_id: str) -> None:
    identity = identity_of(**(TASK | {"dag_id": dag_id, "task_id": task_id, "run_id": run_id}))
    assert len(identity) == 10
    assert set(identity) <= set("0123456789abcdef")


def test_name_is_base_and_marker() -> None:
    name = friendly_name("nightly export", identity="3f9c0a12be", today=TODAY)
    assert name == "nightly export [af-20260124-3f9c0a12be]"
    assert marker_of(name) == Marker("20260124", "3f9c0a12be")


BASES = st.one_of(
    st.text(),
    st.text(min_size=60),
    st.from_regex(r"\[?af-[0-9]{0,9}-?[0-9a-f]{0,11}\]?.{0,5}", fullmatch=True),
    IDENTITIES.map("[af-20250101-{}]".format),
    st.lists(st.sampled_from("[]-a \n\t\u00e9"), max_size=80).map("".join),
)


@given(base=BASES, identity=IDENTITIES, today=DAYS)
@example(base="again [af-20250101-0123456789]", identity="3f9c0a12be", today=TODAY)
@example(base="x" * 38 + "[", identity="3f9c0a12be", today=TODAY)
@example(base="[af-20250101-0123456789", identity="3f9c0a12be", today=TODAY)
def test_any_base_gives_a_short_plain_name_with_the_marker(base: str, identity: str, today: date) -> None:
    name = friendly_name(base, identity=identity, today=today)
    assert len(name) <= 64
    assert all(" " <= character <= "~" for character in name)
    assert name == name.strip()
    assert marker_of(name) == Marker(today.strftime("%Y%m%d"), identity)


@pytest.mark.parametrize(
    ("base", "shown"),
    [
        ("", "[af-20260124-3f9c0a12be]"),
        ("  \n ", "? [af-20260124-3f9c0a12be]"),
        ("caf\u00e9 au lait", "caf? au lait [af-20260124-3f9c0a12be]"),
        ("two\nlines\tand \u65e5\u672c", "two?lines?and ? [af-20260124-3f9c0a12be]"),
        ("x" * 100, "x" * 39 + " [af-20260124-3f9c0a12be]"),
        ("x" * 38 + " y", "x" * 38 + " [af-20260124-3f9c0a12be]"),
        ("messages_of_all_accounts.submit_to_twilio", "messages_of_all_accounts.submit_to [af-20260124-3f9c0a12be]"),
        ("messages_of_all_accounts.submit_in_spring", "messages_of_all_accounts.submit_in [af-20260124-3f9c0a12be]"),
        (
            "messages of all accounts - every morning at six",
            "messages of all accounts - every [af-20260124-3f9c0a12be]",
        ),
        (
            "messages of all accounts, all of Europe: and more",
            "messages of all accounts, all of Europe [af-20260124-3f9c0a12be]",
        ),
        (
            "messages_of_every_account_in_Europe___.submit",
            "messages_of_every_account_in_Europe [af-20260124-3f9c0a12be]",
        ),
        ("short." + "x" * 60, "short." + "x" * 33 + " [af-20260124-3f9c0a12be]"),
        ("_" * 60, "_" * 39 + " [af-20260124-3f9c0a12be]"),
    ],
)
def test_base_is_shortened_and_reduced_to_plain_characters(base: str, shown: str) -> None:
    assert friendly_name(base, identity="3f9c0a12be", today=TODAY) == shown


@pytest.mark.parametrize(
    "name",
    [
        None,
        "",
        "nightly export",
        "[af-20260124-3f9c0a12b]",
        "[af-20260124-3f9c0a12bee]",
        "[af-20260124-3F9C0A12BE]",
        "[af-2026012-3f9c0a12be]",
        "af-20260124-3f9c0a12be",
        "[af-20261324-3f9c0a12be]",
        "[af-20260230-3f9c0a12be]",
        "[af-99991231-3f9c0a12be]",
        "[af-00010101-3f9c0a12be]",
        "[af-00000000-3f9c0a12be]",
        "[af-\u0662\u0660\u0662\u0666\u0660\u0661\u0662\u0664-3f9c0a12be]",
    ],
)
def test_name_without_a_valid_marker_has_none(name: str | None) -> None:
    assert marker_of(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "[af-20260124-3f9c0a12be]",
        "x [af-20260124-3f9c0a12be] (by hand)",
        "x [af-20260124-3f9c0a12be] [af-99991231-3f9c0a12be]",
        "[af-20250101-0123456789] [af-20260124-3f9c0a12be]",
    ],
    ids=["alone", "before other text", "before an invalid one", "after another one"],
)
def test_last_valid_marker_of_a_name_counts(name: str) -> None:
    assert marker_of(name) == Marker("20260124", "3f9c0a12be")
