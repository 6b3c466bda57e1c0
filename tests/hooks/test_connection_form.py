"""Both kinds of connection form have the same fields: provider info for Airflow 3.2 and later, the hook before."""

from __future__ import annotations

import pytest

from airflow_provider_bulkexports.hooks.bulkexports import BulkExportsHook
from airflow_provider_bulkexports.provider_info import connection_form

EXTRA_FIELDS = {"account_sid", "connect_timeout", "read_timeout", "max_retries", "edge", "hash_key", "region"}


def test_form_declares_every_field_as_optional() -> None:
    fields = connection_form()["conn-fields"]

    assert set(fields) == EXTRA_FIELDS
    assert all("null" in field["schema"]["type"] for field in fields.values())


def test_no_default_is_a_text_that_airflow_cannot_mask() -> None:
    """The form stores defaults, and Airflow warns in every task's log of texts below five characters in the extra."""
    defaults = [field["schema"].get("default") for field in connection_form()["conn-fields"].values()]

    assert not [default for default in defaults if isinstance(default, str)]


def test_no_drop_down_offers_null() -> None:
    choices = [
        field["schema"]["enum"] for field in connection_form()["conn-fields"].values() if "enum" in field["schema"]
    ]

    assert choices == [["us1"]]


@pytest.mark.parametrize(
    ("of_the_hook", "declared"),
    [
        ("hidden_fields", "hidden-fields"),
        ("relabeling", "relabeling"),
        ("placeholders", "placeholders"),
    ],
)
def test_hook_relabels_fields_like_provider_info(of_the_hook: str, declared: str) -> None:
    behaviour = BulkExportsHook.get_ui_field_behaviour()

    assert set(behaviour) == {"hidden_fields", "relabeling", "placeholders"}
    assert behaviour[of_the_hook] == connection_form()["ui-field-behaviour"][declared]


def test_hook_makes_a_widget_for_every_declared_field() -> None:
    wtforms = pytest.importorskip("wtforms")
    pytest.importorskip("flask_appbuilder")

    form = type("Form", (wtforms.Form,), BulkExportsHook.get_connection_form_widgets())()

    assert set(form._fields) == EXTRA_FIELDS
    assert form["read_timeout"].type == "IntegerField"
    assert form["account_sid"].label.text == "Account SID"
    assert form.validate(), "a form left empty is valid"
