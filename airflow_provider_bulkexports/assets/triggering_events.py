"""The days named by the asset events that started a run: of a watcher, or of another task's outlets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_bulkexports.assets.uris import account_of
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.days import parse_day
from airflow_provider_bulkexports.model.resources import ResourceType

__all__ = ["AnnouncedDays", "announced_days"]


@dataclass(frozen=True, slots=True)
class AnnouncedDays:
    """
    The days that one asset event names.

    :param asset: Name or URI of the asset.
    :param days: Empty if the event names none, for example because somebody made it by hand.
    :param resource_type: ``None`` if the event does not say.
    :param account_sid: ``None`` if the event does not say.
    """

    asset: str
    days: tuple[date, ...]
    resource_type: ResourceType | None
    account_sid: str | None

    def is_for(self, resource_type: ResourceType | None, account_sid: str | None) -> bool:
        """Whether the days are of a type and an account; what is unknown on either side matches."""
        return (resource_type in (None, self.resource_type) or self.resource_type is None) and (
            account_sid in (None, self.account_sid) or self.account_sid is None
        )


def announced_days(context: Mapping[str, Any]) -> list[AnnouncedDays]:
    """Read the events that started a run; empty if the run was scheduled or triggered by hand."""
    events: Any = context.get("triggering_asset_events") or context.get("triggering_dataset_events") or {}
    return [_read(event) for of_asset in events.values() for event in of_asset]


def _read(event: Any) -> AnnouncedDays:
    asset = getattr(event, "asset", None) or getattr(event, "dataset", None)  # dataset: Airflow 2.11
    uri = str(getattr(asset, "uri", ""))
    extra = _mapping(getattr(event, "extra", None))
    payload = _mapping(extra.get("payload")) or extra  # a watcher's event has the trigger's payload
    account = account_of(uri)
    return AnnouncedDays(
        asset=str(getattr(asset, "name", "") or uri),
        days=tuple(_days(payload.get("days"))),
        resource_type=_type(payload.get("resource_type"))
        or (_type(urlsplit(uri).path.strip("/")) if account else None),
        account_sid=account or _text(payload.get("account_sid")),
    )


def _days(value: Any) -> Iterator[date]:
    """The valid days of a list; an event that is not from this package may have anything there."""
    for day in value if isinstance(value, Iterable) and not isinstance(value, (str, Mapping)) else ():
        try:
            yield parse_day(day)
        except BulkExportsInputError:
            continue


def _type(value: Any) -> ResourceType | None:
    try:
        return ResourceType.parse(value)
    except BulkExportsInputError:
        return None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
