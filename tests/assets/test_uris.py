"""An asset's URI names an account and a resource type; everything else is rejected."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_bulkexports.assets.uris import asset_uri, sanitize_uri
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.resources import ResourceType

ACCOUNT = "AC" + "0a" * 16


@given(st.sampled_from(ResourceType), st.text("0123456789abcdef", min_size=32, max_size=32))
def test_uri_names_account_and_resource_type(resource_type: ResourceType, digits: str) -> None:
    uri = asset_uri(resource_type.value, f"AC{digits}")

    assert uri == f"twilio-bulkexports://AC{digits}/{resource_type.value}"
    assert sanitize_uri(urlsplit(uri)).geturl() == uri


def test_trailing_slash_is_ignored() -> None:
    assert sanitize_uri(urlsplit(f"twilio-bulkexports://{ACCOUNT}/Calls/")).geturl() == asset_uri("Calls", ACCOUNT)


@pytest.mark.parametrize(
    ("uri", "sentence"),
    [
        ("twilio-bulkexports://SK" + "0a" * 16 + "/Messages", "is not an Account SID: write 'AC' and 32"),
        ("twilio-bulkexports:///Messages", "is not an Account SID"),
        (f"twilio-bulkexports://{ACCOUNT}/messages", "write 'Messages'"),
        (f"twilio-bulkexports://{ACCOUNT}/Recordings", "cannot be exported: use one of"),
        (f"twilio-bulkexports://{ACCOUNT}", "cannot be exported: use one of"),
        (f"twilio-bulkexports://{ACCOUNT}/Messages/2026-01-01", "write 'Messages'"),
        (f"twilio-bulkexports://{ACCOUNT}/Messages?day=2026-01-01", "more than an account and a resource type"),
        (f"twilio-bulkexports://{ACCOUNT}:secret@{ACCOUNT}/Messages", "must not have credentials"),
    ],
)
def test_invalid_uri_is_rejected_with_a_remedy(uri: str, sentence: str) -> None:
    with pytest.raises(BulkExportsInputError, match=sentence) as refusal:
        sanitize_uri(urlsplit(uri))

    assert "secret" not in str(refusal.value)


def test_value_of_another_type_is_rejected() -> None:
    with pytest.raises(BulkExportsInputError, match="account None is not an Account SID"):
        asset_uri("Messages", None)
