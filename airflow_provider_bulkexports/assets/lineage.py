"""
Lineage of exported and stored days: OpenLineage's facets, and Airflow's hook lineage.

An asset's URI is its OpenLineage dataset's namespace, a slash, and its name. Nothing here sees a signed link, and
OpenLineage is imported only when Airflow's provider for it calls.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_bulkexports.assets.bulkexports import asset_uri_of
from airflow_provider_bulkexports.assets.uris import SCHEME, openlineage_name
from airflow_provider_bulkexports.compat import collect_lineage, operator_lineage
from airflow_provider_bulkexports.model.results import WaitResult

if TYPE_CHECKING:
    from airflow_provider_bulkexports.api.client import BulkExportsClient

__all__ = ["ExportedDays", "export_lineage", "report_hook_lineage", "store_lineage"]

log = logging.getLogger(__name__)


class ExportedDays(NamedTuple):
    """
    The days that a task exported.

    :param days: ``YYYY-MM-DD`` each.
    """

    resource_type: str | None
    days: Sequence[str]
    job_sids: Sequence[str]

    @classmethod
    def from_result(cls, result: WaitResult) -> ExportedDays:
        """Take the days of a wait's result, except the failed ones."""
        return cls(result["resource_type"], sorted([*result["completed"], *result["empty"]]), result["job_sids"])


def report_hook_lineage(hook: Any, *, inputs: Sequence[str] = (), outputs: Sequence[str] = ()) -> None:
    """Report a hook's inputs and outputs to Airflow's lineage collector; this never fails the task."""
    try:
        collect_lineage(hook, inputs=inputs, outputs=outputs)
    except ValueError as error:  # a store's own rule for URIs, for example that they name a bucket
        log.info("Could not report hook lineage: %s", error)


def export_lineage(client: BulkExportsClient, exported: ExportedDays | None) -> Any:
    """
    Return OpenLineage's facets of an export: the days as output, and Twilio's jobs as external query.

    :param exported: ``None`` if the task exported nothing.
    """
    if exported is None:
        return operator_lineage()
    from openlineage.client.event_v2 import OutputDataset
    from openlineage.client.facet_v2 import external_query_run

    job = external_query_run.ExternalQueryRunFacet(", ".join(exported.job_sids), SCHEME)
    uri = asset_uri_of(client, exported.resource_type)
    outputs = [OutputDataset(*openlineage_name(uri), outputFacets=_subset("output", exported.days))] if uri else []
    return operator_lineage(outputs=outputs, run_facets={"externalQuery": job})


def store_lineage(source: str | None, *, destination: str, entries: Sequence[Mapping[str, Any]]) -> Any:
    """
    Return OpenLineage's facets of stored days: the account's exports as input, the folder as output.

    :param source: The asset's URI, if the account is known.
    :param destination: URI of the folder.
    :param entries: Manifest entries of the stored days.
    """
    from openlineage.client.event_v2 import InputDataset, OutputDataset
    from openlineage.client.facet_v2 import output_statistics_output_dataset

    days = [entry["day"] for entry in entries]
    statistics = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
        rowCount=sum(entry["records"] for entry in entries), size=sum(entry["bytes"] for entry in entries)
    )
    facets = {"outputStatistics": statistics, **_subset("output", days)}
    return operator_lineage(
        inputs=[InputDataset(*openlineage_name(source), inputFacets=_subset("input", days))] if source else [],
        outputs=[OutputDataset(*openlineage_name(destination), outputFacets=facets)],
    )


def _subset(direction: str, days: Sequence[str]) -> dict[str, Any]:
    """Name the days of the dataset, if the OpenLineage client supports it (1.29 and later)."""
    try:
        from openlineage.client.facet_v2 import base_subset_dataset as subset
    except ImportError:
        return {}
    condition = subset.PartitionSubsetCondition(
        [subset.Partition(dimensions={"day": day}, identifier=day) for day in days]
    )
    facet = subset.InputSubsetInputDatasetFacet if direction == "input" else subset.OutputSubsetOutputDatasetFacet
    return {"subset": facet(condition)} if days else {}
