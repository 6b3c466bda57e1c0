"""Where files are published: what an address may be."""

from __future__ import annotations

import pytest

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.object_storage.destination import Destination


@pytest.mark.parametrize("scheme", ["abfs", "abfss"])
def test_an_azure_address_whose_container_airflow_would_take_for_a_connection_is_refused(scheme: str) -> None:
    with pytest.raises(BulkExportsInputError) as refused:
        Destination(f"{scheme}://exports@account.dfs.core.windows.net/twilio", "azure")

    assert f"Write {scheme}://exports/twilio and name the connection of account.dfs.core.windows.net" in str(
        refused.value
    )
