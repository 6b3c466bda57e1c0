"""What a user may ask to be dropped or hashed, and what is refused before anything is fetched."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.tables.column_rules import ColumnRules

MESSAGES, CALLS = ResourceType.MESSAGES, ResourceType.CALLS
KEY = "a long random text"


def rules(kind: ResourceType = MESSAGES, **arguments: Any) -> ColumnRules:
    return ColumnRules.parse(kind, **arguments)


def test_without_rules_everything_is_kept() -> None:
    assert rules() == ColumnRules(new_fields="keep")
    assert not rules().change_something


def test_pii_covers_what_twilio_labels_as_personal() -> None:
    assert rules(pii="drop").drop == {"from", "to", "body"}
    assert rules(CALLS, pii="hash", hash_key=KEY).hashed == {
        "from",
        "from_formatted",
        "to",
        "to_formatted",
        "forwarded_from",
        "caller_name",
    }


def test_explicit_columns_win_over_pii() -> None:
    some = rules(pii="drop", hash_columns=["from"], hash_key=KEY)
    other = rules(pii="hash", drop_columns=["body"], hash_key=KEY)

    assert (some.drop, some.hashed) == ({"to", "body"}, {"from"})
    assert (other.drop, other.hashed) == ({"body"}, {"from", "to"})


def test_new_fields_are_dropped_by_default_where_something_is_hidden() -> None:
    assert rules(pii="drop").new_fields == "drop"
    assert rules(pii="drop", new_fields="keep").new_fields == "keep"


def test_hash_is_keyed() -> None:
    number = "+15005550006"
    some = rules(pii="hash", hash_key=KEY)

    assert some.hash(number) == hmac.new(KEY.encode(), number.encode(), hashlib.sha256).hexdigest()
    assert some.hash(number) != rules(pii="hash", hash_key="another").hash(number)


def test_key_is_not_shown() -> None:
    assert KEY not in repr(rules(pii="hash", hash_key=KEY))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"pii": "mask"}, "pii 'mask': write 'hash' or 'drop'"),
        ({"drop_columns": "body"}, "drop_columns 'body': write a list"),
        ({"drop_columns": ["bdoy"]}, "drop_columns: 'bdoy' is not a column of Messages; they are sid, account_sid"),
        ({"drop_columns": ["sid"]}, "drop_columns names 'sid', which tells records apart"),
        ({"hash_columns": ["price"], "hash_key": KEY}, "hash_columns: 'price' is not text"),
        ({"hash_columns": ["from"]}, "from cannot be hashed without a key: add hash_key"),
        ({"pii": "hash", "hash_key": ""}, "body, from, to cannot be hashed without a key"),
        ({"new_fields": "rescue"}, "new_fields 'rescue': write 'keep', 'drop' or 'fail'"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_rules_are_refused_with_what_to_write(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(BulkExportsInputError) as refusal:
        rules(**arguments)

    assert words in str(refusal.value)
