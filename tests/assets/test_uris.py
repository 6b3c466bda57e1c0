"""An asset's URI names an account and a resource type; everything else is rejected."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_bulkexports.assets.bulkexports import asset_for, create_asset
from airflow_provider_bulkexports.assets.uris import asset_name, asset_uri, sanitize_uri
from airflow_provider_bulkexports.compat import AIRFLOW_VERSION
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.resources import ResourceType

ACCOUNT = "AC" + "0a" * 16


@given(st.sampled_from(ResourceType), st.text("0123456789abcdef", min_size=32, max_size=32))
def test_uri_names_account_and_resource_type(resource_type: ResourceType, digits: str) -> None:
    uri = asset_uri(resource_type.value, f"AC{digits}")

    assert uri == f"twilio-bulkexports://AC{digits}/{resource_type.value}"
    assert sanitize_uri(urlsplit(uri)).geturl() == uri


SIDS = st.text("0123456789abcdefABCDEF", min_size=32, max_size=32).map("AC{}".format)


@given(st.tuples(st.sampled_from(ResourceType), SIDS), st.tuples(st.sampled_from(ResourceType), SIDS))
@example((ResourceType.CALLS, "AC49" + "0" * 30), (ResourceType.CALLS, "AC49" + "0" * 29 + "1"))
def test_each_uri_has_a_name_of_its_own(one: tuple[ResourceType, str], other: tuple[ResourceType, str]) -> None:
    """Airflow turns off one of two assets that have the same name and different URIs, or the other way round."""
    assert (asset_name(*one) == asset_name(*other)) == (asset_uri(*one) == asset_uri(*other))


def test_name_is_one_that_every_database_of_airflow_accepts() -> None:
    name = asset_name("Messages", ACCOUNT)

    assert name == f"Twilio Messages ({ACCOUNT})"
    assert name.isascii()


@pytest.mark.skipif(AIRFLOW_VERSION.startswith("2."), reason="datasets have no name")
def test_asset_has_a_name_and_a_group() -> None:
    asset = asset_for("Messages", ACCOUNT)

    assert (asset.name, asset.group) == (f"Twilio Messages ({ACCOUNT})", "twilio-bulkexports")
    assert create_asset(resource_type="Messages", account=ACCOUNT) == asset


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
