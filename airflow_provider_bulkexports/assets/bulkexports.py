"""The assets of exported days, and their OpenLineage datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_bulkexports.assets.uris import SCHEME, asset_name, asset_uri, openlineage_name
from airflow_provider_bulkexports.compat import Asset, make_asset

if TYPE_CHECKING:
    from airflow_provider_bulkexports.api.client import BulkExportsClient

__all__ = ["asset_for", "asset_uri_of", "convert_asset_to_openlineage", "create_asset"]


def asset_for(resource_type: str, account: str) -> Asset:
    """
    Return the asset of an account's exported days, to be a task's outlet or inlet, or a DAG's schedule.

    A day is a partition of it, ``YYYY-MM-DD``: see ``emit_partitions`` of the sensors and the transfer. Its name is
    ``Twilio Messages (AC…)``, its group ``twilio-bulkexports``. On Airflow 2.11 it is a dataset, which has only a URI.

    :param resource_type: ``Messages``, ``Calls``, ``Conferences`` or ``Participants``.
    :param account: Account SID (``AC…``), as in the connection: as login, or as ``account_sid`` beside an API key.
    :raises BulkExportsInputError: if a value is invalid.
    """
    return create_asset(resource_type=resource_type, account=account)


def create_asset(*, resource_type: str, account: str, extra: dict[str, Any] | None = None) -> Asset:
    """Make the asset. Airflow's lineage collector calls this too; it knows the scheme but not the rest of the URI."""
    uri = asset_uri(resource_type, account)
    return make_asset(uri, name=asset_name(resource_type, account), group=SCHEME, extra=extra)


def asset_uri_of(client: BulkExportsClient, resource_type: str | None) -> str | None:
    """URI of the asset of a client's exports; ``None`` if the account is unknown because ``account_sid`` is not set."""
    return asset_uri(resource_type, client.account_sid) if client.account_sid and resource_type else None


def convert_asset_to_openlineage(asset: Asset, lineage_context: Any) -> Any:
    """Return an asset's OpenLineage dataset; Airflow calls this for outlets, inlets and hook lineage."""
    from openlineage.client.event_v2 import Dataset

    namespace, name = openlineage_name(asset.uri)
    return Dataset(namespace=namespace, name=name)
