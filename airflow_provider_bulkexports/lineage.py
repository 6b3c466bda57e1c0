"""
What the exported days are called elsewhere: assets, which start DAGs, and the datasets of lineage.

The names agree: an asset's URI is its OpenLineage dataset's namespace, a slash, and its name. Nothing here sees a
signed link, and OpenLineage is imported only when Airflow's provider for it asks.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.compat import Asset, collect_lineage, operator_lineage
from airflow_provider_bulkexports.outcomes import WaitResult
from airflow_provider_bulkexports.planning.asset_uris import SCHEME, asset_uri

__all__ = [
    "Exported",
    "asset_for",
    "asset_uri_of",
    "convert_asset_to_openlineage",
    "create_asset",
    "export_lineage",
    "store_lineage",
    "tell_collector",
]

log = logging.getLogger(__name__)


class Exported(NamedTuple):
    """
    What a task had exported.

    :param days: ``YYYY-MM-DD`` each.
    """

    resource_type: str | None
    days: Sequence[str]
    job_sids: Sequence[str]

    @classmethod
    def from_result(cls, result: WaitResult) -> Exported:
        """Take the days that a wait ended with, but for the failed ones."""
        return cls(result["resource_type"], sorted([*result["completed"], *result["empty"]]), result["job_sids"])


def asset_for(resource_type: str, account: str) -> Asset:
    """
    Return the asset of an account's exported days, to be a task's outlet or inlet, or a DAG's schedule.

    A day is a partition of it, ``YYYY-MM-DD``: see ``emit_partitions`` of the sensors and the transfer. On Airflow 2.11
    it is a dataset.

    :param resource_type: ``Messages``, ``Calls``, ``Conferences`` or ``Participants``.
    :param account: Account SID (``AC…``), as in the connection: as login, or as ``account_sid`` beside an API key.
    :raises BulkExportsInputError: if a value cannot be right.
    """
    return Asset(asset_uri(resource_type, account))


def create_asset(*, resource_type: str, account: str, extra: dict[str, Any] | None = None) -> Asset:
    """Make the asset for Airflow's collector of lineage, which knows the scheme but not how to write a URI."""
    return Asset(asset_uri(resource_type, account), extra=extra)


def asset_uri_of(client: BulkExportsClient, resource_type: str | None) -> str | None:
    """URI of the asset of a client's exports; ``None`` if its account is not known, for want of ``account_sid``."""
    return asset_uri(resource_type, client.account_sid) if client.account_sid and resource_type else None


def convert_asset_to_openlineage(asset: Asset, lineage_context: Any) -> Any:
    """Return an asset's OpenLineage dataset; Airflow calls this for outlets, inlets and what hooks report."""
    from openlineage.client.event_v2 import Dataset

    namespace, name = _split(asset.uri)
    return Dataset(namespace=namespace, name=name)


def tell_collector(hook: Any, *, inputs: Sequence[str] = (), outputs: Sequence[str] = ()) -> None:
    """Report what was read and written to Airflow's collector of hooks' lineage; never an end of a task that worked."""
    try:
        collect_lineage(hook, inputs=inputs, outputs=outputs)
    except ValueError as error:  # a store's own rule for URIs, such as a bucket that must be named
        log.info("Left out of the hooks' lineage: %s", error)


def export_lineage(client: BulkExportsClient, exported: Exported | None) -> Any:
    """
    Describe an export: the account's days as its output, Twilio's jobs as what made them.

    :param exported: ``None``: nothing was.
    """
    if exported is None:
        return operator_lineage()
    from openlineage.client.event_v2 import OutputDataset
    from openlineage.client.facet_v2 import external_query_run

    job = external_query_run.ExternalQueryRunFacet(", ".join(exported.job_sids), SCHEME)
    uri = asset_uri_of(client, exported.resource_type)
    outputs = [OutputDataset(*_split(uri), outputFacets=_subset("output", exported.days))] if uri else []
    return operator_lineage(outputs=outputs, run_facets={"externalQuery": job})


def store_lineage(source: str | None, *, destination: str, entries: Sequence[Mapping[str, Any]]) -> Any:
    """
    Describe stored days: from the account's exports to the destination's folder.

    :param source: The asset's URI, if the account is known.
    :param destination: URI of the folder.
    :param entries: Manifest entries of the days that are there.
    """
    from openlineage.client.event_v2 import InputDataset, OutputDataset
    from openlineage.client.facet_v2 import output_statistics_output_dataset

    days = [entry["day"] for entry in entries]
    statistics = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
        rowCount=sum(entry["records"] for entry in entries), size=sum(entry["bytes"] for entry in entries)
    )
    facets = {"outputStatistics": statistics, **_subset("output", days)}
    return operator_lineage(
        inputs=[InputDataset(*_split(source), inputFacets=_subset("input", days))] if source else [],
        outputs=[OutputDataset(*_split(destination), outputFacets=facets)],
    )


def _split(uri: str) -> tuple[str, str]:
    """Namespace and name by OpenLineage's naming rules; a local file's namespace has no slashes."""
    parts = urlsplit(uri)
    if parts.scheme == "file":
        return f"file://{parts.netloc}" if parts.netloc else "file", parts.path or "/"
    return f"{parts.scheme}://{parts.netloc}", parts.path.strip("/") or "/"


def _subset(direction: str, days: Sequence[str]) -> dict[str, Any]:
    """Say which days of the dataset it was, where the OpenLineage client has words for it (1.29 and later)."""
    try:
        from openlineage.client.facet_v2 import base_subset_dataset as subset
    except ImportError:
        return {}
    condition = subset.PartitionSubsetCondition(
        [subset.Partition(dimensions={"day": day}, identifier=day) for day in days]
    )
    facet = subset.InputSubsetInputDatasetFacet if direction == "input" else subset.OutputSubsetOutputDatasetFacet
    return {"subset": facet(condition)} if days else {}
