"""Literals are checked when a DAG file is parsed."""

from __future__ import annotations

from datetime import date, datetime, timezone
from typing import Any

import pytest

from airflow_provider_bulkexports.compat import BaseOperator
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.tasks.arguments import is_literal, literal_or, require_choice


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "Messages",
        "2026-01-31",
        "{not a template}",
        7,
        1.5,
        True,
        date(2026, 1, 31),
        ["a", "b"],
        (),
        datetime(2026, 1, 31, tzinfo=timezone.utc),
    ],
    ids=lambda value: type(value).__name__,
)
def test_plain_value_is_a_literal(value: Any) -> None:
    assert is_literal(value)
    assert literal_or(value, "else") == value


@pytest.mark.parametrize(
    "value",
    ["{{ ds }}", "{% if x %}a{% endif %}", "a {{ x }} b", ["a", "{{ x }}"], ("{{ x }}",), object(), {"a": 1}],
    ids=lambda value: type(value).__name__,
)
def test_template_or_foreign_object_is_not_a_literal(value: Any) -> None:
    assert not is_literal(value)
    assert literal_or(value, "else") == "else"


def test_task_output_is_not_a_literal() -> None:
    output = BaseOperator(task_id="upstream").output

    assert not is_literal(output)
    assert not is_literal(["a", output])


def test_unknown_choice_is_rejected_with_the_choices() -> None:
    require_choice("if_exists", "adopt", ("adopt", "submit"))

    with pytest.raises(BulkExportsInputError, match="if_exists must be 'adopt' or 'submit', got 'Adopt'"):
        require_choice("if_exists", "Adopt", ("adopt", "submit"))
