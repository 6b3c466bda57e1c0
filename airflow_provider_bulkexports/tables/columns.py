"""
The columns of each resource type: names, types, and which of them Twilio labels as personal.

Fields are those of the resources of Twilio's API of 2010-04-01, without those that its documentation of BulkExports
(https://www.twilio.com/docs/usage/bulkexport) calls absent, and with those that real files had. A file may lack any of
them and have others.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from airflow_provider_bulkexports.model.resources import ResourceType

__all__ = ["RESCUED", "Column", "Kind", "columns_of"]

#: Column of JSON text: the fields that have no column, and the values that do not fit their column.
RESCUED = "_rescued"


class Kind(Enum):
    """Type of a column's values."""

    STRING = "string"
    #: Microseconds, UTC.
    TIMESTAMP = "timestamp"
    #: 18 digits, 8 of them after the point.
    DECIMAL = "decimal"
    INT32 = "int32"
    INT64 = "int64"
    BOOL = "bool"


class Column(NamedTuple):
    """
    One column of a table.

    :param is_personal: Whether Twilio's OpenAPI document labels the field as personal data.
    :param has_few_values: Whether its values repeat so much that a dictionary makes the file smaller.
    """

    name: str
    kind: Kind = Kind.STRING
    is_personal: bool = False
    has_few_values: bool = False


def columns_of(resource_type: ResourceType) -> tuple[Column, ...]:
    """Columns of a resource type, in order, without :data:`RESCUED`."""
    return _COLUMNS[resource_type]


def _timestamp(name: str) -> Column:
    return Column(name, Kind.TIMESTAMP)


def _few(name: str, kind: Kind = Kind.STRING) -> Column:
    return Column(name, kind, has_few_values=True)


def _personal(name: str) -> Column:
    return Column(name, is_personal=True)


_COLUMNS = {
    ResourceType.MESSAGES: (
        Column("sid"),
        _few("account_sid"),
        _few("messaging_service_sid"),
        _personal("from"),
        _personal("to"),
        _personal("body"),
        _few("status"),
        _few("direction"),
        _timestamp("date_created"),
        _timestamp("date_updated"),
        _timestamp("date_sent"),
        _few("num_segments", Kind.INT32),
        _few("num_media", Kind.INT32),
        _few("error_code", Kind.INT32),
        _few("price", Kind.DECIMAL),
        _few("flags", Kind.INT64),
        _few("start"),
    ),
    ResourceType.CALLS: (
        Column("sid"),
        _few("account_sid"),
        Column("parent_call_sid"),
        _few("phone_number_sid"),
        _few("group_sid"),
        _few("trunk_sid"),
        _personal("from"),
        _personal("from_formatted"),
        _personal("to"),
        _personal("to_formatted"),
        _personal("forwarded_from"),
        _personal("caller_name"),
        _few("answered_by"),
        _few("status"),
        _few("direction"),
        _timestamp("date_created"),
        _timestamp("date_updated"),
        _timestamp("start_time"),
        _timestamp("end_time"),
        Column("duration", Kind.INT32),
        Column("queue_time", Kind.INT32),
        _few("price", Kind.DECIMAL),
        _few("price_unit"),
        _few("api_version"),
    ),
    ResourceType.CONFERENCES: (
        Column("sid"),
        _few("account_sid"),
        _few("friendly_name"),
        _few("region"),
        _few("status"),
        _few("reason_conference_ended"),
        Column("call_sid_ending_conference"),
        _timestamp("date_created"),
        _timestamp("date_updated"),
    ),
    ResourceType.PARTICIPANTS: (
        _few("account_sid"),
        Column("call_sid"),
        Column("conference_sid"),
        _few("status"),
        Column("muted", Kind.BOOL),
        Column("hold", Kind.BOOL),
        Column("coaching", Kind.BOOL),
        Column("call_sid_to_coach"),
        Column("start_conference_on_enter", Kind.BOOL),
        Column("end_conference_on_exit", Kind.BOOL),
        _timestamp("date_created"),
        _timestamp("date_updated"),
    ),
}
